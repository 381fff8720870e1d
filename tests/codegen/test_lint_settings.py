"""How strict `lint` is, by folder, as `pyproject.toml` says."""

import json
from pathlib import Path

import pytest

from miniagents.codegen import main

Output = pytest.CaptureFixture[str]
TABLE = """
[tool.miniagents.lint]
level = "strict"
ignore = ["enum-zero"]

[tool.miniagents.lint.folders."schemas/vendor"]
level = "off"

[tool.miniagents.lint.folders."schemas/vendor/ours"]
level = "basic"
ignore = ["default-refused"]

[tool.miniagents.lint.folders."schemas/old"]
ignore = ["property-description"]
"""
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {
        "T": {
            "type": "object",
            "properties": {"a": {"enum": ["x", "y"], "default": 1}, "b": {"type": "string", "maximum": 1}},
            "additionalProperties": False,
        }
    },
}
ALL = {"enum-zero", "property-description", "type-description", "default-refused", "keyword-idle"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("ours", "vendor", "vendor/ours", "old"):
        folder = tmp_path / "schemas" / name
        folder.mkdir(parents=True)
        (folder / "a.schema.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    return tmp_path


def found(capsys: Output, *arguments: str) -> set[str]:
    main(["lint", "--format", "json", *arguments])
    return {each["rule"] for each in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize(
    ("folder", "rules"),
    [
        ("ours", ALL - {"enum-zero"}),
        ("vendor", set[str]()),
        ("vendor/ours", {"keyword-idle"}),
        ("old", ALL - {"enum-zero", "property-description"}),
    ],
)
def test_each_folder_has_its_level(project: Path, capsys: Output, folder: str, rules: set[str]) -> None:
    (project / "pyproject.toml").write_text(TABLE, encoding="utf-8")
    assert found(capsys, f"schemas/{folder}/a.schema.json") == rules
    assert found(capsys, str(project / "schemas" / folder / "a.schema.json")) == rules


def test_files_of_several_folders_are_checked_in_one_run(project: Path, capsys: Output) -> None:
    (project / "pyproject.toml").write_text(TABLE, encoding="utf-8")
    for name in ("ours", "vendor", "vendor/ours", "old"):
        path = project / "schemas" / name / "a.schema.json"
        path.write_text(json.dumps(SCHEMA).replace('"T"', f'"{name.title().replace("/", "")}"'), encoding="utf-8")
    main(["lint", "--format", "json", "schemas"])
    files = {(each["file"], each["rule"]) for each in json.loads(capsys.readouterr().out)}
    assert {file for file, _ in files} == {f"schemas/{name}/a.schema.json" for name in ("ours", "vendor/ours", "old")}
    assert {rule for file, rule in files if "vendor" in file} == {"keyword-idle"}


def test_the_command_line_counts_more(project: Path, capsys: Output) -> None:
    (project / "pyproject.toml").write_text(TABLE, encoding="utf-8")
    vendor = "schemas/vendor/a.schema.json"
    assert found(capsys, vendor, "--level", "strict") == ALL - {"enum-zero"}
    assert found(capsys, vendor, "--level", "strict", "--ignore", "keyword-idle") == ALL - {"enum-zero", "keyword-idle"}


def test_the_nearest_file_with_a_table_counts(project: Path, capsys: Output) -> None:
    (project / "pyproject.toml").write_text(TABLE, encoding="utf-8")
    (project / "schemas" / "old" / "pyproject.toml").write_text('[project]\nname = "a"\n', encoding="utf-8")
    (project / "schemas" / "ours" / "pyproject.toml").write_text(
        '[tool.miniagents.lint]\nlevel = "basic"\n', encoding="utf-8"
    )
    assert found(capsys, "schemas/old/a.schema.json") == ALL - {"enum-zero", "property-description"}
    assert found(capsys, "schemas/ours/a.schema.json") == {"default-refused", "keyword-idle"}


TOP = "[tool.miniagents.lint]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool", "pyproject.toml: cannot be read: Expected ']' at the end of a table declaration"),
        (
            f"{TOP}level = 'high'",
            "tool.miniagents.lint.level: 'high' is no level; write basic, standard, strict or off",
        ),
        (
            f"{TOP}levle = 'strict'",
            "tool.miniagents.lint.levle: there is no such setting; write level, ignore, folders",
        ),
        (f"{TOP}ignore = 'a'", "tool.miniagents.lint.ignore: 'a' is no rule; list some; lint --rules has them all"),
        (f"{TOP}ignore = ['enum-zreo']", "tool.miniagents.lint.ignore: 'enum-zreo' is no rule"),
        (f"{TOP}[tool.miniagents.lint.folders.vendro]\nlevel = 'off'", 'folders."vendro": there is no such folder'),
        ("[tool.miniagents]\nlint = 3", "tool.miniagents.lint: is no table; write [tool.miniagents.lint]"),
        (f"{TOP}folders = 3", "tool.miniagents.lint.folders: is no table"),
        (f"{TOP}level = 3", "tool.miniagents.lint.level: 3 is no level"),
    ],
)
@pytest.mark.usefixtures("project")
def test_settings_that_are_wrong_are_refused(project: Path, capsys: Output, text: str, said: str) -> None:
    (project / "pyproject.toml").write_text(text, encoding="utf-8")
    assert main(["lint", "schemas/ours/a.schema.json"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("pyproject.toml: ")
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_habit_is_reported_once_unless_the_level_is_strict(project: Path, capsys: Output) -> None:
    types = {f"T{number}": {"type": "object", "properties": {"a": {"enum": ["x", "y"]}}} for number in range(12)}
    path = project / "habit.schema.json"
    path.write_text(json.dumps({"$defs": types}, indent=1), encoding="utf-8")
    main(["lint", str(path), "--format", "json", "--ignore", "type-description", "--ignore", "definition-repeated"])
    (only,) = json.loads(capsys.readouterr().out)
    assert (only["rule"], only["pointer"]) == ("closed-unsaid", "#/$defs/T0")
    assert only["wrong"].endswith(" (and 11 more like it)")
    main(["lint", str(path), "--format", "json", "--level", "strict"])
    assert [each["rule"] for each in json.loads(capsys.readouterr().out)].count("closed-unsaid") == 12


def test_mistakes_are_never_taken_for_a_habit(project: Path, capsys: Output) -> None:
    types = {f"T{number}": {"type": "string", "description": "D.", "default": number} for number in range(12)}
    path = project / "mistakes.schema.json"
    path.write_text(json.dumps({"$defs": types}, indent=1), encoding="utf-8")
    main(["lint", str(path), "--format", "json"])
    assert len(json.loads(capsys.readouterr().out)) == 12
