"""The command line of `lint`, `diff` and `export`: reports, exit statuses, revisions of git, colours, watching (G4)."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from miniagents import cli
from miniagents.codegen import main
from miniagents.codegen.commands.generate import watch

SchemaFile = Callable[..., Path]
Output = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch

OLD = """{"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": {
 "Report": {
  "type": "object",
  "description": "The weather of a city.",
  "properties": {
   "city": {"type": "string", "description": "Where."},
   "wind": {"enum": ["calm", "storm"], "description": "How windy."},
   "note": {"type": "string"}
  },
  "required": ["city"],
  "additionalProperties": false
 }
}}"""
NEW = """{"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": {
 "Report": {
  "type": "object",
  "description": "What the weather is.",
  "properties": {
   "city": {"type": "string", "maxLength": 80, "description": "Where."},
   "wind": {"enum": ["calm", "breeze", "storm"], "description": "How windy."}
  },
  "required": ["city", "wind"],
  "additionalProperties": false
 },
 "Alert": {"type": "string", "description": "A warning."}
}}"""


@pytest.fixture
def versions(schema_file: SchemaFile, tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    schema_file(OLD, "old.schema.json")
    schema_file(NEW, "new.schema.json")


def git(*words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], check=True, capture_output=True)


DIFF = ["diff", "schemas/old.schema.json", "schemas/new.schema.json"]


@pytest.mark.usefixtures("versions")
def test_a_report_for_people(capsys: Output, snapshot: SnapshotAssertion) -> None:
    assert main(DIFF) == 1
    out, err = capsys.readouterr()
    assert out == snapshot
    assert err == ""


@pytest.mark.usefixtures("versions")
def test_a_report_for_programs(capsys: Output, snapshot: SnapshotAssertion) -> None:
    assert main([*DIFF, "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["breaks"] == {"readers": 3, "writers": 1, "source": 3}
    assert report == snapshot


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize(
    ("options", "status"),
    [
        ([], 1),
        (["--against", "readers"], 1),
        (["--against", "source,writers"], 1),
        (["--against", "writers", "--ignore", "enum-value-added"], 0),
        (["--ignore", "nonsense"], 2),
        (["--against", "nobody"], 2),
        (["--against", "breaks,could-break"], 1),
    ],
)
def test_the_exit_status_says_whether_something_breaks(options: list[str], status: int) -> None:
    assert main([*DIFF, *options]) == status


@pytest.mark.parametrize(
    ("against", "status"),
    [([], 0), (["breaks"], 0), (["could-break"], 1), (["readers,could-break"], 1), (["writers,could-break"], 0)],
)
def test_a_new_property_of_an_open_object_breaks_only_who_says_so(
    schema_file: SchemaFile, capsys: Output, against: list[str], status: int
) -> None:
    old = schema_file({"type": "object", "properties": {}}, "old.json")
    new = schema_file({"type": "object", "properties": {"a": {"type": "string"}}}, "new.json")
    options = [word for each in against for word in ("--against", each)]
    assert main(["diff", str(old), str(new), "--ignore", "definition-renamed", *options]) == status
    assert capsys.readouterr().out.splitlines()[-1] == "1 change: 1 could break readers"
    main(["diff", str(old), str(new), "--ignore", "definition-renamed", "--format", "json", *options])
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is (status == 0)
    assert report["could_break"] == {"readers": 1, "writers": 0, "source": 0}


def test_doubts_of_both_versions_are_said(schema_file: SchemaFile, capsys: Output) -> None:
    old = schema_file({"type": "string", "titel": "A"}, "old.json")
    new = schema_file({"type": "string", "maxlength": 3}, "new.json")
    assert main(["diff", str(old), str(new)]) == 0
    assert [line.split(": ")[0] for line in capsys.readouterr().err.splitlines()] == ["warning", "warning"]


@pytest.mark.usefixtures("versions")
def test_nothing_changed(capsys: Output) -> None:
    assert main(["diff", "schemas/old.schema.json", "schemas/old.schema.json"]) == 0
    assert capsys.readouterr().out == "nothing changed\n"


def test_revisions_of_git(schema_file: SchemaFile, tmp_path: Path, monkeypatch: Patch, capsys: Output) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "--initial-branch=main")
    schema_file(OLD, "weather.schema.json")
    git("add", ".")
    git("commit", "-m", "one")
    schema_file(NEW, "weather.schema.json")
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    for old, new in (
        ("HEAD:schemas/", "schemas"),
        ("main:schemas/weather.schema.json", "schemas/weather.schema.json"),
        ("HEAD:./schemas", "schemas"),
        ("HEAD:", "schemas"),
    ):
        assert main(["diff", old, new]) == 1
        out = capsys.readouterr().out
        assert "HEAD:schemas/weather.schema.json:8 -> schemas/" in out or "main:schemas/weather.schema.json:8" in out
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before
    monkeypatch.chdir(tmp_path / "schemas")
    assert main(["diff", "HEAD:./", "."]) == 1
    assert main(["diff", "HEAD:schemas", "HEAD:schemas"]) == 0


def test_revisions_that_are_not_there(
    schema_file: SchemaFile, tmp_path: Path, monkeypatch: Patch, capsys: Output
) -> None:
    monkeypatch.chdir(tmp_path)
    schema_file(OLD, "a.schema.json")
    git("init", "--initial-branch=main")
    git("add", ".")
    git("commit", "-m", "one")
    schema_file("{", "a.schema.json")
    git("commit", "-am", "two")
    for old, said in {
        "nope:schemas": "nope:schemas: there is no such revision; "
        "name a file, a folder, or a revision with a path, as in HEAD~1:schemas/",
        "HEAD:nope": "HEAD:nope: there are no schemas in that revision; name a file or a folder that is there",
        "HEAD:../x": "HEAD:../x: lies outside of the repository; name a path in it",
        "--help:x": "--help:x: is no revision; name one as git does: HEAD~1:schemas/",
        "HEAD:schemas": "HEAD:schemas/a.schema.json:1:2: not JSON: "
        "Expecting property name enclosed in double quotes; correct the file",
        "HEAD": "HEAD: there is no such file or folder; "
        "name one, or a revision of git with a path, as in HEAD~1:schemas/",
    }.items():
        assert main(["diff", "--", old, "HEAD~1:schemas"]) == 2
        assert capsys.readouterr().err == f"{said}\n"


def test_both_versions_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: Patch, capsys: Output) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["diff", "one.json", "other.json"]) == 2
    assert [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()] == ["one.json", "other.json"]


# --- lint ---


@pytest.mark.usefixtures("versions")
def test_lint_reports_for_people_and_programs(capsys: Output) -> None:
    assert main(["lint", "schemas/new.schema.json"]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(["lint", "schemas/old.schema.json", "--level", "strict"]) == 1
    assert capsys.readouterr().out == (
        "schemas/old.schema.json:7: #/$defs/Report/properties/wind/enum: enum-zero: no value stands for one that is "
        'not known: old readers fail at every new one; begin with a value such as "unknown"\n'
        "schemas/old.schema.json:8: #/$defs/Report/properties/note: property-description: nothing says what "
        '"note" is; write "description": "…"\n'
    )
    assert main(["lint", "schemas/old.schema.json", "--level", "strict", "--format", "json"]) == 1
    first, _ = json.loads(capsys.readouterr().out)
    assert (first["rule"], first["line"]) == ("enum-zero", 7)
    options = ["--level", "strict", "--ignore", "enum-zero", "--ignore", "property-description"]
    assert main(["lint", "schemas/old.schema.json", *options]) == 0


def test_lint_lists_its_rules(capsys: Output, snapshot: SnapshotAssertion) -> None:
    assert main(["lint", "--rules"]) == 0
    assert capsys.readouterr().out == snapshot


def test_lint_needs_schemas_that_can_be_read(tmp_path: Path, capsys: Output) -> None:
    assert main(["lint"]) == 2
    assert capsys.readouterr().err == "lint: no schemas are named; name files or folders\n"
    assert main(["lint", str(tmp_path / "nope.json")]) == 2
    assert main(["lint", "--ignore", "nope", str(tmp_path)]) == 2


# --- export, and what all have in common ---


@pytest.mark.usefixtures("versions")
def test_export_writes_a_file_or_to_stdout(capsys: Output) -> None:
    assert main(["generate", "schemas/new.schema.json", "--output", "weather.py"]) == 0
    assert main(["export", "weather.py"]) == 0
    out = capsys.readouterr().out
    assert [*json.loads(out)["$defs"]] == ["Report", "Alert"]
    assert main(["export", "weather.py", "--output", "weather.schema.json"]) == 0
    assert Path("weather.schema.json").read_text(encoding="utf-8") == out
    assert main(["diff", "schemas/new.schema.json", "weather.schema.json"]) == 0
    assert main(["export", "weather.py", "--output", "none/x.json"]) == 2
    assert main(["export", "nope.py"]) == 2


@pytest.mark.usefixtures("versions")
def test_one_entry(capsys: Output) -> None:
    assert main(DIFF) == 1
    out = capsys.readouterr().out
    assert cli.main(DIFF) == 1
    assert capsys.readouterr().out == out
    done = subprocess.run(
        [sys.executable, "-m", "miniagents.codegen", *DIFF],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert (done.returncode, done.stdout) == (1, out)


@pytest.mark.usefixtures("versions")
def test_colours_are_for_terminals_or_who_asks(monkeypatch: Patch, capsys: Output) -> None:
    def coloured(*options: str) -> bool:
        main([*DIFF, *options])
        return "\033[" in capsys.readouterr().out

    assert not coloured()
    assert coloured("--color", "always")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert coloured()
    assert not coloured("--color", "never")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured()
    monkeypatch.delenv("NO_COLOR")
    main(["lint", "nope.json"])
    assert capsys.readouterr().err == (
        "\033[1mnope.json\033[0m: \033[31mNo such file or directory\033[0m; "
        "\033[32mname a file that can be read\033[0m\n"
    )


# --- watching ---


def test_watching_goes_on_until_it_is_stopped(schema_file: SchemaFile) -> None:
    path = schema_file(OLD)
    done: list[str] = []
    texts = [OLD, NEW, "{", None]

    def wait() -> None:
        if not texts:
            raise KeyboardInterrupt
        text = texts.pop(0)
        if text is None:
            path.unlink()
        elif text != OLD:
            path.write_text(text, encoding="utf-8")

    def again() -> None:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        done.append(text)

    watch([path.parent], again, wait)
    assert done == [OLD, NEW, "{", ""]


def test_watching_says_what_it_did(schema_file: SchemaFile, tmp_path: Path, monkeypatch: Patch, capsys: Output) -> None:
    monkeypatch.chdir(tmp_path)
    path = schema_file(OLD)
    texts = ["{", f"{OLD}\n"]

    def wait(_: float) -> None:
        if not texts:
            raise KeyboardInterrupt
        path.write_text(texts.pop(0), encoding="utf-8")

    monkeypatch.setattr("time.sleep", wait)
    assert main(["generate", "schemas", "--output", "out.py", "--watch"]) == 0
    said = [line.partition(" (")[0] for line in capsys.readouterr().err.splitlines()]
    assert said == [
        "out.py written",
        "schemas/types.schema.json:1:2: not JSON: Expecting property name enclosed in double quotes; correct the file",
        "nothing was written; waiting for the schemas to be corrected",
        "out.py is up to date",
    ]


def test_many_files_are_announced_on_a_terminal_only(
    schema_file: SchemaFile, tmp_path: Path, monkeypatch: Patch, capsys: Output
) -> None:
    for number in range(30):
        schema_file({"$defs": {f"T{number}": {"type": "string", "description": "D."}}}, f"{number}.schema.json")
    assert main(["lint", str(tmp_path / "schemas")]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["lint", str(tmp_path / "schemas")]) == 0
    assert capsys.readouterr().err == "reading 30 schema files …\r\033[K"
