"""Ticks of files and tables: columns, times, order and bad rows, in whatever layout they come."""
