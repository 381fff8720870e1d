"""Rules for names and descriptions of types, properties and values."""

import keyword
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from miniagents.codegen.linting.lint_context import Context, Finding, is_public, is_type, key_of, step_of
from miniagents.codegen.names import definition_name, field_name
from miniagents.codegen.reading.views import Spot, followed, names_in
from miniagents.codegen.shown import shown

_STYLES: Final = {
    "snake_case": re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+"),
    "camelCase": re.compile(r"[a-z][a-z0-9]*([A-Z][a-z0-9]*)+"),
    "PascalCase": re.compile(r"[A-Z][a-z0-9]+([A-Z][a-z0-9]*)*"),
    "kebab-case": re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+"),
    "UPPER_CASE": re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*"),
}
_ONE_WORD: Final = re.compile(r"[a-z][a-z0-9]*")
_UNKNOWN: Final = frozenset({"unknown", "unspecified", "other", "none", "undefined", "default"})


def style_of(name: str) -> str | None:
    """Return the style of a name, or None if it fits several styles or none.

    >>> style_of("zip_code"), style_of("zipCode"), style_of("city"), style_of("_meta")
    ('snake_case', 'camelCase', None, None)
    """
    if _ONE_WORD.fullmatch(name):
        return None
    return next((style for style, pattern in _STYLES.items() if pattern.fullmatch(name)), None)


def type_name(context: Context) -> Iterator[Finding]:
    """Yield definitions whose names are not in PascalCase."""
    for spot in context.spots.values():
        key = key_of(spot)
        if is_public(spot) and key and key != definition_name(key):
            remedy = f"call it {definition_name(key)}"
            yield Finding(
                spot.place(), f"{key[:60]} is not in PascalCase, and the class is {spot.definition.name}", remedy
            )


def property_style(context: Context) -> Iterator[Finding]:
    """Yield properties whose names are not in the style of most others."""
    named = [(spot, step_of(spot)[1]) for spot in context.schemas if step_of(spot)[0] == "properties"]
    styles = Counter(style for _, name in named if (style := style_of(name)) is not None)
    if not styles:
        return
    usual = max(sorted(styles), key=lambda style: styles[style])
    for spot, name in named:
        style = style_of(name)
        if style not in {None, usual}:
            wrong = f"{name} is in {style}, and most of the other properties are in {usual}"
            yield Finding(spot.place(), wrong, f"write it in {usual}")


def property_python_name(context: Context) -> Iterator[Finding]:
    """Yield properties that have another name in Python."""
    for spot in context.schemas:
        place, name = step_of(spot)
        if place == "properties" and field_name(name) != name:
            reason = "is a keyword of Python" if keyword.iskeyword(name) else "cannot be the name of a field"
            yield Finding(spot.place(), f"{shown(name)} {reason}: in Python it is {field_name(name)}", "rename it")


def type_description(context: Context) -> Iterator[Finding]:
    """Yield types without a description."""
    for spot in context.spots.values():
        if is_public(spot) and not _has_words(spot, "description"):
            root = spot.definition.place.document.value
            is_only = spot.definition.place.pointer != "#" and len(context.spots) == 1
            if is_only and isinstance(root, dict) and root.get("description"):
                continue
            wrong = f"nothing says what {spot.definition.name} is"
            yield Finding(spot.place(), wrong, 'write "description": "…", which becomes its docstring')


def property_description(context: Context) -> Iterator[Finding]:
    """Yield properties without a description, either of their own or of the type that they refer to."""
    for spot in context.schemas:
        place, name = step_of(spot)
        if place != "properties" or not is_type(spot) or "const" in spot.members or spot.schema is False:
            continue
        if not _has_words(spot, "description") and not _has_words(followed(spot, context.spots), "description"):
            yield Finding(spot.place(), f"nothing says what {shown(name)} is", 'write "description": "…"')


def deprecated_silent(context: Context) -> Iterator[Finding]:
    """Yield deprecated schemas without an explanation."""
    for spot in context.schemas:
        if spot.members.get("deprecated") is True and not _has_words(spot, "description", "$comment"):
            wrong = "nothing says since when, why, and what there is instead"
            yield Finding(spot.place("deprecated"), wrong, 'say it in "description"')


def enum_style(context: Context) -> Iterator[Finding]:
    """Yield enums whose values are not all in one style."""
    for spot in context.schemas:
        styles = {style for value in names_in(spot.members.get("enum")) if (style := style_of(value)) is not None}
        has_words = any(_ONE_WORD.fullmatch(value) for value in names_in(spot.members.get("enum")))
        if len(styles) > 1 or (has_words and styles & {"PascalCase", "UPPER_CASE"}):
            every = sorted(styles | ({"lower case"} if has_words else set[str]()))
            yield Finding(spot.place("enum"), f"its values are in {' and in '.join(every)}", "write all in one style")


def enum_zero(context: Context) -> Iterator[Finding]:
    """Yield enums without a value for unknown or future cases."""
    for spot in context.schemas:
        values = names_in(spot.members.get("enum"))
        if len(values) < 2 or not is_type(spot):
            continue
        if not any(word in _UNKNOWN for value in values for word in re.split(r"[^a-z]+", value.lower())):
            wrong = "no value stands for one that is not known: old readers fail at every new one"
            yield Finding(spot.place("enum"), wrong, 'begin with a value such as "unknown"')


def _has_words(spot: Spot, *keywords: str) -> bool:
    texts = (spot.members.get(each) for each in keywords)
    return any(isinstance(text, str) and text.strip() for text in texts)
