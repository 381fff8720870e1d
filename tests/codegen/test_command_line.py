"""The command line: exit statuses, what goes to which stream, and `--check` (G4)."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from miniagents.codegen import main

SchemaFile = Callable[..., Path]
GOOD: dict[str, object] = {"$defs": {"Reading": {"type": "object", "properties": {}, "additionalProperties": False}}}
ROOT = Path(__file__).parents[2]


def test_writes_the_module_and_says_nothing(
    schema_file: SchemaFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.py"
    assert main(["generate", str(schema_file(GOOD)), "--output", str(output)]) == 0
    assert "class Reading(Record" in output.read_text()
    assert capsys.readouterr() == ("", "")


def test_a_module_that_is_up_to_date_is_not_touched(schema_file: SchemaFile, tmp_path: Path) -> None:
    output = tmp_path / "out.py"
    arguments = ["generate", str(schema_file(GOOD)), "--output", str(output)]
    assert main(arguments) == 0
    before = output.stat().st_mtime_ns
    assert main(arguments) == 0
    assert output.stat().st_mtime_ns == before
    assert main([*arguments, "--check"]) == 0


def test_g4_check_shows_the_difference_and_the_command(
    schema_file: SchemaFile, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    schema_file(GOOD)
    arguments = ["generate", "schemas", "--output", "out.py"]
    assert main([*arguments, "--check"]) == 1
    assert not Path("out.py").exists()
    assert main(arguments) == 0
    text = Path("out.py").read_text()
    Path("out.py").write_text(text.replace("class Reading", "class Writing"))
    capsys.readouterr()
    assert main([*arguments, "--check"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("--- out.py\n+++ out.py (as the schemas say)\n@@ ")
    assert "\n-class Writing(Record, frozen=True, kw_only=True):\n+class Reading(" in out
    assert err == (
        "out.py differs from its schemas; run: python -m miniagents.codegen generate schemas --output out.py\n"
    )


def test_line_ends_count_as_differences(
    schema_file: SchemaFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out.py"
    arguments = ["generate", str(schema_file(GOOD)), "--output", str(output)]
    assert main(arguments) == 0
    output.write_bytes(output.read_bytes().replace(b"\n", b"\r\n"))
    assert main([*arguments, "--check"]) == 1
    assert capsys.readouterr().out


def test_errors_go_to_stderr_all_at_once_and_nothing_is_written(
    schema_file: SchemaFile, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    schema_file('{"$defs": {\n "A": {"type": "strin"},\n "B": {"enum": 3}\n}}', "a.schema.json")
    assert main(["generate", "schemas", "--output", "out.py"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        'schemas/a.schema.json:2: #/$defs/A/type: type: strin is none of JSON\'s types; write "string", "number", '
        '"integer", "boolean", "object", "array" or "null", or an array of them\n'
        "schemas/a.schema.json:3: #/$defs/B/enum: enum: is no array of values; write an array of values\n"
    )
    assert not Path("out.py").exists()


def test_files_that_cannot_be_read_are_named_all_at_once(
    schema_file: SchemaFile, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    schema_file("{", "bad.json")
    Path("empty").mkdir()
    assert main(["generate", "missing.json", "empty", "schemas/bad.json", "--output", "out.py"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "empty: the folder has no file *.schema.json; name a schema file",
        "missing.json: No such file or directory; name a file that can be read",
        "schemas/bad.json:1:2: not JSON: Expecting property name enclosed in double quotes; correct the file",
    ]


def test_a_module_that_cannot_be_written_is_named(
    schema_file: SchemaFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", str(schema_file(GOOD)), "--output", str(tmp_path / "none" / "out.py")]) == 2
    assert capsys.readouterr().err.endswith("none/out.py: No such file or directory; name a file that can be written\n")


def test_a_missing_formatter_gives_one_line(
    schema_file: SchemaFile, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: str) -> None:
        return None

    monkeypatch.setattr("miniagents.codegen.writing.formatter.find_spec", nothing)
    assert main(["generate", str(schema_file(GOOD)), "--output", str(tmp_path / "out.py")]) == 2
    assert capsys.readouterr().err == "ruff: the formatter is not installed; pip install 'miniagents[codegen]'\n"


@pytest.mark.parametrize("arguments", [[], ["generate"], ["generate", "x"], ["nonsense"], ["generate", "--nonsense"]])
def test_wrong_arguments_are_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: python -m miniagents.codegen")


@pytest.mark.parametrize("output", ["out", "not-importable/", "out.txt", "-"])
def test_a_module_is_written_where_it_can_be_imported(
    schema_file: SchemaFile, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    assert main(["generate", str(schema_file(GOOD)), "--output", output]) == 2
    assert capsys.readouterr().err.endswith(f"{output} is no file that can be imported, such as messages.py\n")


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generate", "--help"]) == 0
    assert "--check" in capsys.readouterr().out


def test_g1_the_bytes_are_the_same_whatever_the_hash_seed_the_order_and_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    folder.mkdir()
    for name in "abc":
        thing = {"type": "object", "properties": {name: {"enum": ["x", "y", None]}}, "additionalProperties": False}
        (folder / f"{name}.schema.json").write_text(json.dumps({"$defs": {f"T{name}": thing, f"U{name}": thing}}))
    files = [f"schemas/{name}.schema.json" for name in "abc"]
    texts: set[bytes] = set()
    for seed, cwd, schemas, output in [
        ("0", tmp_path, files, "out.py"),
        ("1", tmp_path, files[::-1], "out.py"),
        ("2", folder, [f"../{file}" for file in files], "../out.py"),
        ("3", folder, [str(tmp_path / file) for file in files], str(tmp_path / "out.py")),
    ]:
        command = [sys.executable, "-m", "miniagents.codegen", "generate", *schemas, "--output", output]
        environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        subprocess.run(command, cwd=cwd, env=environment, check=True)
        texts.add((tmp_path / "out.py").read_bytes())
        (tmp_path / "out.py").unlink()
    assert len(texts) == 1


def test_m2_the_librarys_own_module_is_what_its_schemas_say() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_m2_the_module_can_be_made_where_the_messages_are_not_there(tmp_path: Path) -> None:
    """The generator takes the table of keywords from the validator, which needs nothing of the package either."""
    for folder in ("miniagents/codegen", "miniagents/validation", "schemas", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for file in ("_lazy.py", "_replacing.py", "command_parser.py", "printing.py"):
        shutil.copy(ROOT / "miniagents" / file, tmp_path / "miniagents")
    for package in ("messages", "wire"):
        (tmp_path / "miniagents" / package).mkdir()
    subprocess.run([sys.executable, tmp_path / "scripts" / "generate"], env={}, check=True)
    for package in ("messages", "wire"):
        module = f"miniagents/{package}/_generated.py"
        assert (tmp_path / module).read_bytes() == (ROOT / module).read_bytes()


@pytest.mark.parametrize(
    ("called", "program"),
    [
        ("/usr/bin/miniagents", "miniagents"),
        ("/lib/miniagents/__main__.py", "python -m miniagents"),
        ("/lib/miniagents/codegen/__main__.py", "python -m miniagents.codegen"),
    ],
)
def test_the_usage_names_the_command_as_it_was_called(
    called: str, program: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert main(["generate"]) == 2
    assert capsys.readouterr().err.startswith(f"usage: {program} generate ")
