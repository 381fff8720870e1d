"""The schemas in documents that describe interfaces: OpenAPI 3, Swagger 2.0 and AsyncAPI.

Such a document is no schema itself. It has schemas at known places, and those under `components` have names. Schemas of
parameters, requests and responses have none, and get names from the operation and the status.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from miniagents.codegen.documents import Document, JsonValue, Node
from miniagents.codegen.reading.dialects import DRAFT_07, DRAFT_2020_12, OPENAPI_3_0, SWAGGER_2_0, Dialect, dialect_of

_METHODS: Final = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"})
_VERSIONS: Final = (
    ("openapi", re.compile(r"3\.0"), OPENAPI_3_0),
    ("openapi", re.compile(r"3\."), DRAFT_2020_12),
    ("swagger", re.compile(r"2"), SWAGGER_2_0),
    ("asyncapi", re.compile(r"[23]\."), DRAFT_07),
)
_BESIDE: Final = frozenset({"info", "paths", "components", "channels", "webhooks"})
"""Members of which such a document has at least one."""


Follow: TypeAlias = Callable[[Node, str], Node | None]
"""Returns what a reference in a document leads to, in the same or another file; None if that was reported."""

_MOST_CALLBACKS: Final = 4
"""The greatest depth of callbacks in callbacks, which may refer to themselves."""


@dataclass(frozen=True, slots=True)
class Api:
    """A document that describes an interface.

    Attributes:
        root: The whole document.
        kind: The member that names the version: `openapi`, `swagger` or `asyncapi`.
        dialect: The dialect of its schemas.
    """

    root: Node
    kind: str
    dialect: Dialect

    @property
    def title(self) -> str:
        """The title of the interface; "" if it has none."""
        title = _member(_node(self.root, "info"), "title")
        return title.value if title is not None and isinstance(title.value, str) else ""


@dataclass(frozen=True, slots=True)
class Part:
    """A schema in such a document.

    Attributes:
        node: The schema and its place.
        label: The text of which its name is made.
        dialect: The dialect of the schema.
    """

    node: Node
    label: str
    dialect: Dialect


def api_of(document: Document) -> Api | None:
    """Return the interface that a document describes, or None if it is a schema."""
    value = document.value
    if not isinstance(value, dict) or _BESIDE.isdisjoint(value):
        return None
    for kind, pattern, dialect in _VERSIONS:
        version = value.get(kind)
        if isinstance(version, str | int | float) and pattern.match(str(version)):
            declared = value.get("jsonSchemaDialect")
            own = dialect_of(declared) if isinstance(declared, str) and dialect is DRAFT_2020_12 else None
            return Api(document.root, kind, own or dialect)
    return None


def parts_of(api: Api, follow: Follow | None) -> Iterator[Part]:
    """Yield the schemas of an interface.

    Args:
        api: The interface.
        follow: The function that follows references between parameters, requests and responses; None to leave out
            their schemas.
    """
    for node, name in _members(api.root, *(("definitions",) if api.kind == "swagger" else ("components", "schemas"))):
        yield from _schema(api, node, name)
    if api.kind == "asyncapi":
        for node, name in _members(api.root, "components", "messages"):
            yield from _message(api, node, name)
    if follow is not None:
        yield from _channels(api) if api.kind == "asyncapi" else _Operations(api, follow).parts()


def tags_of(
    union: dict[str, JsonValue], reference: JsonValue, target: dict[str, JsonValue]
) -> tuple[str, tuple[str, ...]]:
    """Return the property of a `discriminator`, and its values for one alternative.

    There are none if the schema has no discriminator, or if the alternative lists the values itself.

    Args:
        union: The schema with the discriminator.
        reference: The `$ref` of the alternative.
        target: The schema that it refers to.
    """
    discriminator = union.get("discriminator")
    name = discriminator.get("propertyName") if isinstance(discriminator, dict) else None
    if not isinstance(discriminator, dict) or not isinstance(name, str) or not isinstance(reference, str):
        return "", ()
    properties = target.get("properties")
    own = properties.get(name) if isinstance(properties, dict) else None
    if isinstance(own, dict) and ("enum" in own or "const" in own):
        return "", ()
    component = reference.rpartition("/")[2]
    mapping = discriminator.get("mapping")
    mapped = mapping.items() if isinstance(mapping, dict) else ()
    return name, tuple(dict.fromkeys([*(tag for tag, each in mapped if each in {reference, component}), component]))


def _schema(api: Api, node: Node | None, label: str) -> Iterator[Part]:
    if node is None:
        return
    inner = _member(node, "schema") if api.kind == "asyncapi" else None
    form = _member(node, "schemaFormat") if inner is not None else None
    if inner is not None and form is not None:
        yield from _formatted(api, inner, form.value, label)
    elif not (isinstance(node.value, dict) and node.value.get("type") == "file"):  # of Swagger: it is no JSON
        yield Part(node, label, api.dialect)


def _formatted(api: Api, node: Node, form: JsonValue, label: str) -> Iterator[Part]:
    """Yield a schema of AsyncAPI in the language that a media type names, if it is JSON Schema."""
    text = form if isinstance(form, str) else ""
    if "openapi" in text:
        yield Part(node, label, OPENAPI_3_0)
    elif "schema+json" in text or "schema+yaml" in text or "asyncapi" in text or not text:
        named = re.search(r"version=(draft-0[467]|2019-09|2020-12)", text)
        uri = f"http://json-schema.org/{named[1]}/schema" if named and named[1].startswith("draft") else ""
        modern = f"https://json-schema.org/draft/{named[1]}/schema" if named and not uri else ""
        yield Part(node, label, dialect_of(uri or modern) or api.dialect)


def _message(api: Api, node: Node, label: str) -> Iterator[Part]:
    if _member(node, "$ref") is not None:
        return
    form = _member(node, "schemaFormat")
    payload = _member(node, "payload")
    if payload is not None and form is not None:
        yield from _formatted(api, payload, form.value, f"{label} payload")
    else:
        yield from _schema(api, payload, f"{label} payload")
    yield from _schema(api, _member(node, "headers"), f"{label} headers")


def _channels(api: Api) -> Iterator[Part]:
    for channel, name in _members(api.root, "channels"):
        for message, key in _members(channel, "messages"):  # of AsyncAPI 3
            yield from _message(api, message, f"{name} {key}")
        for action in ("publish", "subscribe"):  # of AsyncAPI 2
            operation = _member(channel, action)
            content = _member(operation, "message")
            if operation is None or content is None:
                continue
            label = _text(_member(operation, "operationId")) or f"{action} {name}"
            every = _member(content, "oneOf")
            messages = [content] if every is None else every.items()
            for place, each in enumerate(messages, 1):
                yield from _message(api, each, label if every is None else f"{label} {place}")


@dataclass(frozen=True, slots=True)
class _Operations:
    """Finds the schemas of the operations of OpenAPI and Swagger."""

    api: Api
    follow: Follow

    def parts(self) -> Iterator[Part]:
        """Yield the schemas."""
        for kind, word in (("parameters", "parameter"), ("requestBodies", "request"), ("responses", "response")):
            steps = (kind,) if self.api.kind == "swagger" else ("components", kind)
            for node, name in _members(self.api.root, *steps):
                yield from self._content(node, f"{name} {word}")
        for steps in (("paths",), ("webhooks",), ("components", "pathItems")):
            for item, path in _members(self.api.root, *steps):
                yield from self._path(item, path)

    def _followed(self, node: Node) -> Node | None:
        """Return what a node refers to, or itself; None for components, which are found where they stand."""
        reference = _text(_member(node, "$ref"))
        if not reference:
            return node
        is_component = node.document is self.api.root.document and reference.startswith("#/")
        return None if is_component else self.follow(node, reference)

    def _path(self, item: Node, path: str, depth: int = 0) -> Iterator[Part]:
        followed = self._followed(item)
        yield from self._parameters(followed, path)
        for operation, method in _members(followed):
            if method not in _METHODS:
                continue
            label = _text(_member(operation, "operationId")) or f"{method} {path}"
            yield from self._parameters(operation, label)
            body = _member(operation, "requestBody")
            if body is not None:
                yield from self._content(body, f"{label} request")
            for response, status in _members(operation, "responses"):
                yield from self._content(response, f"{label} response {status}")
            for callback, name in _members(operation, "callbacks") if depth < _MOST_CALLBACKS else ():
                for inner, _ in _members(self._followed(callback)):
                    yield from self._path(inner, f"{label} {name}", depth + 1)

    def _parameters(self, node: Node | None, label: str) -> Iterator[Part]:
        every = _member(node, "parameters")
        for each in [] if every is None else every.items():
            parameter = self._followed(each)
            if parameter is not None:
                is_body = _text(_member(parameter, "in")) == "body"
                name = _text(_member(parameter, "name"))
                yield from self._content(parameter, f"{label} request" if is_body else f"{label} parameter {name}")

    def _parameter(self, node: Node | None) -> Node | None:
        """Return the schema that a parameter of Swagger is itself, or None if it has a schema or is no parameter."""
        if self.api.kind != "swagger" or node is None or not isinstance(node.value, dict) or "type" not in node.value:
            return None
        about_it = {"name", "in", "required", "collectionFormat", "allowEmptyValue"}  # `required` is true or false here
        return replace(node, value={key: value for key, value in node.value.items() if key not in about_it})

    def _content(self, node: Node, label: str) -> Iterator[Part]:
        """Yield the schemas of one part: one for each media type; the first of JSON has a shorter name."""
        followed = self._followed(node)
        yield from _schema(self.api, self._parameter(followed) or _member(followed, "schema"), label)
        has_json = False
        for media, kind in _members(followed, "content"):
            is_json = "json" in kind and not has_json
            has_json = has_json or is_json
            words = "" if is_json else kind.partition(";")[0].rpartition("/")[2].replace("*", "any")
            yield from _schema(self.api, _member(media, "schema"), f"{label} {words}")


def _node(node: Node | None, *steps: str) -> Node | None:
    for step in steps:
        node = _member(node, step)
    return node


def _member(node: Node | None, key: str) -> Node | None:
    return node.child(key) if node is not None and isinstance(node.value, dict) and key in node.value else None


def _members(node: Node | None, *steps: str) -> Iterator[tuple[Node, str]]:
    """Yield the members of the object at some steps, with their names."""
    found = _node(node, *steps)
    if found is not None and isinstance(found.value, dict):
        for key in found.value:
            yield found.child(key), key


def _text(node: Node | None) -> str:
    return node.value if node is not None and isinstance(node.value, str) else ""
