"""The engines that every test of the rules of stores runs with."""

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from miniagents.ext.store import SQLiteStore, Store, open_store
from tests.ext.store.postgres_server import address_of, executed, missing, running_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The folder of the socket of a server that all tests of a process share."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    with running_server() as folder:
        yield folder


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a store that is not there yet, for processes that share it."""
    if request.param == "sqlite":
        return str(tmp_path / "runs.db")
    folder: Path = request.getfixturevalue("postgres")
    database = f"test_{uuid.uuid4().hex}"
    asyncio.run(executed(folder, f"CREATE DATABASE {database}"))
    return address_of(folder, database)


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens a store; each further call opens the same store again, as another process would, where that is possible."""
    if request.param == "memory":
        only = SQLiteStore(":memory:")
        return lambda: only
    if request.param == "sqlite":
        return lambda: SQLiteStore(tmp_path / "runs.db")
    folder: Path = request.getfixturevalue("postgres")
    database = f"test_{uuid.uuid4().hex}"
    asyncio.run(executed(folder, f"CREATE DATABASE {database}"))
    return lambda: open_store(address_of(folder, database))


@pytest.fixture
def small_disk(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of a megabyte, or of the size that is the fixture's parameter; every user can reach it."""
    folder = Path(mkdtemp(prefix="disk-", dir="/tmp"))
    options = f"size={getattr(request, 'param', '1m')},mode=777"
    mounted = (
        sys.platform == "linux"
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=False, capture_output=True
        ).returncode
    )
    folder.chmod(0o777)
    try:
        if not mounted:
            pytest.skip("only root of a Linux machine can make a small disk")
        yield folder
        subprocess.run(["umount", "-l", folder], check=True)
    finally:
        folder.rmdir()
