"""What to write instead of a name that is not there: names of miniagents 0.0.35, and names that other packages export.

The page `from-0.0.35` of the guide has all names of that release, so it is the table; `__all__` says what a package
exports. Both are read when somebody asks for a name that is missing, and never before.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["missing"]

_ROOT: Final = Path(__file__).parent
_LAZY: Final = str(_ROOT / "_lazy.py")
_PAGE: Final = _ROOT / "guide" / "from-0.0.35.md"
_PACKAGES: Final = (
    *(
        "",
        "ext.llm",
        "ext.llm.openai",
        "ext.llm.anthropic",
        "ext.mcp",
        "ext.notebook",
        "ext.otel",
        "ext.store",
        "promising",
        "messages",
        "agents",
        "calls",
    ),
    *("composition", "histories", "tools", "wire", "testing", "utils", "validation", "chat"),
)
"""The packages whose names are looked for, the most common ones first."""


def missing(package: str, name: str) -> AttributeError | ImportError:
    """Return the error for a name that a package does not have.

    For `from package import name` Python replaces an `AttributeError` by an `ImportError` of its own. So there this is
    an `ImportError`. Everywhere else, `hasattr` above all, it is an `AttributeError`.
    """
    text = f"module {package!r} has no attribute {name!r}"
    hint = "" if name.startswith("_") else _hint(package, name)
    if hint and _is_from_import():
        return ImportError(f"cannot import name {name!r} from {package!r}{hint}", name=package)
    return AttributeError(text + hint, name=name, obj=sys.modules[package])


def _is_from_import() -> bool:
    """Return whether the statement `from package import name` asks for a name."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename == _LAZY:
        frame = frame.f_back
    code = None if frame is None else frame.f_code
    return code is not None and code.co_name == "_handle_fromlist" and code.co_filename.startswith("<frozen importlib")


def _hint(package: str, name: str) -> str:
    for home in _PACKAGES:
        full = f"miniagents.{home}".rstrip(".")
        if full != package and name in _exported(home):
            return f"; write `from {full} import {name}`"
    for old, verdict, instead in _rows():
        if name in old and verdict != "same":
            gone = " and is gone" if verdict == "not there" else ""
            return f"; it was in miniagents 0.0.35{gone}, write instead: {instead}"
    return ""


def _exported(home: str) -> list[str]:
    """Return the `__all__` of a package or module, without importing it."""
    place = _ROOT.joinpath(*home.split("."))
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    for statement in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(statement.value)
            return names
    return []


def _rows() -> Iterator[tuple[set[str], str, str]]:
    """Yield the names of each row of the page, and what it says of them."""
    for line in re.findall(r"^\| (`.*) \|$", _PAGE.read_text(encoding="utf-8"), re.MULTILINE):
        old, verdict, instead = line.split(" | ")
        yield set(re.findall(r"`(\w+)`", old)), verdict, instead
