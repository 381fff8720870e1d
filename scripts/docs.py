"""Builds the documentation as a site: the guide, and a reference of all public modules made by pdoc.

pdoc shows the docstrings and signatures of modules. This module changes three things: annotations and aliases are shown
as they are written in the source, methods of private base classes are shown as the class's own, and every public name
links to its entry.
"""

# pdoc does not write the type argument of its generic class `Doc`
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import argparse
import ast
import html
import importlib
import inspect
import pkgutil
import posixpath
import re
import sys
import types
import typing
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final
from unittest.mock import patch

import pdoc
import pdoc.doc
import pdoc.doc_types
import pdoc.render
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from pdoc.render_helpers import to_html

from miniagents.commands.guide import topics

ROOT: Final = Path(__file__).resolve().parent.parent
GUIDE: Final = ROOT / "miniagents" / "guide"
MODULES: Final = (
    "miniagents",
    "miniagents.miniagents",
    "miniagents.utils",
    "miniagents.composition",
    "miniagents.histories",
    "miniagents.messages",
    "miniagents.promising",
    "miniagents.promising.sentinels",
    "miniagents.tools",
    "miniagents.ext.llm",
    "miniagents.ext.llm.openai",
    "miniagents.ext.llm.anthropic",
    "miniagents.ext.otel",
    "miniagents.wire",
    "miniagents.testing",
    "miniagents.validation",
    "miniagents.codegen",
)
"""The modules that users import from; of each, the names in its `__all__` are shown."""

Modules = Mapping[str, pdoc.doc.Module]


class Written(str):
    """Source code in a place where pdoc expects a value and shows its `repr`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


# --- the guide ---


@dataclass(frozen=True)
class Page:
    """A page of the guide.

    Attributes:
        name: The name of its file without the suffix.
        title: Its first heading.
        summary: Its summary in the index, "" if it has none.
        text: All of it, in Markdown.
    """

    name: str
    title: str
    summary: str
    text: str


def pages() -> tuple[Page, ...]:
    """Return the pages of the guide in the order of its index, and after them the pages that the index lacks.

    Raises:
        ValueError: A page has no heading.
    """
    summaries = topics()
    places = {name: place for place, name in enumerate(summaries)}
    paths = sorted(GUIDE.glob("*.md"), key=lambda path: (places.get(path.stem, len(places)), path.stem))
    return tuple(page_of(path, summaries.get(path.stem, "")) for path in paths if path.stem != "index")


def page_of(path: Path, summary: str) -> Page:
    """Return the page of a file.

    Raises:
        ValueError: The page has no heading.
    """
    text = path.read_text(encoding="utf-8")
    heading = re.search(r"^# (.+)$", text, re.MULTILINE)
    if heading is None:
        raise ValueError(f"{path}: write a heading as its title, `# ...`")
    return Page(path.stem, heading[1], summary, text)


def html_of(page: Page) -> str:
    """Return a page as HTML, in which links to other pages and to the index lead to their HTML pages."""
    content = re.sub(r'href="index\.md(?=["#])', 'href="../index.html', to_html(page.text))
    return re.sub(r'href="([^":/#]+)\.md(?=["#])', r'href="\1.html', content)


# --- the reference ---


def all_modules() -> dict[str, pdoc.doc.Module]:
    """Return pdoc's model of the public modules, with our changes to members and aliases."""
    modules: dict[str, pdoc.doc.Module] = {}
    for name in MODULES:
        imported = importlib.import_module(name)
        for exported in imported.__all__:
            getattr(imported, exported)  # a module may import a name when it is first used
        modules[name] = pdoc.doc.Module(imported)
    homes = homes_of(modules)
    written = dict(assignments())
    for module in modules.values():
        for member in module.members.values():
            if isinstance(member, pdoc.doc.Class):
                adopt_members(member, homes)
            elif isinstance(member, pdoc.doc.Variable):
                show_as_written(member, getattr(module.obj, member.name), written)
    return modules


def as_written(t: object, *_: object) -> object:
    """Return an annotation as it is written in the source, without the names of modules."""
    if t is inspect.Parameter.empty or isinstance(t, Written):
        return t
    return Written(t if isinstance(t, str) else re.sub(r"(\w+\.)+(?=\w)", "", inspect.formatannotation(t)))


