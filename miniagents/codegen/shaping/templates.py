"""Text templates: `{name}` stands for a field, `{{` and `}}` for braces, and everything else for itself."""

import re
from collections.abc import Mapping

_PART = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|(?P<stray>[{}])")


def names(template: str) -> tuple[str, ...]:
    """Return the names of the fields that a template shows, in order."""
    return tuple(match["name"] for match in _PART.finditer(template) if match["name"] is not None)


def has_stray_brace(template: str) -> bool:
    """Return whether a brace stands alone: it belongs to no `{name}` and is not doubled."""
    return any(match["stray"] for match in _PART.finditer(template))


def renamed(template: str, fields: Mapping[str, str]) -> str:
    """Return the template with other names for its fields."""
    return _PART.sub(lambda match: match[0] if match["name"] is None else f"{{{fields[match['name']]}}}", template)
