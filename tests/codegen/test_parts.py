"""The small parts: names, patterns, limits, templates, docstrings."""

import ast
import doctest
import keyword
import re

import pytest
from hypothesis import given, strategies as st

from miniagents.codegen import limits, names, patterns, templates
from miniagents.codegen.docstrings import WIDTH, docstring
from miniagents.codegen.errors import printable
from miniagents.messages._generated import Message


@pytest.mark.parametrize("module", [names, patterns, limits])
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
    inherited = {name for name in dir(Message) if not name.startswith("_")} - {"text"}
    assert inherited <= names.ATTRIBUTES


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("^[a-z]+$", ["abc"], ["abc\n", "", "Abc"]),
        (r"^\d$", ["1"], ["\u0661"]),
        (r"^[\w-]+$", ["a_1-"], ["\u00e9"]),
        ("^.$", ["a"], ["\n", "\r", "\u2028"]),
        ("b|^c{2,3}?$", ["abc", "cc"], ["c"]),
        (r"^(?:a\/[/\]])+$", ["a//a/]"], ["a/"]),
        (r"\D\W", ["x-"], ["1-"]),
    ],
)
def test_g2_patterns_mean_what_they_mean_in_ecmascript(pattern: str, yes: list[str], no: list[str]) -> None:
    translated = patterns.translate(pattern)
    assert translated is not None
    assert all(re.search(translated, text) for text in yes)
    assert not any(re.search(translated, text) for text in no)


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"\s", r"\bx", r"\p{L}", r"\u0041", r"\x41", "\\", r"(x)\1"),
        *("(?=x)", "(?i)x", "(?P<n>x)", "(", "x)", "a**", "a++", "*", "a{,3}", "{"),
        *("[a", "[]", "[^]", "[--a]", r"[+-\d]", r"[\d-z]", "[[a]]", "[a&&b]"),
    ],
)
def test_g2_patterns_without_a_plain_counterpart_are_refused(pattern: str) -> None:
    assert patterns.translate(pattern) is None


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
