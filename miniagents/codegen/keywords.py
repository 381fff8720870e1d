"""Which keywords of JSON Schema the generator honours, where, and what to write instead of the others.

Everything that is not in these tables is refused by name: a keyword that is read over in silence is a type that
accepts what the schema does not.
"""

from collections.abc import Iterator
from typing import Final

from miniagents.codegen.documents import Node
from miniagents.codegen.errors import Problem
from miniagents.codegen.model import Kind

NOTES = frozenset({"title", "description", "$comment", "examples", "deprecated", "readOnly", "writeOnly"})
"""Keywords that accept and refuse nothing: they are documentation."""

HINTS = "x-miniagents"
"""The keyword for what JSON Schema has no word for."""

BY_KIND: Final[dict[Kind, frozenset[str]]] = {
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "integer": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}),
    "boolean": frozenset(),
    "null": frozenset(),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "object": frozenset({"properties", "required", "additionalProperties", "minProperties", "maxProperties"}),
}
"""The keywords that say something about values of one JSON type."""

FORMS = ("$ref", "anyOf", "oneOf", "const", "enum", "type")
"""The keywords that say what a value is; the first one present decides how a schema is read."""

ROOT = frozenset({"$schema", "$id", "$defs"})
"""The keywords that only the root of a file may have."""

REMEDIES: Final = {
    "$anchor": "refer to the type by its place: #/$defs/Name",
    "$dynamicAnchor": "refer to the type by its place: #/$defs/Name",
    "$dynamicRef": 'write "$ref"',
    "$recursiveRef": 'write "$ref"',
    "$vocabulary": "remove it",
    "additionalItems": 'write "items" alone',
    "allOf": 'write the properties out, or name the type to extend as "x-miniagents": {"base": ...}',
    "contains": "remove it, or check the items where they are used",
    "contentEncoding": 'write "type": "string" alone and decode the text where it is used',
    "contentMediaType": 'write "type": "string" alone and decode the text where it is used',
    "contentSchema": "give the content a property of its own",
    "default": "give the default where a property is described",
    "definitions": 'write "$defs"',
    "dependencies": "write one type for each case and join them by anyOf",
    "dependentRequired": "write one type for each case and join them by anyOf",
    "dependentSchemas": "write one type for each case and join them by anyOf",
    "else": "write one type for each case and join them by anyOf",
    "if": "write one type for each case and join them by anyOf",
    "maxContains": "remove it, or check the items where they are used",
    "minContains": "remove it, or check the items where they are used",
    "multipleOf": "divide only integers: a double has no exact multiples",
    "not": "say what is allowed instead of what is not",
    "nullable": 'write "type": [..., "null"]',
    "patternProperties": "write out the properties, or let additionalProperties describe all values",
    "prefixItems": "write an object with one property for each place",
    "propertyNames": "remove it, or check the names where they are used",
    "then": "write one type for each case and join them by anyOf",
    "unevaluatedItems": 'write "items" alone',
    "unevaluatedProperties": 'write "additionalProperties": false',
    "uniqueItems": "remove it, or check the items where they are used",
}


def refused(node: Node, allowed: frozenset[str]) -> Iterator[Problem]:
    """Yield a problem for every keyword of the schema at `node` that is not `allowed`."""
    if not isinstance(node.value, dict):
        return
    for keyword in node.value:
        if keyword in allowed or keyword in NOTES or (keyword in ROOT and node.pointer == "#"):
            continue
        place = node.child(keyword).place
        kinds = [kind for kind, names in BY_KIND.items() if keyword in names]
        if keyword in ROOT:
            yield place.problem(keyword, "only the root of a file can have it", "move it there, or remove it")
        elif keyword == "multipleOf" and "integer" not in _types(node):
            yield place.problem(keyword, "cannot be honoured here", REMEDIES[keyword])
        elif keyword in FORMS:
            yield place.problem(keyword, "cannot be combined with its neighbours", "say it in a schema of its own")
        elif kinds and keyword not in REMEDIES:
            says = f"says nothing about a value that is no {' or '.join(kinds)}"
            yield place.problem(keyword, says, f'remove it, or write "type": "{kinds[0]}"')
        elif keyword in REMEDIES:
            yield place.problem(keyword, "cannot be honoured here", REMEDIES[keyword])
        else:
            yield place.problem(keyword, "unknown keyword", "remove it, or mend its spelling")


def _types(node: Node) -> list[str]:
    value = node.value.get("type") if isinstance(node.value, dict) else None
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
