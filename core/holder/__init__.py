"""System identification: the Hölder exponent of a path, and the emergency rule on it."""

from core.holder.detector import HolderOutput, fields, update

__all__ = ["HolderOutput", "fields", "update"]
