"""Nothing that comes from outside commands the terminal: arguments, names of files, records, schemas, modules, models.

Every command runs with hostile text at every place where text enters, and both of its outputs are terminals.
"""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from miniagents.cli import COMMANDS, main
from miniagents.codegen import main as generator
from scripts.fuzzing.hostile import PIECES
from scripts.fuzzing.terminal import BYTES, FILES, PLACES, records, show_at, show_file, shown
from tests.effort import examples
from tests.hostile import texts


def test_every_command_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {place("x")[0] for place in PLACES.values()} >= COMMANDS.keys()


@pytest.mark.parametrize("place", PLACES)
def test_all_pieces_at_each_place(place: str) -> None:
    show_at(place, "safe".join(PIECES))
    for piece in ("\x1b]0;title\x07", "\x9b2J\x7f", "a\u202eb"):
        show_at(place, piece)


@examples(300)
@given(st.sampled_from(list(PLACES)), texts())
def test_any_text_at_any_place(place: str, text: str) -> None:
    show_at(place, text)


@examples(300)
@given(st.sampled_from(list(FILES)), st.binary(max_size=30) | st.lists(st.sampled_from(BYTES)).map(b"".join))
def test_any_bytes_in_any_file(command: str, data: bytes) -> None:
    show_file(command, data)


def test_hostile_text_is_shown_as_escapes() -> None:
    """It is not dropped: who looks at it sees that it is there."""
    evil = "\x1b]0;title\x07"
    assert show_at("tags", evil) == "     1  \\x1b]0;title\\x07\n     1  in all\n"
    assert show_at("a missing file", evil) == ("miniagents cat: \\x1b]0;title\\x07: No such file or directory\n")
    assert '"\\u202e\\u009b\\u007f"' in show_at("records", "\u202e\x9b\x7f")
    assert show_at("a warning", "no\x9b").startswith("miniagents export: warning: no\\x9b\n")


def test_the_generator_alone_is_like_that_too() -> None:
    assert "'\\x1b[2J'" in shown(["lint", "--level", "\x1b[2J", "x"], generator)


def test_through_a_pipe_data_is_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = records("\x7f\x9b\u202e")
    assert main(["cat", path]) == 0
    assert capfdbinary.readouterr().out == Path(path).read_bytes()
