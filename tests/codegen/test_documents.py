"""Files that are no JSON, or JSON that cannot be taken safely, are refused with their line and column (G3)."""

import pytest

from miniagents.codegen import GenerationError
from miniagents.codegen.documents import MAX_DEPTH, parse


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,\n "b" 2}', "x.json:2:6: not JSON: Expecting ':' delimiter; correct the file"),
        ("", "x.json:1:1: not JSON: Expecting value; correct the file"),
        ('{"a": NaN}', "x.json:1:1: not JSON: NaN is no JSON number; "),
        ('{"a": 1e999}', "x.json:1:1: not JSON: the number 1e999 is out of range; "),
        (f'{{"a": {"1" * 5000}}}', f"x.json:1:1: not JSON: the number {'1' * 40}... is out of range; "),
        ('{"a": 1,\n "a": 2}', "x.json:2: #/a: duplicate: the name is given twice in one object; keep one of them"),
        ('{"a": {"b~/": 1,\n\n "b~/": 2}}', "x.json:3: #/a/b~0~1: duplicate: "),
        ('{"a": ["\\ud800"]}', "x.json:1: #/a/0: string: it holds half of a surrogate pair; write both halves"),
        ("[" * (MAX_DEPTH + 1), f"x.json:1:{MAX_DEPTH + 1}: nesting: nested deeper than {MAX_DEPTH} levels; "),
        ('\n{"a":' * 10_000 + "1" + "}" * 10_000, "x.json:130:1: nesting: nested deeper than "),
    ],
)
def test_g3_what_is_no_safe_json_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(GenerationError) as caught:
        parse("x.json", text.encode())
    assert str(caught.value).startswith(said)


def test_g3_bytes_that_are_no_utf8_are_refused_with_their_place() -> None:
    with pytest.raises(GenerationError, match=r"^x.json:2:3: not JSON: not UTF-8; save the file as UTF-8$"):
        parse("x.json", b'{\n "\xff": 1}')


def test_every_value_knows_its_line() -> None:
    text = '{\n "a": [\n  1,\n  {"b": "}{,:\\""}\n ],\n "c/d": {}\n}'
    lines = parse("x.json", text.encode()).lines
    assert lines == {"#": 1, "#/a": 2, "#/a/0": 3, "#/a/1": 4, "#/a/1/b": 4, "#/c~1d": 6}


def test_a_byte_order_mark_and_pairs_of_surrogates_are_taken() -> None:
    assert parse("x.json", '\ufeff["\\ud83d\\ude00"]'.encode()).value == ["\U0001f600"]


@pytest.mark.parametrize("text", ['"\\"' * 1_000_000, '"' * 999_999, "\\" * 1_000_000, "{" + '"a":' * 300_000])
def test_g3_hostile_text_takes_linear_time(text: str) -> None:
    with pytest.raises(GenerationError, match="not JSON"):
        parse("x.json", text.encode())
