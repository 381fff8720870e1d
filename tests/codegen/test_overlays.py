"""Overlays say more about schemas of others, whose files stay as they are."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import given, strategies

from miniagents.cli import main
from miniagents.codegen import GenerationError, generate
from miniagents.codegen.reading.bundle import Bundle, read_bundle
from miniagents.codegen.settings import Reading, Settings
from tests.codegen.test_names_never_collide import definitions_in, files, merged, named, whole
from tests.effort import examples
from tests.hostile import texts

Json: TypeAlias = Any  # Any: whatever JSON can say
Overlaid = Callable[..., Bundle]
Output = pytest.CaptureFixture[str]

VENDOR: Final = {
    "$id": "https://vendor.example/pets.json",
    "$schema": "http://json-schema.org/draft-07/schema#",
    "definitions": {
        "Pet_Cat": {
            "type": "object",
            "properties": {"class": {"type": "string", "pattern": r"(?<=a+)b"}, "age": {"type": "integer"}},
            "additionalProperties": False,
        },
        "X<(a|b)>": {"type": "string"},
        "yes": True,
    },
}


@pytest.fixture
def overlaid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Overlaid:
    """Read the vendor's file with an overlay."""
    monkeypatch.chdir(tmp_path)

    def read(overlay: Json, *, others: dict[str, Json] | None = None, yaml: str = "") -> Bundle:
        Path("vendor").mkdir(exist_ok=True)
        for name, schema in {"vendor/pets.json": VENDOR, **(others or {})}.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(json.dumps(schema, indent=1), encoding="utf-8")
        path = Path("hints.yaml" if yaml else "hints.json")
        path.write_text(yaml or json.dumps(overlay, indent=1), encoding="utf-8")
        paths = [Path("vendor/pets.json"), *map(Path, others or {})]
        return read_bundle(paths, settings=Settings(reading=Reading(overlays=(path,))))

    return read


CAT: Final = "#/definitions/Pet_Cat"
ENOUGH: Final = {f"{CAT}/properties/class": {"ignore-keywords": ["pattern"]}}


@pytest.mark.parametrize(
    "file", ["", "pets.json", "vendor/pets.json", "https://vendor.example/pets.json", "./vendor/pets.json"]
)
def test_g5_a_file_is_named_by_its_path_or_its_url(overlaid: Overlaid, file: str) -> None:
    overlay: Json = {f"{file}{key}": value for key, value in ENOUGH.items()}
    overlay[f"{file}{CAT}"] = {"name": "Cat", "description": "Meows."}
    definition = overlaid(overlay).definitions["Cat"]
    assert isinstance(definition.schema, dict)
    assert definition.schema["description"] == "Meows."
    assert (definition.place.document.name, definition.place.pointer) == ("vendor/pets.json", CAT)


def test_g5_every_kind_of_entry_has_its_effect(overlaid: Overlaid, tmp_path: Path) -> None:
    overlay = {
        **ENOUGH,
        CAT: {
            "name": "Cat",
            "x-miniagents": {"base": "Message", "template": "{class}, {age}"},
            "x-miniagents-ignore": ["property-python-name"],
        },
        f"{CAT}/properties/class": {**ENOUGH[f"{CAT}/properties/class"], "x-miniagents": {"field": "kind"}},
        f"{CAT}/properties/age": {"description": "In years.", "ignore-keywords": ["type"]},
        "#/definitions/X%3C(a%7Cb)%3E": {"name": "Either"},
        "#/definitions/yes": {"description": "All."},
    }
    assert overlaid(overlay).definitions.keys() == {"Cat", "Either", "Yes"}
    text = generate(["vendor/pets.json"], "types.py", overlays=["hints.json"])
    assert "class Cat(Message" in text
    assert 'text_template: ClassVar[str | None] = "{kind}, {age}"' in text
    assert "In years." in text
    assert "age: Maybe[JsonValue]" in text
    assert "--overlay=hints.json" in text
    assert json.loads(Path("vendor/pets.json").read_text(encoding="utf-8")) == VENDOR


def test_g5_an_overlay_may_be_yaml(overlaid: Overlaid) -> None:
    text = f"'{CAT}': {{name: Cat}}\n'{CAT}/properties/class': {{ignore-keywords: [pattern]}}\n"
    assert "Cat" in overlaid(None, yaml=text).definitions


WRONG: Final[list[tuple[Json, str]]] = [
    ([], "hints.json:1: #: is no object of schemas and what to say of them; "),
    ({"#/definitions/Dog": {"name": "Dog"}}, "hints.json:2: #/#~1definitions~1Dog: pointer: there is nothing at #/def"),
    ({f"cats.json{CAT}": {}}, "hints.json:2: #/cats.json#~1definitions~1Pet_Cat: file: cats.json is none of the given"),
    ({CAT: 1}, f"hints.json:2: #/{CAT.replace('/', '~1')}: is no object; write "),
    ({CAT: {"nmae": "Cat"}}, "/nmae: nmae: means nothing in an overlay; one of name, description, x-miniagents, "),
    ({CAT: {"name": "os.system"}}, "/name: x-miniagents: name: not allowed: os.system; write a name in Pascal"),
    ({CAT: {"x-miniagents": {"nmae": 1}}}, "x-miniagents: nmae: unknown hint; allowed here: "),
    ({CAT: {"description": 1}}, "/description: description: is no text; write a text"),
    ({CAT: {"ignore-keywords": "type"}}, 'ignore-keywords: is no array of names; write ["pattern"]'),
    ({f"{CAT}/properties/age/type": {}}, "pointer: there is no schema; name a schema"),
    ({"definitions": {}}, "hints.json:2: #/definitions: file: definitions is none of the given files; "),
]


