"""Every setting of the program: the worker's own configuration, the HTTP port, the log.

The worker's settings are the fields of `workers.config.WorkerConfig`, one to one: a field
added there is a setting here. pydantic converts and checks.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ops.logs import LogFormat
from workers.config import WorkerConfig

__all__ = ["UNUSED_STORE", "HttpSettings", "LogSettings", "Settings", "TracesSettings"]

UNUSED_STORE = "file:///unused"
"""`snapshot_url` of a command that keeps no state and was not told one."""


class HttpSettings(BaseModel):
    """Where `/livez`, `/readyz` and `/metrics` are served; port 0 takes any free one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # The platform's probes come from outside the pod.
    host: str = Field(default="0.0.0.0", min_length=1)  # noqa: S104
    port: int = Field(default=9464, ge=0, le=65_535)
    stall_after_s: float = Field(default=60.0, gt=0, le=86_400)


class LogSettings(BaseModel):
    """What is logged, and how it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    format: LogFormat = LogFormat.AUTO


class TracesSettings(BaseModel):
    """Whether spans are sent by OpenTelemetry; `OTEL_*` variables say where to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = False


class Settings(BaseModel):
    """All settings. Made by `ops.settings.load_settings`, which explains what is wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    worker: WorkerConfig
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()
    traces: TracesSettings = TracesSettings()