def homes_of(modules: Modules) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the module and name under which each public class or function is shown, by those of its definition."""
    homes: dict[tuple[str, str], tuple[str, str]] = {}
    for module in modules.values():
        for member in module.members.values():
            if not isinstance(member, pdoc.doc.Variable):  # an alias of a class is not its home
                homes.setdefault(member.taken_from, (module.modulename, member.name))
    return homes


def adopt_members(cls: pdoc.doc.Class, homes: Mapping[tuple[str, str], tuple[str, str]]) -> None:
    """Show members inherited from private classes as the class's own, and link those inherited from public ones."""
    own, inherited = list(cls.own_members), {}
    for base, members in cls.inherited_members.items():
        if base in homes:
            inherited[homes[base]] = members
            for member in members:
                module, name = homes[base]
                member.taken_from = (module, f"{name}.{member.name}")
        elif base[0].partition(".")[0] == "miniagents":
            own += [member for member in members if not member.name.startswith("_")]
    cls.own_members = own
    cls.inherited_members = inherited
    cls.bases = [(*homes[base[:2]], base[2].rpartition(".")[2]) for base in cls.bases if base[:2] in homes]


def assignments() -> Iterator[tuple[tuple[str, int], tuple[str, str]]]:
    """Yield the assignments of all modules: name and identity of the value, its source and the docstring below."""
    package = importlib.import_module("miniagents")
    for info in pkgutil.walk_packages(package.__path__, "miniagents."):
        module = sys.modules.get(info.name)
        if module is None:
            continue
        for block in blocks_in(ast.parse(inspect.getsource(module))):
            for node, below in pairwise((*block, None)):
                if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                    target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                    if isinstance(target, ast.Name) and hasattr(module, target.id):
                        value = getattr(module, target.id)
                        yield (target.id, id(value)), (ast.unparse(node.value), text_of(below))


def blocks_in(module: ast.Module) -> Iterator[Sequence[ast.stmt]]:
    """Yield the statements of a module, those under `else` before those under `if TYPE_CHECKING`."""
    yield module.body
    for node in module.body:
        if isinstance(node, ast.If):
            yield node.orelse
            yield node.body


def text_of(node: ast.stmt | None) -> str:
    """Return the text of a statement that is only a string, "" for any other statement."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return ""


def show_as_written(
    variable: pdoc.doc.Variable, value: object, written: Mapping[tuple[str, int], tuple[str, str]]
) -> None:
    """Give a variable the source and the docstring of its assignment, even if that is in another module."""
    source, docstring = written.get((variable.name, id(value)), ("", ""))
    if source:
        variable.default_value = Written(source)
        variable.annotation = pdoc.doc_types.empty
    if docstring and not variable.docstring:
        variable.docstring = inspect.cleandoc(docstring)


def overloads(function: pdoc.doc.Function) -> list[inspect.Signature]:
    """Return the overloads of a function; empty if it has none."""
    return [signature_as_written(overload) for overload in typing.get_overloads(function.obj)]


def signature_as_written(function: Callable[..., object]) -> inspect.Signature:
    """Return the signature of a function with its annotations as they are written, and `...` for its defaults."""
    signature = inspect.signature(function)
    return signature.replace(
        parameters=[
            parameter.replace(
                annotation=as_written(parameter.annotation),
                default=Written("...") if parameter.default is ... else parameter.default,
            )
            for parameter in signature.parameters.values()
        ],
        return_annotation=as_written(signature.return_annotation),
    )


# --- links ---


@pass_context
def linkify(context: Context, code: str, namespace: str = "", shorten: bool = True) -> Markup:  # noqa: ARG001
    """Link public names: all of them in code, and in text those formatted as code. It replaces pdoc's filter."""
    modules: Modules = context["all_modules"]
    here: str = context["module"].modulename

    # `Reply` may be a class of one module and a type variable of another one
    unclear = type_variables() if shorten else frozenset[str]()

    def linked(match: re.Match[str]) -> str:
        url = None if match["name"] in unclear else url_of(match["name"], here, modules)
        return match[0] if url is None else f'{match["before"]}<a href="{url}">{match["name"]}</a>'

    if shorten:
        pattern = r'(?P<before>(?<![\w.&#/"=-]))(?P<name>[A-Z]\w+)(?![\w;]|[^<>]*>)'
    else:
        pattern = r"(?P<before><code>)(?P<name>[A-Za-z][\w.]*)(?=(?:\([^<]*\))?</code>)"
    return Markup(re.sub(pattern, linked, code))  # noqa: S704 - the code is HTML already, and only links are added


