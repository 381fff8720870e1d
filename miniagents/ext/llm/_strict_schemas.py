"""JSON Schemas in the forms that providers can enforce.

Each provider enforces only a part of JSON Schema. A keyword that it does not take is moved into the description, in
words. The library's own decoder then checks answers against the whole schema. A schema that the form cannot express at
all is refused with its path: a mapping, for example, if all properties must be named.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miniagents.describing.json_schema import JsonSchema

__all__ = ["FORMATS", "StrictForm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StrictForm:
    """The part of JSON Schema that a provider can enforce.

    Attributes:
        provider: The name of the provider.
        keywords: The keywords that it takes, besides those of the structure.
        formats: The values of `format` that it takes.
        all_required: Every property must be required; the value null means that a property is absent.
        recursive: A schema may refer to itself.
        fewest_items: The values of `minItems` that it takes; None for any.
        strict_only: The provider takes no schemas that it does not enforce.
    """

    provider: str
    keywords: frozenset[str]
    formats: frozenset[str]
    all_required: bool
    recursive: bool
    fewest_items: frozenset[int] | None = None
    strict_only: bool = False

    def of(self, schema: Mapping[str, object], where: str, instead: str = "strict=False") -> JsonSchema:
        """Return a schema in this form.

        Args:
            schema: The schema, as `json_schema` writes it.
            where: The name of the schema, for errors.
            instead: The option that turns the form off, for errors.

        Raises:
            TypeError: The form cannot express a part of the schema; the text has its path.
        """
        return _Rewriting(self, schema, where, instead).whole()


FORMATS: Final = frozenset(("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"))
"""The values of `format` that all providers take."""

_SAID_IN_WORDS: Final = frozenset(
    (
        *("pattern", "format", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "default"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "uniqueItems"),
        *("contentEncoding", "propertyNames"),
    )
)


class _Rewriting:
    """Rewrites one schema."""

    def __init__(self, form: StrictForm, schema: Mapping[str, object], where: str, instead: str) -> None:
        self._form = form
        self._instead = instead
        self._schema: JsonSchema = {**schema}
        self._where = where
        self._definitions: Mapping[str, JsonSchema] = self._schema.pop("$defs", {})

    def whole(self) -> JsonSchema:
        if self._schema.get("type") != "object":
            raise self._refusal("$", "is no object", "make it the field of a message")
        if not self._form.recursive:
            self._refuse_circles(self._schema, "$", ())
        written = self._written(self._schema, "$")
        definitions = {name: self._written(each, name) for name, each in self._definitions.items()}
        return {**written, "$defs": definitions} if definitions else written

    def _written(self, schema: JsonSchema, path: str, *, nullable: bool = False) -> JsonSchema:
        if nullable:
            return _or_null(self._written(schema, path))
        if "$ref" in schema:
            reference: JsonSchema = {"$ref": schema["$ref"]}
            words = self._words(schema)
            return {"description": words, "anyOf": [reference]} if words else reference
        result: JsonSchema = {"description": self._words(schema)} if self._words(schema) else {}
        if "anyOf" in schema:
            return {**result, "anyOf": [self._written(each, path) for each in schema["anyOf"]]}
        if "const" in schema or "enum" in schema:
            return {**result, **{name: schema[name] for name in ("type", "const", "enum") if name in schema}}
        if "type" not in schema:
            raise self._refusal(path, "may be anything", "give it a type")
        result["type"] = schema["type"]
        if schema["type"] == "object":
            result |= self._object(schema, path)
        elif schema["type"] == "array":
            result["items"] = self._items(schema, path)
        return result | {name: value for name, value in schema.items() if self._takes(name, value)}

    def _object(self, schema: JsonSchema, path: str) -> JsonSchema:
        if "properties" not in schema:
            raise self._refusal(path, "is a mapping", "use a tuple of messages with a field for the key")
        if schema.get("additionalProperties", True) is not False:
            raise self._refusal(path, "may have properties that are not declared", "declare all of them")
        required = schema.get("required", [])
        everything = self._form.all_required
        properties = {
            name: self._written(each, f"{path}.{name}", nullable=everything and name not in required)
            for name, each in schema["properties"].items()
        }
        names = [*properties] if everything else required
        return {
            "properties": properties,
            **({"required": names} if names or everything else {}),
            "additionalProperties": False,
        }

    def _items(self, schema: JsonSchema, path: str) -> JsonSchema:
        if "prefixItems" in schema:
            places = [self._written(each, f"{path}[{place}]") for place, each in enumerate(schema["prefixItems"])]
            different = [each for place, each in enumerate(places) if each not in places[:place]]
            return different[0] if len(different) == 1 else {"anyOf": different}
        if "items" not in schema:
            raise self._refusal(f"{path}[]", "may be anything", "give it a type")
        return self._written(schema["items"], f"{path}[]")

    def _takes(self, name: str, value: object) -> bool:
        if name == "format":
            return value in self._form.formats
        if name == "minItems" and self._form.fewest_items is not None and value not in self._form.fewest_items:
            return False
        return name in self._form.keywords

    def _words(self, schema: JsonSchema) -> str:
        """Return the description, with the keywords that the provider does not take added in words."""
        left = {
            name: value for name, value in schema.items() if name in _SAID_IN_WORDS and not self._takes(name, value)
        }
        if left.get("default", 0) is None:
            del left["default"]
        if "prefixItems" in schema:
            left["prefixItems"] = schema["prefixItems"]
        words = [schema.get("description", ""), ", ".join(f"{name}: {json.dumps(left[name])}" for name in left)]
        return " ".join(f"({each})" if place else each for place, each in enumerate(words) if each)

    def _refuse_circles(self, schema: JsonSchema, path: str, above: tuple[str, ...]) -> None:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            if name in above:
                raise self._refusal(path, f"contains itself, {name}", "bound the depth by classes of their own")
            self._refuse_circles(self._definitions[name], path, (*above, name))
        for name, each in schema.get("properties", {}).items():
            self._refuse_circles(each, f"{path}.{name}", above)
        for each in (*schema.get("anyOf", ()), *schema.get("prefixItems", ())):
            self._refuse_circles(each, path, above)
        if "items" in schema:
            self._refuse_circles(schema["items"], f"{path}[]", above)

    def _refusal(self, path: str, what: str, remedy: str) -> TypeError:
        return TypeError(
            f"{self._where}: {path} {what}, which {self._form.provider} takes in no strict schema: {remedy}, or give "
            f"{self._instead}"
        )


def _or_null(schema: JsonSchema) -> JsonSchema:
    """Return a schema that also allows null."""
    kind: Any = schema.get("type")  # Any: plain JSON
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        if None in values:
            return schema
        kinds = [kind] if isinstance(kind, str) else [*(kind or ())]
        rest = {name: value for name, value in schema.items() if name not in ("const", "type")}
        return {**({"type": [*kinds, "null"]} if kinds else {}), **rest, "enum": [*values, None]}
    if "anyOf" in schema:
        if any(each.get("type") == "null" for each in schema["anyOf"]):
            return schema
        return {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
    if isinstance(kind, str) and kind not in ("object", "array", "null"):
        return {**schema, "type": [kind, "null"]}
    if isinstance(kind, list):
        return schema if "null" in kind else {**schema, "type": [*kind, "null"]}
    if kind == "null":
        return schema
    described = {"description": schema["description"]} if "description" in schema else {}
    rest = {name: value for name, value in schema.items() if name != "description"}
    return {**described, "anyOf": [rest, {"type": "null"}]}
