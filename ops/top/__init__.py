"""`tickfleet top`: a running fleet on a terminal, from Kafka and the store alone."""

from ops.top.observe import FleetObserver
from ops.top.picture import FleetPicture, PartitionPicture
from ops.top.render import render

__all__ = ["FleetObserver", "FleetPicture", "PartitionPicture", "render"]
