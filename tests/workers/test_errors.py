"""What an error says of the place it is about."""

from workers.errors import PartitionError


def test_a_partition_without_a_known_offset_has_none_in_its_message() -> None:
    """The client's word for "none" is a number below 0, which would be taken for an offset."""
    known = PartitionError("gone", topic="ticks", partition=3, offset=0)
    unknown = PartitionError("gone", topic="ticks", partition=3, offset=-1001)
    assert (str(known), str(unknown)) == ("ticks[3] at offset 0: gone", "ticks[3]: gone")
