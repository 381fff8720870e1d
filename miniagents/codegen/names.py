"""Turn names in JSON, which may be any text, into names in Python.

A name that is valid in Python stays as it is. Any other name becomes the nearest name that is neither a keyword nor
needed by the generated module itself. If two names become equal, the author of the schema decides with a hint.
"""

import keyword
import re
import unicodedata

from miniagents.codegen.texts import is_known

ANY_MESSAGE = "AnyMessage"
"""The union of a module's messages."""

MODULE_NAMES = frozenset(
    {"Annotated", "ClassVar", "Extras", "JsonValue", "Literal", "Mapping", "Maybe", "NO_EXTRAS", "TypeAlias", "msgspec"}
)
"""Names that generated modules import, and so cannot use for anything else."""

ATTRIBUTES = frozenset({"extra_properties", "hash_key", "replace", "text_template"})
"""Attributes of generated classes: those of their hand-written bases, and the field of undeclared properties.

A property with such a name gets another name in Python.
"""

_ANNOTATIONS = frozenset({"str", "int", "float", "bool", "tuple", "dict"})


def class_name(text: str) -> str | None:
    """Return the name of a class for a text, in PascalCase, or None if there is none.

    >>> class_name("weather_report"), class_name("mcp/2025-06"), class_name("404")
    ('WeatherReport', 'Mcp202506', None)
    """
    words: list[str] = re.findall(r"[^\W_]+", "".join(char if is_known(char) else "\0" for char in text))
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if _is_plain(name) else None


def definition_name(text: str) -> str:
    """Return a name in PascalCase for any text that names a definition.

    If no part of the text can begin a name, or the text is a keyword of Python, the name begins with `Type`. A text of
    signs only is spelt by their code points.

    >>> definition_name("weather_report"), definition_name("404"), definition_name("None"), definition_name("日本")
    ('WeatherReport', 'Type404', 'TypeNone', '日本')
    >>> definition_name("$?")
    'TypeU24U3F'
    """
    known = "".join(char if is_known(char) else " " for char in text)
    plain = "".join(char if f"a{char}".isidentifier() else " " for char in unicodedata.normalize("NFKC", known))
    words: list[str] = re.findall(r"[^\W_]+", plain)
    name = unicodedata.normalize("NFKC", "".join(word[0].upper() + word[1:] for word in words))
    if not name:
        name = "".join(f"U{ord(char):X}" for char in text) or "Empty"
        return f"Type{name}"
    return name if _is_plain(name) else f"Type{name}"


def is_class_name(name: str) -> bool:
    """Return whether `name` can be the name of a class unchanged: it is in PascalCase and not a keyword.

    Underscores may stand between its words, as in qualified names.
    """
    first, *others = name.split("_")
    return class_name(first) == first and all(others) and _is_plain(name)


def field_name(text: str) -> str:
    """Return the name in Python of a property.

    >>> field_name("city"), field_name("class"), field_name("content-type"), field_name("$id"), field_name("2nd")
    ('city', 'class_', 'content_type', 'id', 'field_2nd')
    """
    name = re.sub(r"\W", "_", "".join(char if is_known(char) else "_" for char in text)).lstrip("_")
    if not _is_plain(name) and not keyword.iskeyword(name):
        name = re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_")
    if not name or name[0].isdigit():
        name = f"field_{name}".rstrip("_")
    return f"{name}_" if _is_taken(name) else name


def is_field_name(name: str) -> bool:
    """Return whether `name` can be the name of a field unchanged."""
    return field_name(name) == name


def _is_plain(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and unicodedata.normalize("NFKC", name) == name


def _is_taken(name: str) -> bool:
    return keyword.iskeyword(name) or name in ATTRIBUTES or name in MODULE_NAMES or name in _ANNOTATIONS


def summary_of(name: str) -> str:
    """Return the name of a class as a short sentence.

    >>> summary_of("HTTPErrorResponse2")
    'HTTP error response 2.'
    """
    first, *others = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z\d_]+|\d+", name) or [name]
    return f"{' '.join([first, *(each if each.isupper() else each.lower() for each in others)])}."
