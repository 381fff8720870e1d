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
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket has a short name
    data = folder / "data"
    try:
        shutil.chown(folder, user())
        run("initdb", "-D", data, "-U", "tester", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8")
        log = folder / "log"
        with log.open("wb") as written:
            process = subprocess.Popen(
                command("postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"),
                stdout=written,
                stderr=written,
                user=user(),
                cwd=folder,
            )
        try:
            deadline = time.monotonic() + PATIENCE
            while not is_ready(folder):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"Postgres does not begin:\n{log.read_text()}")
                time.sleep(0.05)
            yield folder
        finally:
            process.send_signal(signal.SIGINT)  # it does not wait for its clients
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


async def executed(folder: Path, statement: str, database: str = "postgres") -> None:
    asyncpg: Any = import_module("asyncpg")  # Any: it has no types
    connection = await asyncpg.connect(address_of(folder, database))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
