"""What is chosen when a module is generated: what a `format` is, what objects extend, the namespace of records."""

import datetime as dt
import importlib.util
import json
import sys
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, strategies as st

from miniagents import DecodeError, Message, Record
from miniagents.codegen import GenerationError, generate, main
from tests.effort import examples

SchemaFile = Callable[..., Path]

FORMATS: Final = {
    "date-time": dt.datetime,
    "date": dt.date,
    "time": dt.time,
    "duration": dt.timedelta,
    "uuid": uuid.UUID,
    "byte": bytes,
}
TEXTS: Final = {
    "date-time": "2024-01-02T03:04:05Z",
    "date": "2024-01-02",
    "time": "03:04:05Z",
    "duration": "P1D",
    "uuid": "123e4567-e89b-12d3-a456-426614174000",
    "byte": "aGk=",
}
_numbers = count()


def closed(properties: dict[str, object], **others: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "additionalProperties": False, **others}


@pytest.fixture
def loaded(schema_file: SchemaFile, tmp_path: Path) -> Iterator[Callable[..., ModuleType]]:
    """Import the module for some $defs and some settings."""
    names: list[str] = []

    def load(definitions: object, **chosen: Any) -> ModuleType:  # Any: of `generate`
        name = f"settings_{next(_numbers)}"
        path = tmp_path / f"{name}.py"
        # classes of other tests may live as long as `typing` remembers them, and many are called T
        chosen.setdefault("namespace", name)
        path.write_text(generate([schema_file({"$defs": definitions})], path, **chosen), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        names.append(name)
        spec.loader.exec_module(module)
        return module

    yield load
    for name in names:
        del sys.modules[name]


@pytest.fixture
def made() -> list[ModuleType]:
    """What one test makes once for all its examples."""
    return []


# --- formats ---


def test_a_format_is_a_note_unless_somebody_says_otherwise(loaded: Callable[..., ModuleType]) -> None:
    module = loaded({"T": closed({"day": {"type": "string", "format": "date"}})})
    assert module.decode('{"day": "tomorrow"}', module.T).day == "tomorrow"


@pytest.mark.parametrize("name", FORMATS)
def test_formats_can_be_checked(loaded: Callable[..., ModuleType], name: str) -> None:
    module = loaded({"T": closed({"x": {"type": "string", "format": name}})}, formats="checked")
    data = json.dumps({"x": TEXTS[name]})
    assert module.decode(data, module.T).x == TEXTS[name]
    with pytest.raises(DecodeError, match=r"\$\.x: Expected a .*\(format\)"):
        module.decode('{"x": "?"}', module.T)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_can_be_types(loaded: Callable[..., ModuleType], name: str) -> None:
    text = {"type": "string", "format": name}
    definitions = {
        "T": closed({"x": text, name: text, "many": {"type": "array", "items": text}}, required=["x"]),
        "M": closed({"x": {**text, "default": TEXTS[name]}}, **{"x-miniagents": {"base": "Message"}}),
    }
    module = loaded(definitions, formats="typed")
    data = json.dumps({"x": TEXTS[name], name: TEXTS[name], "many": [TEXTS[name]]})
    read = module.decode(data, module.T)
    assert type(read.x) is FORMATS[name]
    assert type(read.many[0]) is FORMATS[name]
    assert json.loads(module.encode(read)) == json.loads(data)
    assert module.decode(module.encode(read), module.T) == read
    assert type(module.M().x) is FORMATS[name]
    assert module.decode(module.encode(module.M()), module.M) == module.M()
    assert read.hash_key != module.T(x=read.x).hash_key
    with pytest.raises(DecodeError, match=r"\$\.x: Expected a .*\(format\)"):
        module.decode('{"x": "?"}', module.T)


def test_base64_becomes_bytes(loaded: Callable[..., ModuleType]) -> None:
    module = loaded({"T": closed({"x": {"type": "string", "contentEncoding": "base64"}})}, formats="typed")
    assert module.decode('{"x": "aGk="}', module.T).x == b"hi"


@pytest.mark.parametrize(
    ("name", "text"), [("date-time", "2016-12-31T23:59:60Z"), ("duration", "P1Y"), ("date", "0000-01-01")]
)
def test_what_python_cannot_hold_is_refused_where_it_is(
    loaded: Callable[..., ModuleType], name: str, text: str
) -> None:
    module = loaded({"T": closed({"x": {"type": "string", "format": name}})}, formats="typed")
    with pytest.raises(DecodeError, match=r"\$\.x: "):
        module.decode(json.dumps({"x": text}), module.T)


def test_a_schema_may_say_it_of_one_format(loaded: Callable[..., ModuleType]) -> None:
    day = {"type": "string", "format": "date"}
    properties = {each: {**day, "x-miniagents-format": each} for each in ("note", "checked", "typed")}
    for chosen in ("note", "checked", "typed"):
        module = loaded({"T": closed({**properties})}, formats=chosen)
        assert module.decode('{"note": "soon"}', module.T).note == "soon"
        assert module.decode('{"checked": "2024-01-02"}', module.T).checked == "2024-01-02"
        assert module.decode('{"typed": "2024-01-02"}', module.T).typed == dt.date(2024, 1, 2)


@pytest.mark.parametrize("said", ["checked", "typed"])
def test_g2_a_format_that_cannot_be_checked_is_refused_by_name(
    schema_file: SchemaFile, tmp_path: Path, said: str
) -> None:
    path = schema_file({"$defs": {"T": {"type": "string", "format": "colour"}}})
    with pytest.raises(GenerationError, match=r"#/\$defs/T/format: format: colour cannot be checked; write one of"):
        generate([path], tmp_path / "out.py", formats="checked" if said == "checked" else "typed")
    path = schema_file({"$defs": {"T": {"type": "string", "format": "colour", "x-miniagents-format": said}}})
    with pytest.raises(GenerationError, match="colour cannot be checked"):
        generate([path], tmp_path / "out.py")


def test_what_a_format_is_must_be_one_of_three(schema_file: SchemaFile, tmp_path: Path) -> None:
    path = schema_file({"$defs": {"T": {"type": "string", "format": "date", "x-miniagents-format": "check"}}})
    with pytest.raises(GenerationError, match="check is none of note, checked, typed"):
        generate([path], tmp_path / "out.py")


@examples(200, unhealthy=[HealthCheck.function_scoped_fixture])
@given(
    when=st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=-5, minutes=-30))])),
    day=st.dates(),
    long=st.timedeltas().map(lambda each: dt.timedelta(days=abs(each.days), seconds=each.seconds)),
    name=st.uuids(),
    raw=st.binary(),
)
def test_m5_values_of_types_come_back(
    loaded: Callable[..., ModuleType],
    made: list[ModuleType],
    when: dt.datetime,
    day: dt.date,
    long: dt.timedelta,
    name: uuid.UUID,
    raw: bytes,
) -> None:
    formats = {"when": "date-time", "day": "date", "long": "duration", "name": "uuid", "raw": "byte"}
    properties: dict[str, object] = {key: {"type": "string", "format": each} for key, each in formats.items()}
    module = loaded({"T": closed(properties)}, formats="typed") if not made else made[0]
    made[:] = [module]
    value = module.T(when=when, day=day, long=long, name=name, raw=raw)
    read = module.decode(module.encode(value), module.T)
    assert read == value
    assert read.hash_key == value.hash_key


