"""What a person sees of a search for hyperparameters: its progress, and what it found."""

from ops.tuning.progress import SearchBar
from ops.tuning.words import summary_lines
from ops.tuning.write import write_pages

__all__ = ["SearchBar", "summary_lines", "write_pages"]
