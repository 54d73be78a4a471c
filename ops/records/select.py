"""Which records a person wants to see: conditions on fields, all of which must hold."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ops.records.decode import Record

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Conditions; an empty one admits everything.

    Attributes:
        assets: asset ids (the key, where the record has none of its own).
        flags: boolean fields, one of which must be true.
        equal: field name -> the texts that it may have.
    """

    assets: Collection[str] = ()
    flags: Collection[str] = ()
    equal: Mapping[str, Collection[str]] = field(default_factory=dict)

    def admits(self, record: Record) -> bool:
        """Whether the record meets every condition. An undecodable one meets no field's."""
        value = record.value or {}
        if self.assets and value.get("asset_id", record.key) not in self.assets:
            return False
        if self.flags and not any(value.get(name) is True for name in self.flags):
            return False
        return all(
            str(value.get(name)) in texts for name, texts in self.equal.items() if len(texts)
        )
