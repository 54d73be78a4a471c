"""What a person sees and says of a replay: progress, and where to begin."""

from ops.replay.begin import begin_named
from ops.replay.progress import progress_bar

__all__ = ["begin_named", "progress_bar"]
