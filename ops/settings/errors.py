"""The error of a wrong setting: one message that names the key and the remedy."""

from workers.errors import ConfigurationError

__all__ = ["SettingsError"]


class SettingsError(ConfigurationError):
    """A setting is missing, unknown or out of range; nothing was started."""
