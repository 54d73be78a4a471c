import pytest

from tests.snapshots.memory_store import MemoryStore
from tests.snapshots.store_contract import StoreContract


class TestMemoryStore(StoreContract):
    """The fake that other tests use keeps the contract of the real ones."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()
