"""Times in pandas that are objects, as concatenating two tables leaves them: given one type.

Arrow would cut them to microseconds, and read all of them like the first, in its zone or in none.
"""

from typing import Any

from workers.replay.errors import BadTicksError

__all__ = ["typed_times"]


def typed_times(source: str, frame: Any, name: str) -> Any:
    """The table with its column of times in nanoseconds, where it holds objects.

    Args:
        source: named in errors.
        frame: pandas' table.
        name: of the column.

    Raises:
        BadTicksError: some times name a zone and some do not, or they cannot stand in one column.
    """
    import pandas  # noqa: PLC0415  (an extra, of which this table is)

    times = frame[name]
    kind = pandas.api.types.infer_dtype(times) if times.dtype == object else ""
    if kind not in {"datetime", "datetime64"}:
        return frame
    zoned = [
        getattr(stamp, "tzinfo", None) is not None for stamp in times if not pandas.isna(stamp)
    ]
    if any(zoned) and not all(zoned):
        raise BadTicksError(
            f"{source}: some of {name} name a time zone and some do not: give all of them one, as "
            "with pandas' tz_localize"
        )
    try:
        return frame.assign(**{name: pandas.to_datetime(times, utc=any(zoned))})
    except (ValueError, OverflowError) as error:
        raise BadTicksError(f"{source}: {name}: {error}: give one type of times") from error
