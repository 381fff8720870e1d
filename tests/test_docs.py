"""The site that `scripts/docs` builds is complete, and its links lead somewhere; a warning of pdoc fails the build."""

import importlib
import posixpath
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest

from scripts.docs import GUIDE, MODULES, build, page_of, pages

ROOT: Final = Path(__file__).parent.parent


class Reader(HTMLParser):
    """What a page offers and wants: anchors and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if anchor := values.get("id"):
            self.anchors.add(anchor)
        if (link := values.get("href")) is not None:
            self.links.add(link)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The pages of the site by their paths."""
    folder = tmp_path_factory.mktemp("site")
    build(folder)
    return {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in folder.rglob("*.html")}


def test_every_page_of_the_guide_is_there(site: Mapping[str, str]) -> None:
    assert {page.name for page in pages()} == {path.stem for path in GUIDE.glob("*.md")} - {"index"}
    for page in pages():
        assert f"guide/{page.name}.html" in site
        assert f'href="guide/{page.name}.html">{page.title}</a>' in site["index.html"]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_has_an_entry_that_says_what_it_is(site: Mapping[str, str], module: str) -> None:
    page = site[module.replace(".", "/") + ".html"]
    entries = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', page, re.DOTALL))
    names = set(importlib.import_module(module).__all__)
    assert names == entries.keys()
    undocumented = {name for name, entry in entries.items() if not has_docstring(entry)}
    assert not undocumented, f"{module}: write a docstring for {sorted(undocumented)}"


def has_docstring(entry: str) -> bool:
    """Whether an entry has text of its own, before those of its members."""
    return 'class="docstring"' in entry.partition('class="classattr"')[0]


def test_every_link_leads_somewhere(site: Mapping[str, str]) -> None:
    read = {name: Reader(text) for name, text in site.items()}
    broken: list[tuple[str, str]] = []
    for name, page in read.items():
        for link in page.links:
            if re.match(r"https?://|data:", link):
                continue
            path, _, anchor = link.partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
            if target not in read or (anchor and anchor not in read[target].anchors):
                broken.append((name, link))
    assert not broken


def test_names_link_to_their_entries(site: Mapping[str, str]) -> None:
    assert 'href="../miniagents.html#MiniAgent.inquire"' in site["guide/from-0.0.35.html"]
    assert 'href="../miniagents.html#MiniAgent"' in site["miniagents/composition.html"]


def test_methods_of_private_bases_are_those_of_the_class(site: Mapping[str, str]) -> None:
    assert 'id="MiniAgent.with_retry"' in site["miniagents.html"]
    assert 'id="StreamedPromise.map_pieces" class="classattr"' in site["miniagents/promising.html"]


def test_nothing_tells_where_it_was_built(site: Mapping[str, str]) -> None:
    for name, text in site.items():
        found = re.search(rf"file://|{re.escape(str(ROOT))}|{re.escape(str(Path.home()))}/| at 0x", text)
        assert found is None, f"{name}: {found}"


def test_a_page_without_a_heading_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Some text.\n", encoding="utf-8")
    with pytest.raises(ValueError, match="write a heading"):
        page_of(page, "")
