"""A Postgres server of the tests' own, where Postgres is installed."""

import asyncio
import getpass
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.watchdog import PATIENCE

LOOK = 0.05
"""The seconds between two looks at a server that begins."""
LOOKS = round(PATIENCE / LOOK)
FOLDERS = (*map(Path, os.get_exec_path()), *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))


def missing() -> str | None:
    """Why there can be no server; None if there can be one."""
    if find_spec("asyncpg") is None:
        return "asyncpg is not installed"
    if program("initdb") is None or program("postgres") is None:
        return "Postgres is not installed; `scripts/setup_postgres` does so on Debian"
    return None


def program(name: str) -> Path | None:
    return next((folder / name for folder in FOLDERS if (folder / name).exists()), None)


def user() -> str:
    """Whom the server runs as: it refuses root."""
    return "nobody" if os.name == "posix" and os.geteuid() == 0 else getpass.getuser()


@contextmanager
def running_server() -> Generator[Path]:
    """Run a server; yield the folder of its socket."""
    with fresh_folder() as folder, serving(folder):
        yield folder


@contextmanager
def fresh_folder(*, log: Path | None = None) -> Generator[Path]:
    """Make a folder that a server can serve from.

    Args:
        log: Where the server keeps its write-ahead log; by default beside its tables.
    """
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket has a short name
    try:
        shutil.chown(folder, user())
        options = ("-N", "-E", "UTF8", "--locale=C.UTF-8", "--wal-segsize=1")
        elsewhere = () if log is None else ("-X", log)
        run("initdb", "-D", folder / "data", "-U", "tester", "-A", "trust", *options, *elsewhere)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(folder: Path, **settings: str) -> Generator[None]:
    """Run a server in a folder, with settings of Postgres."""
    settings = {"listen_addresses": "", "fsync": "off"} | settings
    options = [each for name, value in settings.items() for each in ("-c", f"{name}={value}")]
    said = folder / "said"
    with said.open("w") as output:
        process = subprocess.Popen(
            command("postgres", "-D", folder / "data", "-k", folder, *options),
            stdout=output,
            stderr=output,
            user=user(),
            cwd=folder,
        )
    try:
        for _ in range(LOOKS):
            if process.poll() is not None or ((folder / ".s.PGSQL.5432").exists() and is_ready(folder)):
                break
            time.sleep(LOOK)
        else:
            process.kill()
        if process.poll() is not None:
            raise RuntimeError(f"Postgres does not begin:\n{said.read_text()}")
        yield
    finally:
        process.send_signal(signal.SIGINT)  # it does not wait for its clients
        process.wait()


def run(name: str, *arguments: object) -> None:
    subprocess.run(command(name, *arguments), check=True, capture_output=True, user=user(), cwd="/")


def command(name: str, *arguments: object) -> list[str]:
    return [str(program(name)), *map(str, arguments)]


def address_of(folder: Path, database: str) -> str:
    return f"postgresql://tester@/{database}?host={folder}"


def is_ready(folder: Path) -> bool:
    try:
        asyncio.run(executed(folder, "SELECT 1"))
    except OSError:
        return False
    except Exception as error:  # the server begins
        if getattr(error, "sqlstate", None) == "57P03":
            return False
        raise
    return True


async def executed(folder: Path, statement: str, database: str = "postgres") -> object:
    """Execute a statement; return the first value that it gives."""
    asyncpg: Any = import_module("asyncpg")  # Any: it has no types
    connection = await asyncpg.connect(address_of(folder, database))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
