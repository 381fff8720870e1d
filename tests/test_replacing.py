"""Files are replaced as a whole: `miniagents._replacing`, and the commands and the chat that write with it."""

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, strategies as st

from miniagents import _replacing
from miniagents._replacing import replace, target_of
from miniagents.chat.history import write_conversation
from miniagents.cli import main
from miniagents.commands import convert as conversion
from miniagents.messages import UserMessage
from miniagents.wire import write_records
from tests.effort import examples

OLD = b"what was there before\n"
SCHEMA = '{"$defs": {"Sensor": {"type": "object", "properties": {"celsius": {"type": "number"}}}}}'


def generating(output: Path) -> list[str]:
    schema = output.with_name("parts.schema.json")
    schema.write_text(SCHEMA)
    return ["generate", str(schema), "--output", str(output)]


def exporting(output: Path) -> list[str]:
    return ["export", "scripts.demonstration.help_desk", "--output", str(output)]


def converting(output: Path) -> list[str]:
    source = output.with_name("input.ndjson")
    write_records(source, [UserMessage("x" * 500)] * 1000)
    return ["convert", str(source), str(output), "--to", "json"]


def generate(output: Path) -> int:
    return main(generating(output))


def export(output: Path) -> int:
    return main(exporting(output))


def convert(output: Path) -> int:
    return main(converting(output))


def save(output: Path) -> int:
    write_conversation(output, [UserMessage("Hello")])
    return 0


Write = Callable[[Path], int]
each_writer = pytest.mark.parametrize("write", [generate, export, convert, save])
each_command = pytest.mark.parametrize("write", [generate, export, convert])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"parts.schema.json", "input.ndjson"}


# The old content stays until the new one is complete ------------------------------------------------------------------