@pytest.mark.parametrize(("overlay", "said"), WRONG)
def test_g5_what_is_wrong_in_an_overlay_is_told_with_its_line(overlaid: Overlaid, overlay: Json, said: str) -> None:
    with pytest.raises(GenerationError) as caught:
        overlaid(overlay)
    problems = [str(each) for each in caught.value.problems if each.file == "hints.json"]
    assert len(problems) == 1
    assert said in problems[0]


def test_g5_a_file_that_may_be_several_must_be_named(overlaid: Overlaid) -> None:
    with pytest.raises(GenerationError, match=r"it may mean other/pets\.json, vendor/pets\.json; write which"):
        overlaid({f"pets.json{CAT}": {}}, others={"other/pets.json": {"$defs": {"A": True}}})
    with pytest.raises(GenerationError, match=r"file: it may mean other/pets\.json, vendor/pets\.json; write which"):
        overlaid({CAT: {}}, others={"other/pets.json": {"$defs": {"A": True}}})


def test_g5_a_refusal_names_the_entry_that_gets_on(overlaid: Overlaid, capsys: Output) -> None:
    with pytest.raises(GenerationError) as caught:
        overlaid({})
    (problem,) = caught.value.problems
    assert problem.remedy.endswith('or in a file for --overlay: "ignore-keywords": ["pattern"]')
    Path("hints.json").write_text(
        json.dumps({problem.pointer.removesuffix("/pattern"): {"ignore-keywords": ["pattern"]}})
    )
    assert main(["generate", "vendor/pets.json", "--output", "pets.py", "--overlay", "hints.json"]) == 0
    assert main(["generate", "vendor/pets.json", "--output", "pets.py", "--overlay", "hints.json", "--check"]) == 0
    assert main(["lint", "vendor/pets.json", "--level", "basic", "--overlay", "hints.json"]) == 0
    assert main(["diff", "vendor/pets.json", "vendor/pets.json", "--overlay", "hints.json"]) == 0
    assert capsys.readouterr().out == "nothing changed\n"
    assert main(["generate", "vendor/pets.json", "--output", "new.py", "--overlay", "missing.json"]) == 2
    assert "missing.json: No such file or directory" in capsys.readouterr().err
    assert not Path("new.py").exists()


@examples(60)
@given(files, files, strategies.randoms(use_true_random=False))
def test_g5_law_names_that_an_overlay_fixes_never_change(
    given: dict[str, Json], added: dict[str, Json], random: Random
) -> None:
    before = definitions_in(named(whole(given)))
    pinned = {
        file: {
            key: {**schema, "x-miniagents": {"name": before[file, f"#/$defs/{key}"]}} for key, schema in members.items()
        }
        for file, members in given.items()
    }
    after = named(merged(random, pinned, added))
    assert {place: after[place] for place in before} == before


@examples(200)
@given(texts(), texts())
def test_g3_any_text_in_an_overlay_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, key: str, text: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "pets.json").write_text(json.dumps({"$defs": {"A": {"type": "null"}}}), encoding="utf-8")
    for overlay in ({key: {text: text}}, {f"{key}#/$defs/A": {"description": text}}, {"#/$defs/A": {"name": text}}):
        (folder / "hints.json").write_text(json.dumps(overlay), encoding="utf-8")
        try:
            made = generate([folder / "pets.json"], folder / "types.py", overlays=[folder / "hints.json"])
        except GenerationError as error:
            assert all("\n" not in str(each) for each in error.problems)
        else:
            compile(made, "types.py", "exec")


# --- both stages in one run ---


def test_g2_one_run_tells_of_all_problems_of_all_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    message = {"type": "object", "properties": {"a": {"type": "string", "default": 1}}, "additionalProperties": False}
    schema = {
        "$defs": {
            "BadType": {"type": "str"},
            "BadReference": {"items": {"$ref": "gone.json"}},
            "AlsoBadReference": {"items": {"$ref": "gone.json"}},
            "BadDefault": {**message, "x-miniagents": {"base": "Message"}},
            "OpenMessage": {"type": "object", "properties": {"a": True}, "x-miniagents": {"base": "Message"}},
            "Concerned": {"x-miniagents": {"base": "#/$defs/BadType"}, **message},
        }
    }
    Path("a.json").write_text(json.dumps(schema), encoding="utf-8")
    Path("b.json").write_text("{", encoding="utf-8")
    Path("c.json").write_text(json.dumps({"$ref": "b.json"}), encoding="utf-8")
    with pytest.raises(GenerationError) as caught:
        generate(["a.json", "b.json", "c.json"], "types.py")
    assert [(each.file, each.pointer, each.keyword) for each in caught.value.problems] == [
        ("a.json", "#/$defs/BadDefault/properties/a", "default"),
        ("a.json", "#/$defs/BadType/type", "type"),
        ("a.json", "#/$defs/OpenMessage", "additionalProperties"),
        ("b.json", "", "not JSON"),
    ]
    with pytest.raises(GenerationError) as caught:
        generate(["a.json"], "types.py")
    assert ("a.json", "#/$defs/BadReference/items/$ref", "$ref") in [
        (each.file, each.pointer, each.keyword) for each in caught.value.problems
    ]
