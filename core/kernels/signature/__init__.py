"""Kernel D: the signature of the path (time, price), and linear readouts of it per depth.

A path in one dimension has one degree of freedom, so time is its first letter. Time is counted
in ticks.
"""

from core.kernels.signature.kernel import allowed_depth, fields, update

__all__ = ["allowed_depth", "fields", "update"]
