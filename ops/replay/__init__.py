"""What a person sees of a replay: progress, summary, report."""

from ops.replay.progress import progress_bar

__all__ = ["progress_bar"]
