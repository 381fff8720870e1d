"""Names from outside stay inside: entries of git trees, and what stands in a folder of schemas."""

import os
import re
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given

from miniagents.cli import main
from miniagents.codegen.reading import sources
from miniagents.codegen.reading.sources import inside, load, schema_files
from miniagents.codegen.schema_errors import GenerationError
from scripts.fuzzing.tree_names import Entry, made_repository, tree_of
from tests.effort import examples
from tests.hostile import texts

SCHEMA = b'{"title": "Order", "type": "object", "additionalProperties": false}'
WIDER = b'{"title": "Order", "type": "object"}'
Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")


# --- the rule ---


@examples(1000)
@given(texts())
def test_a_path_is_inside_on_every_system_or_refused(name: str) -> None:
    folder = Path("/some/folder")
    try:
        path = inside(folder, name)
    except ValueError as error:
        assert re.match("the name (has|is) ", str(error))
        return
    assert Path(os.path.normpath(path)) == path
    assert path.is_relative_to(folder)
    assert path != folder
    for system in (PurePosixPath, PureWindowsPath):
        joined = system("base") / name
        assert joined.parts[0] == "base"
        assert not {"..", ""} & set(joined.parts)
        assert not joined.is_absolute()
        assert not joined.drive


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/../x",
        "a/..",
        "/x",
        "//x/y",
        "a//b",
        "a/",
        "\\x",
        "a\\..\\x",
        "C:x",
        "c:/x",
        "a\0b",
        "./x",
    ],
)
def test_a_name_that_leads_out_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="^the name "):
        inside(Path("/some/folder"), name)


@pytest.mark.parametrize("name", ["x", "a/b.json", "...", "a..b", " ", "ab:c", "é\udcff", "-x", ".git"])
def test_any_other_name_is_a_name(name: str) -> None:
    assert inside(Path("f"), name) == Path("f", *name.split("/"))


# --- git trees ---


@pytest.mark.parametrize(
    "name", ["..", "a\\b.schema.json", "C:x.schema.json", "/x.schema.json", "a/../../x.schema.json"]
)
def test_a_tree_entry_that_leads_out_is_refused_in_one_line(name: str, tmp_path: Path, capsys: Output) -> None:
    """An entry `..` is a folder with the file `../x.schema.json`, which no checkout would write."""
    made_repository()
    entry = (
        Entry(name, "40000", tree_of(Entry("x.schema.json", "100644", WIDER)))
        if name == ".."
        else Entry(name, "100644", WIDER)
    )
    tree = tree_of(Entry("order.schema.json", "100644", SCHEMA), entry)
    Path("order.schema.json").write_bytes(SCHEMA)
    before = sorted(tmp_path.parent.rglob("*.json")), sorted(Path(tempfile.gettempdir()).glob("*.json"))
    assert main(["diff", f"{tree}:", "order.schema.json"]) == 2
    assert (sorted(tmp_path.parent.rglob("*.json")), sorted(Path(tempfile.gettempdir()).glob("*.json"))) == before
    out, err = capsys.readouterr()
    full = f"{name}/x.schema.json" if name == ".." else name
    assert out == ""
    assert err.startswith(f"{tree}:{full}: the name ")
    assert err.count("\n") == 1


@pytest.mark.filterwarnings("always")
def test_a_link_in_a_tree_is_named_and_skipped(capsys: Output) -> None:
    made_repository()
    Path("order.schema.json").write_bytes(SCHEMA)
    tree = tree_of(Entry("link.schema.json", "120000", b"/etc/passwd"), Entry("order.schema.json", "100644", SCHEMA))
    assert main(["diff", f"{tree}:", "order.schema.json"]) == 0
    out, err = capsys.readouterr()
    assert out == "nothing changed\n"
    assert err == f"miniagents diff: warning: {tree}:link.schema.json is a symbolic link and was skipped\n"


def test_names_that_differ_by_case_are_two_files(capsys: Output) -> None:
    made_repository()
    Path("new").mkdir()
    other = SCHEMA.replace(b"Order", b"Offer")
    Path("new", "order.schema.json").write_bytes(SCHEMA)
    Path("new", "offer.schema.json").write_bytes(other)
    tree = tree_of(Entry("A.schema.json", "100644", SCHEMA), Entry("a.schema.json", "100644", other))
    assert main(["diff", f"{tree}:", "new"]) == 0
    assert capsys.readouterr().out == "nothing changed\n"


