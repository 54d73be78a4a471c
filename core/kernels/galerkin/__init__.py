"""Kernel B, Deep Galerkin: the mean of the next level as the solution of its Kolmogorov equation.

`update` runs in the step; `train` is a compiled call of its own, on the networks that are due.
"""

from core.kernels.galerkin.collapse import Collapse
from core.kernels.galerkin.kernel import Galerkin, fields, update
from core.kernels.galerkin.surface import SURFACE_ROWS, Surface, fresh_surface
from core.kernels.galerkin.training import NETWORK_ROWS, SURFACE, fresh_network, train

__all__ = [
    "NETWORK_ROWS",
    "SURFACE",
    "SURFACE_ROWS",
    "Collapse",
    "Galerkin",
    "Surface",
    "fields",
    "fresh_network",
    "fresh_surface",
    "train",
    "update",
]
