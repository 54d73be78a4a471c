"""Names of files and folders that can be used at all."""

from pathlib import Path

from workers.replay.errors import ReplayError

__all__ = ["check_name"]


def check_name(path: Path) -> None:
    """Whether it can be looked up, whatever is or is not there.

    Raises:
        ReplayError: it is too long or may not be looked at, or is no UTF-8, which Arrow and a
            result's source must be.
    """
    try:
        str(path.absolute()).encode()
        path.exists()
    except (OSError, UnicodeEncodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ReplayError(f"{str(path)!a} cannot be used ({why}): choose another name") from error
