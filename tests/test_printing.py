"""What reaches a terminal: no character of it controls the terminal, hides other text, or changes its direction."""

import json
import re
import unicodedata

import pytest
from hypothesis import given, strategies as st

from miniagents.printing import printable, printable_json
from scripts.fuzzing.hostile import unseen
from tests.effort import examples
from tests.hostile import texts


@examples(2000)
@given(texts())
def test_one_line_has_only_what_is_seen_and_does_not_change_again(text: str) -> None:
    shown = printable(text)
    assert not unseen(shown)
    assert all(char == " " or char.isprintable() or unicodedata.category(char) == "Cn" for char in shown)
    assert printable(shown) == printable(shown, lines=True) == shown


@examples(2000)
@given(texts())
def test_lines_have_only_what_is_seen_and_do_not_change_again(text: str) -> None:
    shown = printable(text, lines=True)
    assert not unseen(shown, but="\n\t")
    assert printable(shown, lines=True) == shown
    assert shown.count("\n") == text.count("\n")


@given(texts(), texts())
def test_a_text_that_arrives_in_pieces_is_the_same(first: str, second: str) -> None:
    """An escape sequence that is cut in two does not come together again."""
    for lines in (False, True):
        whole = printable(first + second, lines=lines)
        assert printable(first, lines=lines) + printable(second, lines=lines) == whole


@given(texts())
def test_nothing_that_is_seen_is_changed(text: str) -> None:
    """And what is escaped can be told from what is not, where there is no backslash."""
    text = text.replace("\\", "")
    plain = "".join(char for char in text if char.isprintable() or unicodedata.category(char) == "Cn")
    assert printable(plain) == printable(plain, lines=True) == plain
    escapes = re.escape("\\") + r"(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[nrt])"
    assert re.sub(escapes, "", printable(text)) == plain


JSON = st.recursive(
    texts() | st.integers() | st.none(), lambda inner: st.dictionaries(texts(), inner) | st.lists(inner)
)


@given(JSON, st.sampled_from([None, 2]))
def test_json_keeps_its_value(value: object, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    shown = printable_json(text.replace("\n", "\r\n"))
    assert not unseen(shown, but="\n\t")
    # two halves of a surrogate pair side by side, escaped, are one character for every reader of JSON
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert json.loads(shown) == json.loads(joined)
    assert printable_json(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧 1️⃣",
        "می‌خواهم",
        "no\u00a0break",
        "全角\u3000空白",
        "Lebens\u00adversicherung",
        "one\n\ttwo",
        "\ue0a0 branch",
        "葛\U000e0100",
    ],
)
def test_text_of_people_is_kept(text: str) -> None:
    assert printable(text, lines=True) == printable_json(text) == text
