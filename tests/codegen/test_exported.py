"""Types of pydantic, zod and TypeScript: the JSON Schema that their tools make generates as it is, and means the same.

The schemas are recorded in tests/data/exported; its README says how they were made.
"""

# JSON is Any for pyright, and so is what is taken from it
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

import json
from copy import deepcopy
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from miniagents import DecodeError
from miniagents.codegen.generating import generate_with
from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.settings import Settings
from miniagents.codegen.shaping.modules import module_of
from tests.codegen.test_differential import Values
from tests.codegen.test_real_schemas import executed
from tests.data.exported.kinds_pydantic import Kinds
from tests.data.exported.order_pydantic import Order
from tests.effort import rounds

RECORDED: Final = sorted((Path(__file__).parents[1] / "data" / "exported").glob("*.json"))
ORDERS: Final = [path for path in RECORDED if path.name.startswith("order.")]

ORDER: Final[dict[str, Any]] = {  # Any: JSON
    "id": "6f1e7c2a-9d0b-4c1e-8a53-0d6f6a9b1c2d",
    "placed": "2026-05-04T12:00:00Z",
    "amount": 2,
    "state": "paid",
    "address": {"street": "Hafen 1", "country": "DE"},
    "payment": {"kind": "card", "digits": "0042"},
    "tags": {"gift": "yes"},
}
TRANSFER: Final = {"kind": "transfer", "iban": "DE00", "reference": None}
ACCEPTED: Final[list[dict[str, Any]]] = [  # Any: JSON
    ORDER,
    {**ORDER, "payment": TRANSFER, "position": [1, 2.5], "tags": {}},
    {**ORDER, "within": {**ORDER, "within": ORDER}},
    {**ORDER, "address": {"street": "", "country": "DE", "postcode": "24103"}},
]
REFUSED: Final[list[dict[str, Any]]] = [  # Any: JSON
    {name: value for name, value in ORDER.items() if name != "address"},
    {**ORDER, "amount": 0},
    {**ORDER, "amount": "2"},
    {**ORDER, "amount": 2.5},
    {**ORDER, "state": "lost"},
    {**ORDER, "sate": "paid"},
    {**ORDER, "payment": {"kind": "card", "digits": "42"}},
    {**ORDER, "payment": {"kind": "cash"}},
    {**ORDER, "payment": {"kind": "transfer", "iban": "DE00"}},
    {**ORDER, "position": [1]},
    {**ORDER, "tags": {"gift": 1}},
    {**ORDER, "within": {**ORDER, "id": 3}},
]


def module(path: Path, settings: Settings | None = None) -> ModuleType:
    """The module of a recorded schema."""
    generated = generate_with([path], path.with_suffix(".py"), settings or Settings())
    assert generated.warnings == ()
    return executed(generated.text, f"exported_{path.stem}")


TEXTS: Final = ["", "a", "x", "A-b", "red", ORDER["id"], "2026-05-04", ORDER["placed"], "12:00:00", "P1D", "10.0.0.1"]
LINKS: Final = ["a@b.de", "https://a.de", "YQ==", "12px", "a/b-.c", "fe80::/10", "1.50", "0042", "DE"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_a_tool_exports_accepts_the_same_as_by_a_validator(path: Path, tmp_path: Path) -> None:
    """Property by property: in a copy of the schema nothing is required, so that a value tells of one property."""
    copied = tmp_path / path.name
    copied.write_text(json.dumps(without_required(json.loads(path.read_text(encoding="utf-8")))), encoding="utf-8")
    bundle = read_bundle([copied])
    definitions: dict[str, Any] = {  # Any: JSON
        name: deepcopy(each.schema) for name, each in bundle.definitions.items()
    }
    made = module(copied)
    values = Values(Random(0), definitions)
    taken: set[str] = set()
    for name, schema in definitions.items():
        if name not in made.__all__:
            continue
        validator = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": plain(definitions)})
        tried = [values.like(schema) for _ in range(rounds(100))]
        for key, inner in (schema.get("properties", {}) if isinstance(schema, dict) else {}).items():
            tried += [{key: value} for value in (*TEXTS, *LINKS, None, True, 0, 1, 3, 0.5, [], {}, [1, 2])]
            tried += [{key: values.like(inner)} for _ in range(rounds(100))]
        for value in tried:
            is_valid = validator.is_valid(value)
            try:
                decoded = made.decode(json.dumps(value), getattr(made, name))
            except DecodeError:
                assert not is_valid, f"{name}: {value}"
            else:
                assert is_valid, f"{name}: {value}"
                assert json.loads(made.encode(decoded)) == value
                taken.update(f"{name}.{key}" for key in (value if isinstance(value, dict) else ()))
    properties = {f"{name}.{key}" for name, schema in definitions.items() for key in schema.get("properties", {})}
    assert properties <= taken, f"no value was taken for {sorted(properties - taken)}"


def without_required(schema: Any) -> Any:  # Any: JSON
    if isinstance(schema, dict):
        return {name: without_required(each) for name, each in schema.items() if name != "required"}
    return [without_required(each) for each in schema] if isinstance(schema, list) else schema


def plain(schema: Any) -> Any:  # Any: JSON
    r"""A schema for validators of other languages: Python's `\Z` is its `$`."""
    if isinstance(schema, dict):
        return {
            name: value.replace(r"\Z", "$") if name == "pattern" and isinstance(value, str) else plain(value)
            for name, value in schema.items()
        }
    return [plain(each) for each in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("settings", [Settings(), Settings("typed")], ids=["notes", "typed"])
@pytest.mark.parametrize("path", ORDERS, ids=lambda path: path.stem)
def test_the_same_types_of_all_tools_accept_the_same(path: Path, settings: Settings) -> None:
    made = module(path, settings)
    for value in ACCEPTED:
        assert json.loads(made.encode(made.decode(json.dumps(value), made.Order))) == value
    for value in REFUSED:
        with pytest.raises(DecodeError):
            made.decode(json.dumps(value), made.Order)


def test_pydantic_itself_accepts_the_same() -> None:
    for value in ACCEPTED:
        assert Order.model_validate_json(json.dumps(value), strict=True).amount == value["amount"]
    for value in REFUSED:
        with pytest.raises(ValidationError):
            Order.model_validate_json(json.dumps(value), strict=True)


@pytest.mark.parametrize(("model", "stem"), [(Order, "order"), (Kinds, "kinds")], ids=["order", "kinds"])
def test_the_pydantic_that_is_installed_gives_the_same_types(model: type[BaseModel], stem: str, tmp_path: Path) -> None:
    path = tmp_path / f"{stem}.pydantic.json"
    path.write_text(json.dumps(model.model_json_schema()), encoding="utf-8")
    recorded = next(each for each in RECORDED if each.name == path.name)
    live, before = (module_of(read_bundle([each])) for each in (path, recorded))
    assert [each.name for each in live.types] == [each.name for each in before.types]
    module(path)
