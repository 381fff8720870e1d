"""Reports for other programs: SARIF 2.1.0, held against its published schema, annotations of GitHub, and Markdown."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st
from jsonschema import Draft4Validator
from syrupy.assertion import SnapshotAssertion

from miniagents.codegen import main
from miniagents.codegen.commands.diff_markdown import diff_markdown
from miniagents.codegen.commands.line_annotations import Annotation, github, of_changes, sarif
from miniagents.codegen.comparing.comparer import compare
from miniagents.codegen.comparing.rules import Gate
from miniagents.codegen.documents import JsonValue
from tests.codegen.bundles import bundle
from tests.codegen.test_command_line_tools import DIFF, NEW, OLD

SchemaFile = Callable[..., Path]
Output = pytest.CaptureFixture[str]
SARIF: Final = Draft4Validator(
    json.loads((Path(__file__).parents[1] / "data" / "sarif-2.1.0.json").read_text(encoding="utf-8")),
    format_checker=Draft4Validator.FORMAT_CHECKER,
)
"""The schema of SARIF 2.1.0 as it is published (rtm.5), without its descriptions."""


def checked(text: str) -> Any:  # Any: JSON
    """A log of SARIF that is valid, and refers only to rules that it lists."""
    log = json.loads(text)
    assert SARIF.is_valid(log)  # pyright: ignore[reportUnknownMemberType] - of one of its overloads
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    return run


@pytest.fixture
def versions(schema_file: SchemaFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    schema_file(OLD, "old.schema.json")
    schema_file(NEW, "new.schema.json")


LINT: Final = ["lint", "schemas/old.schema.json", "--level", "strict"]


@pytest.mark.usefixtures("versions")
def test_lint_as_sarif_and_for_github(capsys: Output) -> None:
    assert main([*LINT, "--format", "sarif"]) == 1
    run = checked(capsys.readouterr().out)
    assert run["invocations"] == [{"executionSuccessful": True}]
    first = run["results"][0]
    assert (first["ruleId"], first["level"]) == ("enum-zero", "note")
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "schemas/old.schema.json"}, "region": {"startLine": 7}}
    assert main([*LINT, "--format", "github"]) == 1
    assert capsys.readouterr().out == (
        "::notice file=schemas/old.schema.json,line=7,title=enum-zero::#/$defs/Report/properties/wind/enum: no value "
        'stands for one that is not known: old readers fail at every new one; begin with a value such as "unknown"\n'
        "::notice file=schemas/old.schema.json,line=8,title=property-description::#/$defs/Report/properties/note: "
        'nothing says what "note" is; write "description": "…"\n'
    )


@pytest.mark.usefixtures("versions")
def test_diff_as_sarif_for_github_and_as_markdown(capsys: Output, snapshot: SnapshotAssertion) -> None:
    assert main([*DIFF, "--format", "sarif"]) == 1
    run = checked(capsys.readouterr().out)
    assert {result["level"] for result in run["results"]} == {"error"}
    assert main([*DIFF, "--format", "github", "--against", "writers"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[0] for line in lines].count("::error") == 1
    assert [line.partition(" ")[0] for line in lines].count("::warning") == 3
    assert main([*DIFF, "--format", "markdown"]) == 1
    assert capsys.readouterr().out == snapshot


@pytest.mark.parametrize("command", [["lint", "no.json"], ["diff", "no.json", "schemas/new.schema.json"]])
@pytest.mark.usefixtures("versions")
def test_what_cannot_be_read_is_reported_there_too(command: list[str], capsys: Output) -> None:
    assert main([*command, "--format", "sarif"]) == 2
    out, err = capsys.readouterr()
    run = checked(out)
    assert run["invocations"] == [{"executionSuccessful": False}]
    assert [result["ruleId"] for result in run["results"]] == ["schema-refused"]
    assert "no such file" in err.lower()
    assert main([*command, "--format", "github"]) == 2
    assert capsys.readouterr().out.startswith("::error file=no.json,title=schema-refused::")


TEXTS: Final = st.text(st.sampled_from("ab:,%;\r\n|`@<>*_[]()\\#&/ üß\x1b\u202e"), max_size=12)


@given(TEXTS, TEXTS, TEXTS)
def test_no_text_ends_a_line_or_a_property_of_github(text: str, file: str, pointer: str) -> None:
    out = github([Annotation("error", "rule", text, file, 3, pointer)])
    assert out.count("\n") == 1
    assert out.endswith("\n")
    found = re.fullmatch(r"::error (?:file=([^,:\r\n]*),)?line=3,title=rule::([^\r\n]*)\n", out)
    assert found is not None


@given(TEXTS, TEXTS, TEXTS)
def test_any_text_gives_valid_sarif(text: str, file: str, pointer: str) -> None:
    checked(sarif([Annotation("note", "enum-zero", text, file, 0, pointer)]))


@given(TEXTS, TEXTS)
def test_no_name_leaves_its_cell_of_the_table(name: str, other: str) -> None:
    old: dict[str, JsonValue] = {"T": {"type": "object", "properties": {name: {"type": "string"}}}}
    new: dict[str, JsonValue] = {"T": {"type": "object", "properties": {other: {"type": "integer"}}}}
    changes = compare(bundle(old), bundle(new))
    text = diff_markdown(changes, Gate())
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 5 for row in rows)
    prose = re.sub(r"<code>[\w &#;]*</code>|(?<!\\)`[^`\\|]*`", "", "\n".join(rows))
    assert "@" not in prose.replace("@&#8203;", "")
    assert re.search(r"(?<!\\)[<>*_\[\]]", prose) is None


def test_nothing_and_little_as_markdown() -> None:
    assert diff_markdown((), Gate()) == "## Schemas: passed\n\nNothing changed.\n"
    old: dict[str, JsonValue] = {"T": {"type": "object", "properties": {}}}
    new: dict[str, JsonValue] = {"T": {"type": "object", "properties": {"a": {"type": "string"}}}}
    changes = compare(bundle(old), bundle(new))
    assert diff_markdown(changes, Gate()).splitlines()[:5] == [
        "## Schemas: passed",
        "",
        "1 change: 1 could break readers.",
        "",
        "### Could break: 1",
    ]
    assert diff_markdown(changes, Gate(severity="could-break")).startswith("## Schemas: failed\n")
    assert [each.weight for each in of_changes(changes, Gate())] == ["note"]
    assert [each.weight for each in of_changes(changes, Gate(severity="could-break"))] == ["error"]