# --- what objects extend ---


def test_definitions_can_be_messages(loaded: Callable[..., ModuleType]) -> None:
    definitions = {
        "PlainSetting": closed({"a": closed({"b": {"type": "string"}})}),
        "Other": closed({}, **{"x-miniagents": {"base": "Record"}}),
        "Open": {"type": "object", "x-miniagents": {"base": "Record"}, "properties": {"a": {"type": "string"}}},
        "Map": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    module = loaded(definitions, base="Message")
    assert issubclass(module.PlainSetting, Message)
    for record in (module.PlainSettingA, module.Other, module.Open):
        assert issubclass(record, Record)
    plain = module.decode('{"a": {"b": "c"}}', module.PlainSetting)
    assert module.encode(plain) == b'{"@type":"PlainSetting","a":{"b":"c"}}'
    assert module.decode(module.encode(plain), module.PlainSetting) == plain


def test_a_message_cannot_be_open(schema_file: SchemaFile, tmp_path: Path) -> None:
    path = schema_file({"$defs": {"Open": {"type": "object", "properties": {"a": True}}}})
    with pytest.raises(GenerationError) as caught:
        generate([path], tmp_path / "out.py", base="Message")
    (problem,) = caught.value.problems
    assert problem.remedy == 'write "additionalProperties": false, or "x-miniagents": {"base": "Record"}'


# --- the namespace ---


def test_m3_records_of_one_name_have_keys_if_their_modules_have_namespaces(
    loaded: Callable[..., ModuleType],
) -> None:
    tool = {"SettingsTool": closed({"name": {"type": "string"}})}
    one, two, three = (loaded(tool, namespace=each) for each in ("", "second", "third"))
    keys = {module.SettingsTool(name="a").hash_key for module in (one, two, three)}
    assert len(keys) == 3
    assert two.decode('{"name": "a"}', two.SettingsTool).hash_key in keys


def test_m3_without_a_namespace_the_error_says_what_to_do(loaded: Callable[..., ModuleType]) -> None:
    thing = {"SettingsThing": closed({"name": {"type": "string"}})}
    first, _second = (loaded(thing, namespace="") for _ in range(2))
    with pytest.raises(
        TypeError, match=r"both have the tag 'SettingsThing': .* generate its module with `--namespace NAME`"
    ):
        _ = first.SettingsThing(name="a").hash_key


# --- the command line ---


def test_the_header_says_how_to_make_it_again(
    schema_file: SchemaFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, output = schema_file({"$defs": {"T": closed({})}}), tmp_path / "out.py"
    chosen = ["--formats=typed", "--base=Message", "--namespace=my.app"]
    assert main(["generate", str(path), "--output", str(output), *chosen]) == 0
    header = " ".join(line.removeprefix("#").strip(" \\") for line in output.read_text().splitlines()[:5])
    assert " ".join(["--output out.py", *chosen]) in header
    assert main(["generate", str(path), "--output", str(output), "--check", *chosen]) == 0
    assert main(["generate", str(path), "--output", str(output), "--check"]) == 1
    assert main(["generate", str(path), "--output", str(output), "--check", *chosen[1:]]) == 1
    assert "--namespace=my.app" in capsys.readouterr().err
    assert main(["generate", str(path), "--output", str(output), "--namespace", "no name"]) == 2


def test_export_keeps_what_was_chosen(schema_file: SchemaFile, tmp_path: Path) -> None:
    """What is exported gives the same module without the choice."""
    day = {"type": "string", "format": "date", "description": "When."}
    path = schema_file({"$defs": {"T": closed({"day": day, "other": {**day, "default": "2024-01-02"}})}})
    first, second = tmp_path / "one" / "types.py", tmp_path / "two" / "types.py"
    for each in (first, second):
        each.parent.mkdir()
    assert main(["generate", str(path), "--output", str(first), "--formats=typed", "--base=Message"]) == 0
    exported = tmp_path / "two" / "types.schema.json"
    assert main(["export", str(first), "--output", str(exported)]) == 0
    assert main(["generate", str(exported), "--output", str(second)]) == 0
    assert first.read_text().partition('"""')[2] == second.read_text().partition('"""')[2]