def test_files_of_a_revision_refer_to_each_other(capsys: Output) -> None:
    made_repository()
    a = b'{"title": "Order", "type": "object", "properties": {"total": {"$ref": "../parts/total.schema.json"}}}'
    inner = {
        "schemas": tree_of(Entry("order.schema.json", "100644", a)),
        "parts": tree_of(Entry("total.schema.json", "100644", b'{"title": "Total", "type": "integer"}')),
    }
    tree = tree_of(*(Entry(name, "40000", made) for name, made in sorted(inner.items())))
    assert main(["diff", f"{tree}:", f"{tree}:./"]) == 0
    assert main(["diff", f"{tree}:", f"{tree}:schemas"]) == 2
    assert f"{tree}:schemas/order.schema.json:1: #/properties/total/$ref: $ref: ../parts" in capsys.readouterr().err


def test_only_schema_files_of_a_revision_are_read(capsys: Output) -> None:
    """As in a folder; a file that is asked for by name may have any name."""
    made_repository()
    tree = tree_of(Entry("order.schema.json", "100644", SCHEMA), Entry("package.json", "100644", b"[1, 2"))
    Path("order.schema.json").write_bytes(SCHEMA)
    assert main(["diff", f"{tree}:", "order.schema.json"]) == 0
    assert main(["diff", f"{tree}:package.json", "order.schema.json"]) == 2
    out, err = capsys.readouterr()
    assert out == "nothing changed\n"
    assert err.startswith(f"{tree}:package.json:1:6: not JSON: ")


def test_a_large_file_of_a_revision_is_not_read(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    made_repository()
    monkeypatch.setattr("miniagents.codegen.reading.revisions.MAX_SIZE", 100)
    tree = tree_of(Entry("order.schema.json", "100644", SCHEMA + b" " * 100))
    assert main(["diff", f"{tree}:", f"{tree}:"]) == 2
    assert capsys.readouterr().err.startswith(f"{tree}:order.schema.json: the file has more than ")


# --- folders ---


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


def a_link_to_a_pipe(path: Path) -> None:
    os.mkfifo("pipe")
    path.symlink_to(Path("pipe").absolute())


def a_link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_folder(path: Path) -> None:
    path.mkdir()


UNUSUAL = [a_pipe, a_socket, a_link_to_a_pipe, a_link_to_a_device, a_folder]


@pytest.mark.filterwarnings("always")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with names in folders")
@pytest.mark.parametrize("make", UNUSUAL)
@pytest.mark.parametrize(
    "command",
    [
        ["lint", "schemas", "--level", "basic"],
        ["generate", "schemas", "--output", "x.py"],
        ["diff", "schemas", "schemas"],
    ],
)
def test_what_is_no_file_is_named_and_skipped(make: Callable[[Path], None], command: list[str], capsys: Output) -> None:
    Path("schemas").mkdir()
    Path("schemas", "order.schema.json").write_bytes(SCHEMA)
    os.chdir("schemas")
    make(Path("strange.schema.json"))
    os.chdir("..")
    assert main(command) == 0
    err = capsys.readouterr().err
    said = f"miniagents {command[0]}: warning: schemas/strange.schema.json is no regular file and was skipped\n"
    assert set(err.splitlines(keepends=True)) == {said}


def test_a_folder_that_leads_back_to_itself_ends() -> None:
    Path("schemas", "inner").mkdir(parents=True)
    Path("schemas", "order.schema.json").write_bytes(SCHEMA)
    Path("schemas", "inner", "again").symlink_to(Path("schemas").absolute())
    Path("schemas", "self.schema.json").symlink_to("self.schema.json")
    assert schema_files([Path("schemas")]) == [Path("schemas/order.schema.json"), Path("schemas/self.schema.json")]
    with pytest.raises(GenerationError, match=r"^schemas/self\.schema\.json: .*name a file that can be read$"):
        load([Path("schemas")])


def test_a_file_without_end_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setattr(sources, "MAX_SIZE", 1 << 20)
    assert main(["lint", "/dev/zero"]) == 2
    assert capsys.readouterr().err == "/dev/zero: the file has more than 1 MiB; split it\n"
    Path("large.json").write_bytes(SCHEMA + b" " * (1 << 20))
    assert main(["lint", "large.json"]) == 2
    assert capsys.readouterr().err == "large.json: the file has more than 1 MiB; split it\n"


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="needs process substitution")  # noqa: PTH110
def test_a_pipe_that_the_user_names_is_read(capsys: Output) -> None:
    reading, writing = os.pipe()
    os.write(writing, SCHEMA)
    os.close(writing)
    assert main(["generate", f"/dev/fd/{reading}", "--output", "x.py"]) == 0
    os.close(reading)
    assert "class Order" in Path("x.py").read_text(encoding="utf-8")
