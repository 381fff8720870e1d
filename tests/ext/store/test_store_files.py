"""Files that are locked, full, damaged, of another program or of another version: typed errors, and nothing is lost."""

import asyncio
import contextlib
import functools
import itertools
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from threading import Event, Thread
from typing import Any, Literal

import pytest

from miniagents import Message, UserMessage
from miniagents.ext.store import (
    SQLiteStore,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreUnavailableError,
    StoreVersionError,
)
from miniagents.ext.store._sqlite_file import _STEPS, VERSION, opened
from miniagents.wire import Pieces

DATA = Path(__file__).parent / "data"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def move(path: Path, name: str) -> None:
    path.rename(path.with_name(name))


def fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)


async def filled(path: Path) -> UserMessage:
    message = UserMessage("hello")
    async with SQLiteStore(path) as store:
        await store.put(message)
        await store.append("numbers", Pieces(0, 2, b"0\n1\n"))
    return message


async def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    await filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    async with SQLiteStore(path) as store:
        with pytest.raises(StoreVersionError, match=r"runs\.db: a newer version of miniagents has written it"):
            await store.get("0" * 40, Message)


async def test_a_file_of_another_program_is_refused_and_left_as_it_is(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE messages (id INTEGER)")
    connection.close()
    before = content_of(path)
    async with SQLiteStore(path) as store:
        with pytest.raises(StoreVersionError, match="a database of another program; give the store a file of its own"):
            await store.put(UserMessage("x"))
    assert content_of(path) == before


@pytest.mark.parametrize("content", [b"no database at all, but a text\n" * 100, bytes(range(256)) * 20])
async def test_a_file_that_is_no_database_is_told(path: Path, content: bytes) -> None:
    fill(path, content)
    async with SQLiteStore(path) as store:
        with pytest.raises(StoreDamagedError, match=r"runs\.db: it is damaged, or no SQLite database"):
            await store.put(UserMessage("x"))
    assert content_of(path) == content


async def test_pages_that_were_overwritten_are_told(path: Path) -> None:
    async with SQLiteStore(path) as store:
        for number in range(50):
            await store.append("numbers", Pieces(number, 1, b"%d\n" % number * 500))
        await store.end("numbers")
    pages = content_of(path)[: 2 * 4096]
    fill(path, pages.ljust(len(content_of(path)), b"\xa5"))
    async with SQLiteStore(path) as store:
        with pytest.raises(StoreDamagedError, match=r"runs\.db"):
            async for _ in store.read("numbers"):
                pass


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pieces SET data=x'00' WHERE first=1",
        "UPDATE pieces SET data='1' WHERE first=1",
        "DELETE FROM pieces WHERE first=1",
        "UPDATE pieces SET first=7 WHERE first=1",
        "UPDATE streams SET count=9",
    ],
)
async def test_damaged_pieces_are_told_with_the_stream_and_the_place(path: Path, statement: str) -> None:
    async with SQLiteStore(path) as store:
        for number in range(3):
            await store.append("numbers", Pieces(number, 1, b"%d\n" % number))
        await store.end("numbers")
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    read: list[bytes] = []
    async with SQLiteStore(path) as store:
        with pytest.raises(StoreDamagedError, match=r"runs\.db: stream 'numbers' at piece \d") as caught:
            async for pieces in store.read("numbers"):
                read.append(pieces.data)  # noqa: PERF401  # those before the error are wanted
        assert read == [b"0\n", b"1\n", b"2\n"][: caught.value.index]
        assert caught.value.index == (3 if "count" in statement else 1)


async def test_a_locked_file_is_waited_for_and_then_told(path: Path) -> None:
    message = await filled(path)
    locked, release = Event(), Event()

    def lock() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        locked.set()
        release.wait()
        connection.execute("COMMIT")
        connection.close()

    thread = Thread(target=lock)
    thread.start()
    locked.wait()
    async with SQLiteStore(path, patience=0.05) as store, SQLiteStore(path) as patient:
        with pytest.raises(StoreLockedError, match=r"runs\.db: another program has locked it"):
            await store.put(UserMessage("x"))
        assert await store.get(message.hash_key, UserMessage) == message  # reading goes on
        waiting = asyncio.ensure_future(patient.put(UserMessage("x")))
        await asyncio.sleep(0.01)
        release.set()
        await waiting
        await store.put(UserMessage("y"))
    thread.join()


