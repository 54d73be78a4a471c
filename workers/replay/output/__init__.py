"""What a run leaves: its folder, its tables part by part, its checkpoints; and ticks as files."""
