"""Versions: what runs here."""

import platform
from collections.abc import Iterator
from importlib.metadata import version

from confluent_kafka import libversion

from ops.doctor.finding import Finding
from ops.doctor.site import Site

__all__ = ["check_programs"]

_PACKAGES = ("tickfleet", "confluent-kafka", "jax", "jaxlib", "numpy")


def check_programs(_: Site) -> Iterator[Finding]:
    """Name the versions; other versions of JAX may compute other bits."""
    shown = [f"{name} {version(name)}" for name in _PACKAGES]
    yield Finding.ok(
        "programs",
        f"Python {platform.python_version()}, {', '.join(shown)}, librdkafka {libversion()[0]}",
    )
