"""What a person sees and says of a replay: progress, where to begin, where to publish."""

from ops.replay.begin import begin_named
from ops.replay.progress import progress_bar
from ops.replay.publishing import publishing_to
from ops.replay.ranges import bounds_of, open_topic

__all__ = ["begin_named", "bounds_of", "open_topic", "progress_bar", "publishing_to"]
