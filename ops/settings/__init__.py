"""Settings: file and environment in, `WorkerConfig` and friends out; wrong ones are explained."""

from ops.settings.errors import SettingsError
from ops.settings.load import load_settings
from ops.settings.model import UNUSED_STORE, HttpSettings, LogSettings, Settings, TracesSettings
from ops.settings.render import MASK, render_settings

__all__ = [
    "MASK",
    "UNUSED_STORE",
    "HttpSettings",
    "LogSettings",
    "Settings",
    "SettingsError",
    "TracesSettings",
    "load_settings",
    "render_settings",
]
