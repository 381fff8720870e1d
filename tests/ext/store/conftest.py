"""The engines that every test of the rules of stores runs with."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from miniagents.ext.store import SQLiteStore, Store


@pytest.fixture(params=["sqlite", "memory"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Opens a store; each further call opens the same store again, as another process would, where that is possible."""
    if request.param == "memory":
        only = SQLiteStore(":memory:")
        yield lambda: only
    else:
        yield lambda: SQLiteStore(tmp_path / "runs.db")
