"""The small parts: names, limits, templates, docstrings."""

import ast
import doctest
import hashlib
import keyword

import pytest
from hypothesis import given, strategies as st

from miniagents.codegen import names, texts
from miniagents.codegen.shaping import limits, templates
from miniagents.codegen.writing.written_docstrings import WIDTH, docstring
from miniagents.messages._generated import Message
from miniagents.printing import printable


@pytest.mark.parametrize("module", [names, limits, texts])
def test_the_examples_in_docstrings_are_true(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@given(st.text())
def test_g3_whatever_a_property_is_called_its_field_is_one_plain_identifier(text: str) -> None:
    name = names.field_name(text)
    assert name.isidentifier()
    assert not keyword.iskeyword(name)
    assert not name.startswith("_")
    assert names.is_field_name(name)


@given(st.text())
def test_g3_whatever_a_type_is_called_its_class_is_one_plain_identifier_or_refused(text: str) -> None:
    name = names.class_name(text)
    assert name is None or (name.isidentifier() and not keyword.iskeyword(name))


def test_fields_do_not_hide_what_messages_have_by_nature() -> None:
    inherited = {name for name in dir(Message) if not name.startswith("_")} - {"text", "metadata"}
    assert inherited <= names.ATTRIBUTES


def test_templates_know_their_fields_and_braces() -> None:
    assert templates.names("{a} {{b}} {c d}{}") == ("a", "c d", "")
    assert not templates.has_stray_brace("{a} {{b}}")
    assert all(templates.has_stray_brace(text) for text in ["{", "}", "{a{b}", "{{}", "a}b"])
    assert templates.renamed("{a} {{a}} {b}", {"a": "x", "b": "y"}) == "{x} {{a}} {y}"


@given(st.text(), st.text())
def test_g3_a_docstring_is_one_text_and_says_what_was_written(text: str, attribute: str) -> None:
    written = docstring(text, [("field", attribute)], indent=4)
    tree = ast.parse(f"class X:\n    {written}\n")
    assert isinstance(tree.body[0], ast.ClassDef)
    assert len(tree.body[0].body) == 1
    said = "".join((ast.get_docstring(tree.body[0]) or "").split())
    assert "".join(text.split()) in said
    assert "".join(attribute.split()) in said


def test_docstrings_are_wrapped() -> None:
    long = "Words that go on. " * 30
    lines = docstring(long, [("field", long)], indent=4).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[0] == '"""Words that go on.'


def test_g3_what_errors_quote_cannot_steer_a_terminal() -> None:
    assert printable("a\x1b[2J\n\u202eb\u00e9") == "a\\x1b[2J\\n\\u202eb\u00e9"


@given(st.text())
def test_g3_a_literal_is_the_text_itself(text: str) -> None:
    written = texts.literal(text)
    assert ast.literal_eval(written) == text
    assert len(written.splitlines()) == 1
    if text.isascii():
        assert written == repr(text)


def test_g1_names_and_literals_are_the_same_in_every_python() -> None:
    """Whatever version of Unicode it knows; the digest is what all of them give."""
    digest = hashlib.sha256()
    for code in (*range(0xD800), *range(0xE000, 0x20000), *range(0x2A6D0, 0x33500), *range(0xE0000, 0xE0200)):
        char = chr(code)
        made = (names.field_name(f"a{char}"), names.definition_name(f"a{char}b"), texts.literal(char), printable(char))
        digest.update("\n".join(made).encode())
    assert digest.hexdigest() == "98ce321ca70bfbad60fa3a763993eaa0050bc16d96e9f704bbfa6054f1a5cfbf"