@cache
def type_variables() -> frozenset[str]:
    """Return the names of all type variables of the package."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == "miniagents"]
    return frozenset(
        name for module in modules for name, value in vars(module).items() if type(value).__name__ == "TypeVar"
    )


def url_of(name: str, here: str, modules: Modules) -> str | None:
    """Return the address of a public name, seen from the page of a module; None if it has no entry."""
    if name in modules:
        return address(name, here)
    candidates = [here, *MODULES] if here in modules else list(MODULES)
    for module in candidates:
        qualname = name.removeprefix(f"{module}.")
        first, _, member = qualname.partition(".")
        if first not in getattr(modules[module].obj, "__all__", ()):
            continue
        entry = modules[module].get(first)
        if not member or (isinstance(entry, pdoc.doc.Class) and entry.get(member) in shown_members(entry)):
            return f"{address(module, here)}#{qualname}"
    return None


def shown_members(cls: pdoc.doc.Class) -> list[pdoc.doc.Doc[typing.Any]]:  # Any: members of all kinds
    """Return the members of a class that have an entry or a link to one."""
    members = [*cls.own_members, *(member for members in cls.inherited_members.values() for member in members)]
    return [member for member in members if not member.name.startswith("_")]


def address(module: str, here: str) -> str:
    """Return the file of a module, seen from that of another one."""
    if module == here:
        return ""
    return posixpath.relpath(module.replace(".", "/") + ".html", posixpath.dirname(here.replace(".", "/")) or ".")


# --- the site ---


def build(folder: Path) -> None:
    """Write the site into a folder.

    Raises:
        UserWarning: pdoc does not understand a docstring or an annotation.
        ValueError: A page has no heading.
    """
    with (
        warnings.catch_warnings(),
        patch.object(pdoc.doc, "safe_eval_type", as_written),
        patch.object(pdoc.doc_types, "safe_eval_type", as_written),
    ):
        warnings.simplefilter("error")
        # before Python 3.12 a TypedDict does not know its bases; pdoc's assumption is right there
        warnings.filterwarnings(
            "ignore", r"Cannot determine where \S+Options\.\w+ is taken from, assuming current file"
        )
        pdoc.render.configure(
            docformat="google", show_source=False, template_directory=Path(__file__).parent / "docs_templates"
        )
        modules, guide = all_modules(), pages()
        # jinja accepts any function and value; pyright infers narrower types from jinja's own ones
        pdoc.render.env.filters["linkify"] = linkify  # pyright: ignore[reportArgumentType]
        for name, value in {"pages": guide, "first_sentence": first_sentence, "overloads": overloads}.items():
            pdoc.render.env.globals[name] = value  # pyright: ignore[reportArgumentType]
        for module in modules.values():
            write(folder / f"{module.modulename.replace('.', '/')}.html", pdoc.render.html_module(module, modules))
        for page in guide:
            # search and links need a module, whose name gives the address of the page
            place = pdoc.doc.Module(types.ModuleType("guide.page"))
            template = pdoc.render.env.get_template("guide.html.jinja2")
            contents: str = getattr(to_html(page.text), "toc_html", "")  # an attribute of markdown2's subclass of str
            rendered = template.render(
                page=page, content=html_of(page), contents=contents, module=place, all_modules=modules
            )
            write(folder / "guide" / f"{page.name}.html", rendered)
        write(folder / "index.html", pdoc.render.html_index(modules))
        write(folder / "search.js", pdoc.render.search_index(modules))


def first_sentence(docstring: str) -> Markup:
    """Return the first sentence of a docstring as HTML."""
    sentence = re.split(r"(?<=\.)\s", docstring.strip(), maxsplit=1)[0]
    return Markup(re.sub(r"`(.+?)`", r"<code>\1</code>", html.escape(sentence)))  # noqa: S704 - it was escaped


def write(file: Path, text: str) -> None:
    """Write a file, and create its folders."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    """Build the site in the folder that the command line names."""
    parser = argparse.ArgumentParser(
        prog="scripts/docs", description="Builds the documentation as a site of HTML pages."
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=ROOT / "site", help="the folder to write (default: site/)"
    )
    folder: Path = parser.parse_args().folder
    build(folder)
    print(f"open {folder / 'index.html'}")


if __name__ == "__main__":
    main()