async def test_a_file_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    async with SQLiteStore(tmp_path / "none" / "runs.db") as store:
        with pytest.raises(StoreUnavailableError, match="there is no folder '.*none'; make it first"):
            await store.put(UserMessage("x"))
        (tmp_path / "none").mkdir()
        await store.put(UserMessage("x"))  # it tries again


async def test_a_full_disk_is_told_and_what_was_acknowledged_stays(small_disk: Path) -> None:
    path = small_disk / "runs.db"
    filling = small_disk / "filling"
    async with SQLiteStore(path) as store:
        kept = 0
        with pytest.raises(StoreFullError, match=r"runs\.db: .*(no room left|cannot be .*written)"):
            while True:
                await store.append("numbers", Pieces(kept, 1, b"%d\n" % kept * 5000))
                kept += 1
                if kept == 5:
                    fill(filling, b"x" * 400_000)
        assert kept > 5
        found = [pieces.first async for pieces in store.read("numbers", follow=False)]
        assert found == [*range(kept)]
        filling.unlink()
        await store.append("numbers", Pieces(kept, 1, b"more\n"))
    async with SQLiteStore(path) as store:
        assert [pieces.first async for pieces in store.read("numbers", follow=False)] == [*range(kept + 1)]


@pytest.mark.parametrize("version", range(1, VERSION + 1))
async def test_a_store_of_each_older_version_is_read_and_written(path: Path, version: int) -> None:
    """`data/version-N.sql` is what a store of that version had; it is never changed."""
    connection = sqlite3.connect(path)
    connection.executescript((DATA / f"version-{version}.sql").read_text())
    connection.close()
    async with SQLiteStore(path) as store:
        (run,) = [run async for run in store.runs()]
        (call,) = [call async for call in store.calls(run.id)]
        assert call.record.called.name == "echo"
        assert call.record.replayed is False
        assert [(await store.get(key, Message)).text for key in call.replies] == ["hello"]
        assert [pieces.data async for pieces in store.read("numbers")] == [b"0\n", b"1\n"]
        await store.put(UserMessage("new"))
        await store.append("more", Pieces(0, 1, b"0\n"))
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    made = [sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")]
    connection.close()
    fresh = sqlite3.connect(":memory:")
    for step in _STEPS:
        fresh.executescript(step)
    wanted = [sql for (sql,) in fresh.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")]
    fresh.close()
    assert made == wanted


async def test_two_processes_may_make_the_file_at_the_same_time(path: Path) -> None:
    stores = [SQLiteStore(path) for _ in range(8)]
    await asyncio.gather(*(store.put(UserMessage(str(number))) for number, store in enumerate(stores)))
    for number, store in enumerate(stores):
        await store.get(UserMessage(str((number + 1) % 8)).hash_key, UserMessage)
        await store.close()


def test_another_process_may_make_the_file_between_any_two_steps(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    statements = itertools.count()
    moment = 0

    class Interrupted(sqlite3.Connection):
        """Lets another one make the file before one of its statements."""

        def execute(self, *arguments: Any) -> sqlite3.Cursor:  # Any: passed on as it is
            if next(statements) == moment:
                with contextlib.suppress(StoreLockedError), monkeypatch.context() as other:
                    other.setattr(sqlite3, "connect", connect)
                    opened(path, "runs.db", "normal", 0).close()
            return super().execute(*arguments)

    for moment in itertools.count():
        statements = itertools.count()
        with monkeypatch.context() as this:
            this.setattr(sqlite3, "connect", functools.partial(connect, factory=Interrupted))
            connection = opened(path, "runs.db", "normal", 10)
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        connection.close()
        path.unlink()
        if next(statements) <= moment:
            break
    assert moment > 10, "each statement of making a file was one of the moments"


@pytest.mark.parametrize(("durability", "synchronous"), [("normal", 1), ("full", 2)])
def test_a_commit_waits_for_what_the_durability_says(
    path: Path, durability: Literal["normal", "full"], synchronous: int
) -> None:
    """Only a cut of the power could show it."""
    connection = opened(path, "runs.db", durability, 1)
    assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    connection.close()


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_deleted_or_replaced_while_the_store_is_open_is_told(path: Path, replaced: bool) -> None:
    """Else everything would be written where nobody finds it."""
    async with SQLiteStore(path) as store:
        await store.put(UserMessage("before"))
        move(path, "moved.db")
        if replaced:
            async with SQLiteStore(path.with_name("other.db")) as other:
                await other.put(UserMessage("other"))
            move(path.with_name("other.db"), path.name)
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="was deleted, moved or replaced while the store was open"):
                await store.append("a", Pieces(0, 1, b"0\n"))


@pytest.fixture
def kept() -> Iterator[Path]:
    """A store that this process may read, and nothing else."""
    folder = Path(mkdtemp(prefix="kept-", dir="/tmp"))  # where another user can look
    path = folder / "runs 1?.db"
    asyncio.run(filled(path))
    asyncio.run(looked_at(SQLiteStore(path)))  # everything is imported before
    user = os.geteuid()
    path.chmod(0o444)
    folder.chmod(0o555)
    if user == 0:
        os.seteuid(65534)  # root may write everything
    try:
        yield path
    finally:
        os.seteuid(user)
        folder.chmod(0o755)
        shutil.rmtree(folder)


async def looked_at(store: SQLiteStore) -> tuple[bytes, str]:
    async with store:
        with contextlib.suppress(StoreError):
            await store.append("more", Pieces(0, 1, b"0\n"))
        data = b"".join([pieces.data async for pieces in store.read("numbers", follow=False)])
        return data, str(await store.get(UserMessage("hello").hash_key, UserMessage))


@pytest.mark.skipif(os.name != "posix", reason="the rights of files are those of POSIX")
async def test_a_store_that_may_only_be_read_is_read(kept: Path) -> None:
    """An artifact of a build, or what another user has kept: SQLite itself would make files beside it."""
    assert await looked_at(SQLiteStore(kept)) == (b"0\n1\n", "hello")
    async with SQLiteStore(kept) as store:
        with pytest.raises(StoreUnavailableError, match=r"it cannot be opened for writing: .*READONLY"):
            await store.put(UserMessage("more"))


@pytest.mark.skipif(os.name != "posix", reason="the rights of files are those of POSIX")
@pytest.mark.parametrize("is_written_before", [True, False])
async def test_a_store_that_may_only_be_read_is_not_read_while_another_process_writes_it(
    kept: Path, is_written_before: bool
) -> None:
    """The reader would see neither what is beside the file nor that it changes."""
    async with SQLiteStore(kept) as store:
        if is_written_before:
            beside(kept, "-wal")
            said = "it cannot be opened for writing"
        else:
            await store.get(UserMessage("hello").hash_key, UserMessage)
            beside(kept, "")
            said = "written while it could only be read; close the store, and make another one"
        with pytest.raises(StoreUnavailableError, match=said):
            await store.get(UserMessage("hello").hash_key, UserMessage)


def beside(path: Path, suffix: str) -> None:
    """Write a file as another user does."""
    user = os.geteuid()
    os.seteuid(os.getuid())
    path.parent.chmod(0o755)
    file = path.with_name(f"{path.name}{suffix}")
    if file.exists():
        file.chmod(0o644)
    with file.open("ab") as there:
        there.write(bytes(4096))
    path.parent.chmod(0o555)
    os.seteuid(user)


async def test_a_folder_is_no_store(tmp_path: Path) -> None:
    async with SQLiteStore(tmp_path) as store:
        with pytest.raises(StoreUnavailableError, match="it is a folder; a store is a file"):
            await store.put(UserMessage("x"))


def test_wrong_options_are_told(path: Path) -> None:
    with pytest.raises(ValueError, match='path is that of a file, or ":memory:", not ""'):
        SQLiteStore("")
    with pytest.raises(ValueError, match='durability is "normal" or "full"'):
        SQLiteStore(path, durability="fast")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="lease=.*: give a number of seconds above 0"):
        SQLiteStore(path, lease=0)


async def test_all_errors_are_errors_of_stores(path: Path) -> None:
    async with SQLiteStore(path, durability="full") as store:
        with pytest.raises(StoreError):
            await store.get("0" * 40, Message)
