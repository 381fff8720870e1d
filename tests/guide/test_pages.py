"""The guide and the README are complete: all pages are in the index, links resolve, every public name is told."""

import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from miniagents.commands.guide import topics

ROOT: Final = Path(__file__).parents[2]
GUIDE: Final = ROOT / "miniagents/guide"
PAGES: Final = sorted(path.stem for path in GUIDE.glob("*.md") if path.stem != "index")
DOCUMENTS: Final = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(GUIDE.glob("*.md"))]
LONGEST_README: Final = 300

PUBLIC: Final = (
    "miniagents",
    "miniagents.calls",
    "miniagents.chat",
    "miniagents.codegen",
    "miniagents.composition",
    "miniagents.ext.llm",
    "miniagents.ext.llm.anthropic",
    "miniagents.ext.llm.openai",
    "miniagents.ext.mcp",
    "miniagents.ext.otel",
    "miniagents.ext.store",
    "miniagents.histories",
    "miniagents.messages",
    "miniagents.promising",
    "miniagents.promising.sentinels",
    "miniagents.testing",
    "miniagents.tools",
    "miniagents.utils",
    "miniagents.validation",
    "miniagents.wire",
)
"""The modules that users import from."""

HISTORY: Final = {"from-0.0.35", "changes"}
"""Pages about other versions. The names on them need not exist in this one, and nobody reads them in order."""


def text_of(page: str) -> str:
    return (GUIDE / f"{page}.md").read_text(encoding="utf-8")


def code_in(text: str) -> Iterator[str]:
    """What stands between backticks, and between fences."""
    fence = r"^```\w*\n(.*?)^```"
    yield from re.findall(fence, text, re.MULTILINE | re.DOTALL)
    yield from re.findall(r"`([^`\n]+)`", re.sub(fence, "", text, flags=re.MULTILINE | re.DOTALL))


def anchors_of(path: Path) -> set[str]:
    """The fragments by which links reach the headings of a document, as GitHub makes them."""
    prose = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index() -> None:
    assert sorted(topics()) == PAGES


def test_the_readme_lists_the_pages_of_the_index() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(.+)\]\(miniagents/guide/(.+)\.md\) \| (.+) \|$", readme, re.MULTILINE)
    assert listed == [(name, name, summary) for name, summary in topics().items()]


@pytest.mark.parametrize("page", sorted({*PAGES} - HISTORY))
def test_a_page_begins_with_what_one_can_do_after_it(page: str) -> None:
    assert re.match(r"# .+\n\nAfter this page you (can|know) ", text_of(page))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        assert path.exists(), f"{target}: there is no such file"
        assert not anchor or anchor in anchors_of(path), f"{target}: there is no such heading"


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= LONGEST_README


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_told(module: str) -> None:
    told = {
        name
        for page in topics().keys() - HISTORY
        for code in code_in(text_of(page))
        for name in re.findall(r"\w+", code)
    }
    missing = set(importlib.import_module(module).__all__) - told
    assert not missing, f"no page of the guide names {sorted(missing)}"


def test_the_wheel_has_the_pages() -> None:
    """hatchling takes every file of the packages that it is given, unless it is told to leave some out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["build-system"]["build-backend"] == "hatchling.build"
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["miniagents"]}
    assert project["tool"]["hatch"]["build"].keys() == {"targets"}