@each_command
def test_a_full_disk_leaves_the_old_file(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The disk takes some bytes, and then no more."""
    output = tmp_path / "messages.py"
    output.write_bytes(OLD)

    def write_to_full_disk(file: FileIO, data: bytes) -> None:
        file.write(data[:20])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for module in (_replacing, conversion):
        monkeypatch.setattr(module, "write_all", write_to_full_disk)
    assert write(output) == 2
    assert output.read_bytes() == OLD
    assert names(tmp_path) == {"messages.py"}
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "No space left on device" in said[0]
    assert "messages.py" in said[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of files")
@pytest.mark.parametrize("arguments", [generating, exporting, converting])
def test_a_limit_of_the_size_leaves_the_old_file(arguments: Callable[[Path], list[str]], tmp_path: Path) -> None:
    """As above, but it is the system that takes no more than 500 bytes."""
    output = tmp_path / "messages.py"
    output.write_bytes(OLD)
    program = (
        "import resource, sys; from miniagents.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)); sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, *arguments(output)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "File too large" in done.stderr
    assert output.read_bytes() == OLD
    assert names(tmp_path) == {"messages.py"}


@pytest.mark.parametrize("step", ["fsync", "replace"])
@each_writer
def test_an_error_of_any_step_leaves_the_old_file(
    step: str, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "messages.py"
    output.write_bytes(OLD)

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        replace_path = Path.replace

        def fail_at_last(path: Path, target: Path) -> Path:
            if target == output:
                fail()
            return replace_path(path, target)

        monkeypatch.setattr(Path, "replace", fail_at_last)
    if write is save:
        with pytest.raises(Exception, match="Input/output error"):
            write(output)
    else:
        assert write(output) == 2
    assert output.read_bytes() == OLD
    left = names(tmp_path) - {"messages.py"}
    assert not left or write is convert  # which can be resumed
    assert not any(name.endswith(".tmp") for name in left)


def test_readers_see_one_content_or_the_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    contents = {bytes([number]) * 200_000 for number in range(4)}
    path.write_bytes(b"\x00" * 200_000)
    seen: set[bytes] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.add(path.read_bytes())

    thread = threading.Thread(target=read)
    thread.start()
    for _ in range(10):
        for content in contents:
            replace(target_of(path), content, is_durable=False)
    ended.set()
    thread.join()
    assert seen
    assert seen <= contents


# Permissions, links, places that are no files -------------------------------------------------------------------------


@examples(30, unhealthy=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 0o777), st.binary(max_size=100))
def test_the_permissions_of_the_old_file_are_kept(tmp_path: Path, mode: int, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(OLD)
    path.chmod(mode)
    if not os.access(path, os.W_OK):  # not so for root
        with pytest.raises(PermissionError, match="Permission denied"):
            target_of(path)
    else:
        replace(target_of(path), data)
        assert stat.S_IMODE(path.stat().st_mode) == mode
        path.chmod(0o600)
        assert path.read_bytes() == data
    path.unlink()


@each_command
def test_every_command_keeps_permissions(write: Write, tmp_path: Path) -> None:
    output = tmp_path / "messages.py"
    output.write_bytes(OLD)
    output.chmod(0o600)
    assert write(output) == 0
    assert output.read_bytes() != OLD
    assert stat.S_IMODE(output.stat().st_mode) == 0o600


@each_command
def test_a_new_file_has_the_permissions_of_the_umask(write: Write, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        assert write(tmp_path / "messages.py") == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "messages.py").stat().st_mode) == 0o640


def test_conversations_are_private(tmp_path: Path) -> None:
    save(tmp_path / "talk.jsonl")
    assert stat.S_IMODE((tmp_path / "talk.jsonl").stat().st_mode) == 0o600


@each_writer
@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_a_link(write: Write, is_there: bool, tmp_path: Path) -> None:
    """The file that it leads to is replaced, also if it is not there yet."""
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "target"
    if is_there:
        target.write_bytes(OLD)
    (tmp_path / "second").symlink_to(Path("elsewhere") / "target")
    link = tmp_path / "messages.py"
    link.symlink_to("second")
    assert write(link) == 0
    assert link.is_symlink()
    assert not target.is_symlink()
    assert target.read_bytes() not in (OLD, b"")
    assert [path.name for path in target.parent.iterdir()] == ["target"]


@each_command
def test_a_circle_of_links_is_an_error(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "messages.py").symlink_to("messages.py")
    assert write(tmp_path / "messages.py") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@each_command
def test_a_folder_is_an_error(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "messages.py").mkdir()
    assert write(tmp_path / "messages.py") == 2
    assert "Is a directory" in capsys.readouterr().err


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        replace(target_of(tmp_path / "none" / "messages.py"), b"")
    assert str(tmp_path / "none" / "messages.py") in str(caught.value)


@each_command
def test_a_pipe_is_written_directly(write: Write, tmp_path: Path) -> None:
    expected = tmp_path / "expected.py"
    assert write(expected) == 0
    pipe = tmp_path / "messages.py"
    os.mkfifo(pipe)
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    thread.start()
    assert write(pipe) == 0
    thread.join()
    assert got[0].replace(b"messages.py", b"expected.py") == expected.read_bytes()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert names(tmp_path) == {"expected.py", "messages.py"}


def test_an_open_descriptor_is_written_where_it_stands(tmp_path: Path) -> None:
    """`(echo before; miniagents export … --output /dev/stdout; echo after) > file` keeps all three."""
    if not Path("/dev/stdout").exists():
        pytest.skip("this system has no /dev/stdout")
    program = (
        "import os; from miniagents._replacing import replace, target_of\n"
        "os.write(1, b'before '); replace(target_of('/dev/stdout'), b'in it '); os.write(1, b'after')"
    )
    with (tmp_path / "file").open("wb") as file:
        subprocess.run([sys.executable, "-c", program], stdout=file, check=True)
    assert (tmp_path / "file").read_bytes() == b"before in it after"


@pytest.mark.skipif(os.name != "posix", reason="/dev/null is a device of Unix")
@each_command
def test_a_device_stays_a_device(write: Write, tmp_path: Path) -> None:
    link = tmp_path / "messages.py"
    link.symlink_to("/dev/null")
    assert write(link) == 0
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_nothing_that_is_there_is_taken_for_the_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even if somebody guessed its name: a link there would lead to another file."""
    monkeypatch.setattr(os, "urandom", bytes)
    victim = tmp_path / "victim"
    victim.write_bytes(OLD)
    (tmp_path / f".miniagents-{'00' * 8}.tmp").symlink_to(victim)
    with pytest.raises(FileExistsError):
        replace(target_of(tmp_path / "file"), b"new")
    assert victim.read_bytes() == OLD


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file itself could be, but then a full disk would spoil it."""
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)  # the folders above it are for root alone
    (tmp_path / "messages.py").write_bytes(OLD)
    (tmp_path / "messages.py").chmod(0o666)
    process = os.fork()
    if process == 0:
        os.setuid(65534)
        try:
            replace(target_of("messages.py"), b"new")
        except PermissionError as error:
            os._exit(0 if "in its folder" in str(error) and error.filename == "messages.py" else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert (tmp_path / "messages.py").read_bytes() == OLD
