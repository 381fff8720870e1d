"""Documents of OpenAPI, Swagger 2.0 and AsyncAPI: their schemas become the module, as the documents mean them (G5)."""

# PyYAML's types leave the width of lines open
# pyright: reportUnknownMemberType=false

import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Final

import pytest
import yaml
from hypothesis import given, strategies as st

from miniagents import DecodeError
from miniagents.codegen import GenerationError
from miniagents.codegen.commands.command_line import main
from miniagents.codegen.reading.bundle import Bundle, read_bundle
from miniagents.codegen.reading.dialects import DRAFT_2020_12
from miniagents.codegen.settings import Reading, Settings
from tests.codegen.test_bundle_meaning import at
from tests.codegen.test_differential import Schemas
from tests.effort import examples

Json = Any  # Any: any JSON
Read = Callable[..., Bundle]

INFO: Final = {"title": "Pets", "version": "1"}


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a document, given as JSON or text, and others beside it."""

    def read(document: Json, *, name: str = "api.json", operations: bool = False, **others: Json) -> Bundle:
        paths: list[Path] = []
        for each, value in {name: document, **{f"{key}.json": value for key, value in others.items()}}.items():
            paths.append(tmp_path / each)
            paths[-1].write_text(value if isinstance(value, str) else json.dumps(value, indent=1), encoding="utf-8")
        return read_bundle(paths, settings=Settings(reading=Reading(operations=operations)))

    return read


def openapi(schemas: Json, version: str = "3.0.3", **members: Json) -> Json:
    return {"openapi": version, "info": INFO, "components": {"schemas": schemas}, **members}


def schemas(bundle: Bundle) -> dict[str, Json]:
    return {name: each.schema for name, each in bundle.definitions.items()}


def module_of(document: Json, folder: Path, name: str) -> ModuleType:
    path, output = folder / "api.json", folder / f"{name}.py"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert main(["generate", str(path), "--output", str(output)]) == 0
    module = sys.modules[name] = ModuleType(name)
    exec(compile(output.read_text(encoding="utf-8"), output.name, "exec"), vars(module))
    return module


def test_g5_the_components_become_the_module(read: Read) -> None:
    limit = {"type": "integer", "minimum": 0, "exclusiveMinimum": True}
    documents: list[Json] = [
        openapi(
            {"Size": limit, "Pet": {"properties": {"size": {"$ref": "#/components/schemas/Size", "type": "null"}}}}
        ),
        {
            "swagger": "2.0",
            "info": INFO,
            "definitions": {"Size": limit, "Pet": {"properties": {"size": {"$ref": "#/definitions/Size"}}}},
        },
    ]
    for document in documents:
        bundle = read(document)
        assert bundle.doc == "Pets"
        assert schemas(bundle) == {
            "Size": {"type": "integer", "exclusiveMinimum": 0},
            "Pet": {"properties": {"size": {"$ref": "#/$defs/Size"}}},
        }
    newest = {"type": ["integer", "null"], "exclusiveMinimum": 0, "$ref": "#/components/schemas/Any"}
    found = schemas(read(openapi({"Size": newest, "Any": True}, "3.1.0")))
    assert found["Size"] == {**newest, "$ref": "#/$defs/Any"}


NULLABLE: Final[list[tuple[Json, Json, bool]]] = [
    ({"type": "string", "nullable": True}, {"type": ["string", "null"]}, True),
    ({"type": "string", "nullable": False}, {"type": "string"}, True),
    (
        {"type": "string", "nullable": True, "enum": ["a", None]},
        {"type": ["string", "null"], "enum": ["a", None]},
        True,
    ),
    ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}, False),
    ({"nullable": True, "enum": ["a"]}, {"enum": ["a", None]}, False),
    ({"nullable": True, "title": "All"}, {"title": "All"}, True),
    (
        {"nullable": True, "title": "All", "allOf": [{"$ref": "#/components/schemas/Other"}]},
        {"title": "All", "anyOf": [{"allOf": [{"$ref": "#/$defs/Other"}]}, {"type": "null"}]},
        False,
    ),
    ({"$ref": "#/components/schemas/Other", "nullable": True}, {"$ref": "#/$defs/Other"}, True),
]


@pytest.mark.parametrize(("given", "meant", "is_clear"), NULLABLE)
def test_g5_nullable_adds_null(read: Read, given: Json, meant: Json, *, is_clear: bool) -> None:
    bundle = read(openapi({"A": given, "Other": {"type": "string"}}))
    assert schemas(bundle)["A"] == meant
    assert [each.keyword for each in bundle.warnings] == ([] if is_clear else ["nullable"])
    for pointer in bundle.definitions["A"].origins:
        assert isinstance(at(meant, pointer), bool | dict)
    properties = {
        "a": {"type": "string", "x-nullable": True},
        "b": {"type": "string", "enum": ["b"], "x-nullable": True},
        "c": {"allOf": [{"$ref": "#/definitions/A"}], "x-nullable": True},
        "d": {"type": "string", "x-nullable": False},
    }
    swagger = {"swagger": "2.0", "info": INFO, "definitions": {"A": {"type": "object", "properties": properties}}}
    assert schemas(read(swagger))["A"]["properties"] == {
        "a": {"type": ["string", "null"]},
        "b": {"type": ["string", "null"], "enum": ["b", None]},
        "c": {"anyOf": [{"allOf": [{"$ref": "#/$defs/A"}]}, {"type": "null"}]},
        "d": {"type": "string"},
    }
    swagger = {"swagger": "2.0", "info": INFO, "definitions": {"A": {"type": "string", "nullable": True}}}
    assert schemas(read(swagger))["A"] == {"type": "string", "nullable": True}


def test_g5_required_is_of_no_property_that_goes_one_way(read: Read) -> None:
    properties = {"id": {"readOnly": True}, "password": {"writeOnly": True}, "name": {"readOnly": False}}
    schema = {"properties": properties, "required": [*properties]}
    assert schemas(read(openapi({"User": schema})))["User"]["required"] == ["name"]
    assert schemas(read(openapi({"User": schema}, "3.1.0")))["User"]["required"] == [*properties]


CAT: Final = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "lives": {}}}
DOG: Final = {"type": "object", "required": ["kind"], "properties": {"kind": {"type": "string"}, "bark": {}}}
COW: Final = {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["moo"]}}}


@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
@pytest.mark.parametrize("keyword", ["oneOf", "anyOf"])
def test_g5_a_discriminator_tells_the_alternatives_apart(tmp_path: Path, version: str, keyword: str) -> None:
    mapping = {"cat": "#/components/schemas/Cat", "tom": "Cat"}
    union = {
        keyword: [{"$ref": f"#/components/schemas/{name}"} for name in ("Cat", "Dog", "Cow")],
        "discriminator": {"propertyName": "kind", "mapping": mapping},
    }
    document = openapi({"Cat": CAT, "Dog": DOG, "Cow": COW, "Pet": union}, version)
    module = module_of(document, tmp_path, f"pets_{keyword}_{version[2]}")
    for kind, name in {"cat": "PetCat", "tom": "PetCat", "Cat": "PetCat", "Dog": "PetDog", "moo": "Cow"}.items():
        value = {"kind": kind, "bark": 1, "lives": 9}
        decoded = module.decode(json.dumps(value), module.Pet)
        assert type(decoded).__name__ == name
        assert json.loads(module.encode(decoded)) == value
    for wrong in ("dog", "Cow", "", 1):
        with pytest.raises(DecodeError):
            module.decode(json.dumps({"kind": wrong}), module.Pet)


def test_a_discriminator_in_a_schema_is_a_note(tmp_path: Path, read: Read) -> None:
    union: Json = {"oneOf": [{"$ref": "#/$defs/Cat"}], "discriminator": {"propertyName": "kind"}}
    assert schemas(read({"$defs": {"Cat": CAT, "Pet": union}}))["Pet"] == union


OPERATIONS: Final = """
openapi: 3.0.3
info: {title: Pets, version: 1.0}
paths:
  /pets/{petId}:
    parameters:
      - {name: petId, in: path, schema: {type: integer}}
      - $ref: '#/components/parameters/Limit'
    get:
      operationId: getPet
      responses:
        200:
          content:
            application/json: {schema: {$ref: '#/components/schemas/Pet'}}
            text/plain: {schema: {type: string}}
        4XX: {$ref: '#/components/responses/Problem'}
        default: {content: {application/problem+json: {schema: {type: boolean}}}}
    put:
      requestBody: {content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Pet'}}}}}
      callbacks: {changed: {'{$url}': {post: {operationId: told, requestBody: {content: {'*/*': {schema: {}}}}}}}}
components:
  schemas:
    Pet: {type: "null"}
  parameters:
    Limit: {name: limit, in: query, content: {application/json: {schema: {type: integer}}}}
  responses:
    Problem: {description: bad, content: {application/json: {schema: {type: number}}}}
"""


def test_g5_operations_have_names_from_the_operation_and_the_status(read: Read) -> None:
    assert schemas(read(OPERATIONS, name="api.yaml")) == {"Pet": {"type": "null"}}
    assert schemas(read(OPERATIONS, name="api.yaml", operations=True)) == {
        "Pet": {"type": "null"},
        "LimitParameter": {"type": "integer"},
        "ProblemResponse": {"type": "number"},
        "PetsPetIdParameterPetId": {"type": "integer"},
        "GetPetResponse200": {"$ref": "#/$defs/Pet"},
        "GetPetResponse200Plain": {"type": "string"},
        "GetPetResponseDefault": {"type": "boolean"},
        "PutPetsPetIdRequest": {"type": "array", "items": {"$ref": "#/$defs/Pet"}},
        "ToldRequestAny": {},
    }


def test_g5_operations_may_stand_in_other_files(tmp_path: Path) -> None:
    files: Json = {
        "api.json": openapi({}, paths={"/pets": {"$ref": "paths/pets.json"}}),
        "paths/pets.json": {
            "get": {
                "parameters": [{"$ref": "../shared.json#/parameters/Limit"}],
                "responses": {"200": {"$ref": "../shared.json#/responses/Pets"}},
                "callbacks": {"again": {"x": {"$ref": "pets.json"}}},
            }
        },
        "shared.json": {
            "parameters": {"Limit": {"name": "limit", "schema": {"type": "integer", "nullable": True}}},
            "responses": {"Pets": {"content": {"application/json": {"schema": {"$ref": "pet.json"}}}}},
        },
        "pet.json": {"type": "string", "nullable": True},
    }
    for name, value in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(value), encoding="utf-8")
    main_file = [tmp_path / "api.json"]
    reading = Reading(references=(("", tmp_path),), operations=True)
    found = schemas(read_bundle(main_file, settings=Settings(reading=reading)))
    assert found["GetPetsParameterLimit"] == {"type": ["integer", "null"]}
    assert found["GetPetsResponse200"] == {"$ref": "#/$defs/Pet"}
    assert found["Pet"] == {"type": ["string", "null"]}
    with pytest.raises(GenerationError, match=r"--ref paths/pets.json=FILE"):
        read_bundle(main_file, settings=Settings(reading=Reading(operations=True)))
    (tmp_path / "shared.json").write_text("{}", encoding="utf-8")
    with pytest.raises(GenerationError, match=r"pets.json:1: .*there is nothing at ../shared.json#/parameters/Limit"):
        read_bundle(main_file, settings=Settings(reading=reading))


def test_g5_operations_of_swagger_have_bodies_and_parameters(read: Read) -> None:
    """Parameters that are no bodies are schemas themselves, with keywords about the parameter among them."""
    tags = {"type": "array", "items": {"type": "string"}, "maxItems": 3}
    operation = {
        "parameters": [
            {"in": "body", "name": "x", "schema": {"type": "null"}},
            {
                "in": "query",
                "name": "tags",
                "required": True,
                "collectionFormat": "csv",
                "description": "Words.",
                **tags,
            },
            {"in": "formData", "name": "upload", "type": "file"},
            {"$ref": "#/parameters/limit"},
        ],
        "responses": {"200": {"schema": {"type": "string"}}, "201": {"schema": {"type": "file"}}},
    }
    limit = {"in": "query", "name": "limit", "type": "integer", "minimum": 0, "exclusiveMinimum": True}
    document = {"swagger": "2.0", "info": INFO, "paths": {"/a": {"post": operation}}, "parameters": {"limit": limit}}
    bundle = read(document, operations=True)
    assert bundle.warnings == ()
    assert schemas(bundle) == {
        "LimitParameter": {"type": "integer", "exclusiveMinimum": 0},
        "PostARequest": {"type": "null"},
        "PostAParameterTags": {"description": "Words.", **tags},
        "PostAResponse200": {"type": "string"},
    }


def test_g2_a_document_without_schemas_is_refused_with_the_option(read: Read) -> None:
    operation = {"responses": {"200": {"content": {"application/json": {"schema": {"type": "null"}}}}}}
    document = openapi({}, paths={"/a": {"get": operation}})
    with pytest.raises(GenerationError, match=r"describes no components/schemas; write --operations"):
        read(document)
    assert schemas(read(document, operations=True)) == {"GetAResponse200": {"type": "null"}}
    with pytest.raises(GenerationError, match="describes no definitions; give other files"):
        read({"swagger": "2.0", "info": INFO}, operations=True)


def test_g5_asyncapi_has_schemas_and_messages(read: Read) -> None:
    formatted = {"schemaFormat": "application/schema+json;version=draft-07", "schema": {"const": 1}}
    messages = {
        "lit": {"payload": {"$ref": "#/components/schemas/litPayload"}, "headers": {"type": "object"}},
        "old": {"schemaFormat": "application/vnd.oai.openapi;version=3.0.0", "payload": NULLABLE[0][0]},
        "avro": {"schemaFormat": "application/vnd.apache.avro;version=1.9.0", "payload": {"type": "record"}},
        "new": {"payload": formatted},
        "same": {"$ref": "#/components/messages/lit"},
    }
    document = {
        "asyncapi": "2.6.0",
        "info": INFO,
        "channels": {"a/b": {"publish": {"message": {"payload": {"type": "number"}}}}},
        "components": {"schemas": {"litPayload": {"type": "null"}}, "messages": messages},
    }
    expected: Json = {
        "LitPayload": {"type": "null"},
        "LitHeaders": {"type": "object"},
        "OldPayload": NULLABLE[0][1],
        "NewPayload": {"const": 1},
    }
    assert schemas(read(document)) == expected
    expected |= {"PublishABPayload": {"type": "number"}}
    assert schemas(read(document, operations=True)) == expected


def test_g5_documents_refer_to_files_in_their_dialect(read: Read) -> None:
    pet = {"type": "object", "properties": {"name": {"type": "string", "nullable": True}}}
    found = schemas(read(openapi({"Pets": {"type": "array", "items": {"$ref": "pet.json"}}}), pet=pet))
    assert found["Pet"]["properties"]["name"] == {"type": ["string", "null"]}
    other = openapi({"Toy": {"type": "string", "nullable": True}})
    found = schemas(read({"$defs": {"Box": {"items": {"$ref": "toys.json#/components/schemas/Toy"}}}}, toys=other))
    assert found["Box"] == {"items": {"$ref": "#/$defs/Toy"}}
    assert found["Toy"] == {"type": ["string", "null"]}


def test_references_into_a_document_must_mean_schemas(read: Read) -> None:
    response = {"content": {"application/json": {"schema": {"type": "null"}}}}
    paths = {"/a": {"get": {"responses": {"200": response}}}}
    pointer = "#/paths/~1a/get/responses/200/content/application~1json/schema"
    found = schemas(read(openapi({"A": {"$ref": pointer}}, paths=paths)))
    assert found["A"] == {"$ref": "#/$defs/PathsAGetResponses200ContentApplicationJsonSchema"}
    with pytest.raises(GenerationError, match="there is a document, but no schema, at #"):
        read({"items": {"$ref": "toys.json"}}, toys=openapi({"A": True}))
    with pytest.raises(GenerationError, match=r"api.json:\d+: #/components/schemas/A: type: is no schema"):
        read(openapi({"A": 1}))


def test_a_schema_that_only_has_such_members_is_a_schema(read: Read) -> None:
    assert schemas(read({"type": "object", "openapi": "3.0.0"}))["Api"]["type"] == "object"
    assert schemas(read({"type": "object", "openapi": 3, "paths": {}}))["Api"]["type"] == "object"


@examples(100)
@given(seed=st.integers(0, 2**32))
def test_g5_schemas_mean_the_same_in_a_document(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """Random schemas in a file, in a document of OpenAPI 3.1, and in the same as YAML."""
    folder = tmp_path_factory.mktemp("same")
    definitions = Schemas(Random(seed)).definitions()
    text = json.dumps(openapi(definitions, "3.1.0")).replace("#/$defs/", "#/components/schemas/")
    contents = {"a.json": json.dumps({"$schema": DRAFT_2020_12.uri, "$defs": definitions})}
    contents |= {"b.json": text, "c.yaml": yaml.safe_dump(json.loads(text))}
    found: list[Json] = []
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
        try:
            found.append(schemas(read_bundle([folder / name])))
        except GenerationError as error:
            found.append({(each.keyword, each.wrong.replace("components/schemas", "$defs")) for each in error.problems})
    assert found[0] == found[1] == found[2]


WORDS: Final = (
    *("openapi", "swagger", "asyncapi", "info", "paths", "components", "schemas", "definitions", "parameters"),
    *("channels", "messages", "publish", "message", "payload", "headers", "schemaFormat", "schema", "content", "$ref"),
    *("get", "requestBody", "responses", "callbacks", "operationId", "name", "in", "application/json", "200", "oneOf"),
    *("discriminator", "propertyName", "mapping", "nullable", "type", "properties", "required", "readOnly", "webhooks"),
)
LEAVES: Final = (
    *(None, True, 0, "", "#", "object", "null", "body", "a", "#/components/schemas/schema", "#/paths/get", "\x1b[31m"),
    *("3.0.3", "3.1.0", "2.0", 2.0, "2.6.0", "application/schema+json;version=draft-04", '"""', "\ud800", "file"),
)


@examples(300)
@given(seed=st.integers(0, 2**64))
def test_g3_any_document_gives_definitions_or_refusals(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    random = Random(seed)

    def anything(depth: int) -> Json:
        kind = random.random() if depth else 0
        if kind < 0.15:
            return random.choice(LEAVES)
        if kind < 0.25:
            return [anything(depth - 1) for _ in range(random.randrange(3))]
        return {random.choice(WORDS): anything(depth - 1) for _ in range(random.randrange(1, 6))}

    kind, version = random.choice(
        [("openapi", "3.0.3"), ("openapi", "3.1.0"), ("swagger", "2.0"), ("asyncapi", "3.0.0")]
    )
    tops = random.sample(["paths", "components", "channels", "webhooks", "definitions", "info"], 4)
    document = {kind: version, **{top: {random.choice(WORDS): anything(5) for _ in range(3)} for top in tops}}
    path = tmp_path_factory.mktemp("any") / "api.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    try:
        definitions = read_bundle([path], settings=Settings(reading=Reading(operations=True))).definitions
    except GenerationError as error:
        assert all(str(problem).isprintable() for problem in error.problems)
    else:
        assert all(name.isidentifier() for name in definitions)
