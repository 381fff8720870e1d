"""`miniagents convert --resume`: it continues only with the input and the output that it knows, and alone."""

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import accumulate
from pathlib import Path
from zlib import crc32

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.cli import main
from miniagents.commands import convert
from miniagents.commands._partial import Note, Partial, Prefix, skipped
from miniagents.commands._progress import Progress
from miniagents.messages import UserMessage
from miniagents.wire import write_records

MANY = [UserMessage(f"{number} {'x' * (number % 300)}") for number in range(6000)]
COMMAND = ["convert", "many.ndjson", "out.msgpack"]


@pytest.fixture
def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Note:
    """A conversion that was interrupted half-way, and its note."""
    monkeypatch.chdir(tmp_path)
    write_records("many.ndjson", MANY)
    return interrupt(COMMAND, monkeypatch)


def interrupt(command: list[str], monkeypatch: pytest.MonkeyPatch) -> Note:
    calls = iter(range(100))

    def update(self: Progress, done: int) -> None:
        if next(calls) == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "update", update)
        patch.setattr(convert, "_COMPRESSED", 1 << 16)
        assert main(command) == 130
    note = msgspec.json.decode(Path(f"{command[2]}.partial.json").read_bytes(), type=Note)
    assert 0 < note.count < len(MANY)
    assert note.process == os.getpid()
    return note


def resume(capsys: pytest.CaptureFixture[str], command: list[str] = COMMAND) -> tuple[int, str]:
    capsys.readouterr()
    status = main([*command, "--resume"])
    return status, capsys.readouterr().err


# The input ------------------------------------------------------------------------------------------------------------


def replaced(data: bytes) -> bytes:
    return data.replace(b"x", b"y")


def with_one_byte_changed(data: bytes) -> bytes:
    return data[:1000] + bytes([data[1000] ^ 1]) + data[1001:]


def shorter(data: bytes) -> bytes:
    return data[:1000]


def without_its_first_line(data: bytes) -> bytes:
    return data[data.index(b"\n") + 1 :]


@pytest.mark.parametrize("keeps_time", [True, False])
@pytest.mark.parametrize("change", [replaced, with_one_byte_changed, shorter, without_its_first_line])
def test_another_input_is_refused(
    change: Callable[[bytes], bytes], keeps_time: bool, interrupted: Note, capsys: pytest.CaptureFixture[str]
) -> None:
    """Even one of the same size and time. Nothing changes, so the right input can still be brought back."""
    source = Path("many.ndjson")
    about, data = source.stat(), source.read_bytes()
    source.write_bytes(change(data))
    if keeps_time:
        os.utime(source, ns=(about.st_atime_ns, about.st_mtime_ns))
    partial = Path("out.msgpack.partial").read_bytes()
    status, said = resume(capsys)
    assert status == 2
    assert re.fullmatch(
        r"miniagents convert: many.ndjson is another input than the conversion began with "
        r"\(then \d+ bytes of [-\d]+ [:\d]+, now \d+ bytes of [-\d]+ [:\d]+\): start without --resume\n",
        said,
    )
    assert not Path("out.msgpack").exists()
    assert Path("out.msgpack.partial").read_bytes() == partial
    source.write_bytes(data)
    assert resume(capsys)[0] == 0
    assert main(["convert", "out.msgpack", "back.ndjson"]) == 0
    assert Path("back.ndjson").read_bytes() == data


def test_an_input_that_has_grown_is_continued(interrupted: Note, capsys: pytest.CaptureFixture[str]) -> None:
    write_records("many.ndjson", MANY[:100], append=True)
    status, said = resume(capsys)
    assert status == 0
    assert said == f"out.msgpack: {len(MANY) + 100} of {len(MANY) + 100} records\n"
    assert main(["convert", "out.msgpack", "back.ndjson"]) == 0
    assert Path("back.ndjson").read_bytes() == Path("many.ndjson").read_bytes()


def test_what_is_behind_the_converted_part_may_change(interrupted: Note, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged record can be mended."""
    data = Path("many.ndjson").read_bytes()
    Path("many.ndjson").write_bytes(data[: interrupted.offset] + b'{"@type":"UserMessage","text":"mended"}\n')
    assert resume(capsys) == (0, f"out.msgpack: {interrupted.count + 1} of {interrupted.index + 1} records\n")


@pytest.mark.parametrize("target", ["out.msgpack", "out.ndjson.gz"])
def test_a_compressed_input_is_known_too(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_records("many.ndjson", MANY)
    content = Path("many.ndjson").read_bytes()
    parts = [gzip.compress(content[at : at + 100_000], 0) for at in range(0, len(content), 100_000)]
    Path("many.ndjson.gz").write_bytes(b"".join(parts))
    command = ["convert", "many.ndjson.gz", target]
    interrupt(command, monkeypatch)
    for wrong in (gzip.compress(replaced(content)), gzip.compress(content[:1000]), b"\x1f\x8b\x08 damaged"):
        Path("many.ndjson.gz").write_bytes(wrong)
        assert resume(capsys, command)[0] == 2
    Path("many.ndjson.gz").write_bytes(b"".join((*parts, gzip.compress(b'{"@type":"UserMessage","text":"more"}\n'))))
    assert resume(capsys, command) == (0, f"{target}: {len(MANY) + 1} of {len(MANY) + 1} records\n")


def test_damage_is_reported_once_wherever_the_interrupt_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also between the damage and the next record: the conversion then continues exactly there."""
    monkeypatch.chdir(tmp_path)
    write_records("many.ndjson", MANY[:600])
    lines = Path("many.ndjson").read_bytes().splitlines(keepends=True)
    parts = [bytearray(gzip.compress(b"".join(lines[at : at + 100]))) for at in range(0, 600, 100)]
    parts[2][-6] ^= 1  # its checksum
    parts[0] += bytes(-(sum(map(len, parts[:3])) + 12) % 8)  # padding: blocks end behind the header after the damage
    block = (sum(map(len, parts[:3])) + 12) // 8
    monkeypatch.setattr(convert, "BLOCK", block)
    Path("many.ndjson.gz").write_bytes(b"".join(parts))
    command = ["convert", "many.ndjson.gz", "out.ndjson", "--skip-errors"]
    assert main(command) == 1
    undisturbed = Path("out.ndjson").read_bytes(), capsys.readouterr().err
    assert undisturbed[1].count("the gzip data is damaged") == 1
    for stop in range(Path("many.ndjson.gz").stat().st_size // block):
        calls = iter(range(1000))

        def update(self: Progress, done: int, *, calls: Iterator[int] = calls, stop: int = stop) -> None:
            if next(calls) == stop:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Progress, "update", update)
            assert main(command) == 130
        before = capsys.readouterr().err.splitlines(keepends=True)[:-1]
        status, said = resume(capsys, command)
        assert status == 1
        assert (Path("out.ndjson").read_bytes(), "".join(before) + said) == undisturbed


@pytest.mark.parametrize("source", ["many.ndjson", "many.ndjson.gz"])
def test_the_total_is_that_of_all_runs(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_records("many.ndjson", MANY)
    size = Path("many.ndjson").stat().st_size
    Path("many.ndjson.gz").write_bytes(gzip.compress(Path("many.ndjson").read_bytes(), 0))
    command = ["convert", source, "out.ndjson", "--max-total"]
    interrupt([*command, str(size)], monkeypatch)
    status, said = resume(capsys, [*command, str(size - 1)])
    assert status == 1
    assert f"the data has more than max_total={size - 1} bytes" in said
    assert resume(capsys, [*command, "1"])[0] == 1
    assert resume(capsys, [*command, str(size)])[0] == 0
    assert Path("out.ndjson").read_bytes() == Path("many.ndjson").read_bytes()


@given(st.lists(st.binary(min_size=1, max_size=20), max_size=8), st.data())
def test_the_checksum_of_a_prefix(blocks: list[bytes], data: st.DataObject) -> None:
    """It is that of the bytes before a place, however they arrive, and finds that place again."""
    whole = b"".join(blocks)
    prefix = Prefix(0, 0)
    for block, end in zip(blocks, accumulate(map(len, blocks)), strict=True):
        prefix.add(block)
        place = data.draw(st.integers(prefix._offset, end))
        assert prefix.up_to(place) == crc32(whole[:place])
    place = prefix._offset
    behind = skipped(iter(blocks), place, prefix.up_to(place))
    assert behind is not None
    assert b"".join(behind) == whole[place:]
    assert skipped(iter(blocks), place, prefix.up_to(place) ^ 1) is None
    assert skipped(iter(blocks), len(whole) + 1, 0) is None


# The output -----------------------------------------------------------------------------------------------------------


def test_an_output_that_was_changed_is_refused(interrupted: Note, capsys: pytest.CaptureFixture[str]) -> None:
    partial = Path("out.msgpack.partial")
    data = partial.read_bytes()
    partial.write_bytes(data[:100] + b"x" + data[101:])
    assert "out.msgpack.partial is not as the conversion left it, start without --resume" in resume(capsys)[1]
    partial.write_bytes(data[: interrupted.written - 1])
    assert "out.msgpack.partial is shorter than out.msgpack.partial.json says" in resume(capsys)[1]
    partial.write_bytes(data + b"what was written after the note")
    assert resume(capsys)[0] == 0


def test_an_output_that_is_gone_is_begun_anew(interrupted: Note, capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.msgpack.partial").unlink()
    assert resume(capsys) == (0, f"out.msgpack: {len(MANY)} of {len(MANY)} records\n")


def test_a_note_that_is_gone_begins_anew(interrupted: Note, capsys: pytest.CaptureFixture[str]) -> None:
    Path("out.msgpack.partial.json").unlink()
    assert resume(capsys) == (0, f"out.msgpack: {len(MANY)} of {len(MANY)} records\n")
    assert main(["convert", "out.msgpack", "back.ndjson"]) == 0
    assert Path("back.ndjson").read_bytes() == Path("many.ndjson").read_bytes()


def test_a_full_disk_can_be_continued_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the disk is full before anything is converted, nothing is left beside the output."""
    monkeypatch.chdir(tmp_path)
    write_records("many.ndjson", MANY)
    program = (
        "import resource, sys; from miniagents.cli import main; from miniagents.commands import convert\n"
        "convert._SECONDS = 0.0; resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, *COMMAND], stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 2
    assert re.fullmatch(r"miniagents convert: .*File too large.*; \d+ records are written: .* --resume\n", done.stderr)
    assert not Path("out.msgpack").exists()
    assert resume(capsys) == (0, f"out.msgpack: {len(MANY)} of {len(MANY)} records\n")
    assert main(["convert", "out.msgpack", "back.ndjson"]) == 0
    assert Path("back.ndjson").read_bytes() == Path("many.ndjson").read_bytes()


def test_an_output_that_cannot_take_its_place_can_be_continued(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A last line without a line feed is not written twice."""
    monkeypatch.chdir(tmp_path)
    write_records("many.ndjson", MANY)
    data = Path("many.ndjson").read_bytes()
    Path("many.ndjson").write_bytes(data[:-1])

    def fail(self: Partial) -> None:
        raise OSError(5, "Input/output error", "out.msgpack")

    with monkeypatch.context() as patch:
        patch.setattr(Partial, "complete", fail)
        assert main(COMMAND) == 2
    assert resume(capsys) == (0, f"out.msgpack: {len(MANY)} of {len(MANY)} records\n")
    assert main(["convert", "out.msgpack", "back.ndjson"]) == 0
    assert Path("back.ndjson").read_bytes() == data


# Who else is there ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("option", [[], ["--resume"]])
def test_two_conversions_to_one_output_do_not_meet(
    option: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second is refused, by whatever name of the output, and leaves the first alone."""
    monkeypatch.chdir(tmp_path)
    write_records("many.ndjson", MANY)
    Path("link.msgpack").symlink_to("out.msgpack")
    others: list[int] = []

    def ignore(self: Progress, done: int) -> None:
        pass

    def update(self: Progress, done: int) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Progress, "update", ignore)
            others.extend(main(["convert", "many.ndjson", name, *option]) for name in ("out.msgpack", "link.msgpack"))

    monkeypatch.setattr(Progress, "update", update)
    assert main(COMMAND) == 0
    assert set(others) == {2}
    said = set(capsys.readouterr().err.splitlines())
    held = f"is being written by process {os.getpid()}: wait until it ends"
    assert said == {
        f"miniagents convert: out.msgpack {held}",
        f"out.msgpack: {len(MANY)} of {len(MANY)} records",
    }
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert main(["convert", "out.msgpack", "back.ndjson"]) == 0
    assert Path("back.ndjson").read_bytes() == Path("many.ndjson").read_bytes()


@pytest.mark.parametrize("option", [[], ["--resume"]])
@pytest.mark.parametrize("make", [Path.symlink_to, Path.hardlink_to])
def test_a_link_in_the_place_of_the_partial_output_is_not_followed(
    make: Callable[[Path, Path], None], option: list[str], interrupted: Note, capsys: pytest.CaptureFixture[str]
) -> None:
    victim, partial = Path("victim"), Path("out.msgpack.partial")
    victim.write_text("what was there before")
    partial.unlink()
    make(partial, victim)
    capsys.readouterr()
    assert main([*COMMAND, *option]) == 2
    assert (
        "out.msgpack.partial is a link or no file, which no conversion has made: remove it" in capsys.readouterr().err
    )
    assert victim.read_text() == "what was there before"
    assert not Path("out.msgpack").exists()


def test_a_link_in_the_place_of_the_note_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_records("many.ndjson", MANY)
    Path("victim").write_text("what was there before")
    Path("out.msgpack.partial.json").symlink_to("victim")
    interrupt(COMMAND, monkeypatch)
    assert Path("victim").read_text() == "what was there before"
    assert not Path("out.msgpack.partial.json").is_symlink()


def test_an_old_partial_output_is_not_used_again(interrupted: Note) -> None:
    """A new one belongs to this process alone; another user may have the old one open."""
    with Path("out.msgpack.partial").open("rb") as file:
        assert main(COMMAND) == 0
        assert os.fstat(file.fileno()).st_nlink == 0
        assert not os.path.samestat(os.fstat(file.fileno()), Path("out.msgpack").stat())


# Places that are no files ---------------------------------------------------------------------------------------------


def test_a_pipe_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first bytes tell the format, and are converted as well."""
    monkeypatch.chdir(tmp_path)
    write_records("many.ndjson", MANY)
    data = Path("many.ndjson").read_bytes()
    command = [sys.executable, "-m", "miniagents", "convert", "/dev/stdin", "/dev/stdout", "--to", "json"]
    if not Path("/dev/stdin").exists():
        pytest.skip("this system has no /dev/stdin")
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    assert done.stdout == data
    assert [path.name for path in tmp_path.iterdir()] == ["many.ndjson"]


def test_nothing_is_resumed_where_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_records("many.ndjson", MANY)
    status, said = resume(capsys, ["convert", "many.ndjson", os.devnull, "--to", "json"])
    assert status == 2
    assert said.endswith("is no file, so there is nothing to continue: start without --resume\n")
