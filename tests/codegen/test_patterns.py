"""Regular expressions of ECMA-262 and what they mean in Python."""

import doctest
import re
import sys
import unicodedata
from types import ModuleType

import pytest
from hypothesis import given, strategies as st

from miniagents.codegen.patterns import backtracking, character_classes, translating
from miniagents.codegen.patterns.translating_back import translated_back


@pytest.mark.parametrize("module", [translating, character_classes, backtracking])
def test_the_examples_in_docstrings_are_true(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        # anchors and ends of lines
        ("^[a-z]+$", ["abc"], ["abc\n", "", "Abc"]),
        ("^.$", ["a", "\x85", "\U0001f600"], ["\n", "\r", "\u2028", "\u2029", "ab"]),
        ("^$", [""], ["\n", "a"]),
        # class escapes
        (r"^\d$", ["1"], ["\u0661"]),
        (r"^\D$", ["\u0661", "\n"], ["1"]),
        (r"^[\w-]+$", ["a_1-"], ["\u00e9"]),
        (r"\D\W", ["x-", "x\u00e9"], ["1-", "xx"]),
        (r"^\s$", [" ", "\t", "\v", "\u00a0", "\u1680", "\u2003", "\u2028", "\ufeff"], ["\x1c", "\x85", "\u180e", "a"]),
        (r"^\S$", ["\x1c", "\x85", "a"], [" ", "\ufeff", "\n"]),
        (r"^[\s\S]$", ["\n", "a"], ["", "ab"]),
        (r"^[\S]$", ["a"], [" "]),
        (r"^[^\S]$", [" "], ["a"]),
        (r"^[^\D\s]$", ["1"], ["a", " "]),
        (r"^[\D5]$", ["a", "5"], ["4"]),
        (r"^[^\D5]$", ["4"], ["a", "5"]),
        (r"^[\W\d]$", ["-", "4", "\u00e9"], ["a", "_"]),
        # word boundaries
        (r"\bx\b", ["x", "a x", "\u00e9x"], ["ax", "xa"]),
        (r"\Bx", ["ax"], ["x", "\u00e9x"]),
        (r"\B", ["", "ab"], ["a"]),
        # characters
        (r"^\u0041\x42\u{43}\u{1F600}$", ["ABC\U0001f600"], ["ABC"]),
        (r"^\ud83d\ude00$", ["\U0001f600"], ["\ud83d"]),
        (r"^\ud83d$", ["\ud83d"], ["\U0001f600"]),
        (r"^[\ud83d\ude00-\ud83d\ude02]$", ["\U0001f601"], ["\ud83d", "\U0001f603"]),
        (r"^\cJ\cj\0\v\f$", ["\n\n\0\v\f"], ["J"]),
        (r"^[\b\cJ\0]$", ["\b", "\n", "\0"], ["b"]),
        (r"^\/\.\$\-\_\@$", ["/.$-_@"], ["/a$-_@"]),
        (r"^(?:a\/[/\]])+$", ["a//a/]"], ["a/"]),
        ("^{a}$", ["{a}"], ["a"]),
        ("^\u2028\u00e9 #$", ["\u2028\u00e9 #"], [" #"]),
        # sets
        ("^[^]$", ["\n", "a"], ["", "ab"]),
        ("[]", [], ["", "a"]),
        ("^a[]*$", ["a"], ["aa", ""]),
        ("^[--a]$", ["-", "A", "a"], [",", "b"]),
        ("^[a&&b||c~~d[]$", ["&", "|", "~", "[", "a"], ["]", "e"]),
        (r"^[\w-.]$", ["-", ".", "a"], ["+"]),
        (r"^[+-\d]$", ["-", "+", "1"], [","]),
        ("^[a^]$", ["a", "^"], ["b"]),
        (r"^[^\]]$", ["a"], ["]"]),
        # repetition and groups
        ("b|^c{2,3}?$", ["abc", "cc"], ["c"]),
        ("^a{2}b{1,}c{0,1}$", ["aab", "aabbc"], ["ab", "aabcc"]),
        ("^(?<year>[0-9]{4})-(?<month>[0-9]{2})$", ["2026-01"], ["2026"]),
        ("^(?!no)[a-z]+(?=!)", ["yes!"], ["no!", "yes"]),
        ("(?<=a)b|(?<!a)c", ["ab", "c"], ["b", "ac"]),
        (r"""^(['"]).*\1$""", ["'a'", '"a"'], ["'a\""]),
        (r"^(?<q>a|b)\k<q>0$", ["aa0", "bb0"], ["ab0"]),
        (r"^(a)\1{2}$", ["aaa"], ["aa"]),
        # properties
        (r"^\p{L}+$", ["a\u00e9\u0436\u4e00"], ["1", "_", "\u00b2", "\u2160", "\u0663"]),
        (r"^[\p{L}\p{N}_-]+$", ["a1\u00b2_-"], ["+", " "]),
        (r"^[^\p{L}]$", ["1", "_", "\u00b2"], ["a", "\u0436"]),
        (r"^\P{Letter}$", ["1", "_"], ["a"]),
        (r"^[^\P{L}]$", ["a"], ["1"]),
        (r"^\p{General_Category=Decimal_Number}\p{gc=Nd}$", ["1\u0663"], ["\u00b2\u00b2"]),
        (r"^[\p{ASCII}]\p{Any}$", ["a\u00e9"], ["\u00e9a"]),
        (r"^\p{White_Space}\p{Zs}$", ["\n ", "\x85\u3000"], ["\ufeff ", "\n\n"]),
        (r"^\P{AHex}$", ["g"], ["F"]),
    ],
)
def test_g2_patterns_mean_what_they_mean_in_ecmascript(pattern: str, yes: list[str], no: list[str]) -> None:
    translated = translating.translate(pattern)
    assert translated is not None
    assert [text for text in yes if not re.search(translated, text)] == []
    assert [text for text in no if re.search(translated, text)] == []


@pytest.mark.parametrize(
    "pattern",
    [
        # errors everywhere
        *(
            "\\",
            "(",
            "x)",
            "*",
            "a**",
            "a{2,1}",
            "[a",
            "[z-a]",
            "[",
            "[a-",
            r"\u{110000}",
            "(?",
            "(?<n",
            "(?<n>a)(?<n>b)",
        ),
        # errors in ECMA-262, or plain text there that means something to Python and its users
        *("a++", "a?+", "a{1}+", "(?P<n>x)", "(?>x)", "(?#x)", r"\Z", r"\A", r"\a", r"\N{DASH}", "a{,3}", "(?(1)a|b)"),
        *(r"\u004", r"\x4", r"\c", r"\c1", r"\00", r"\08", "[[a]]", "]", "(?i)x", "^*", "(?=x)*", r"\b+"),
        # beyond Python
        *(
            r"\p{Lx}",
            r"\p{Script=Greekish}",
            r"\p{sc=LATN}",
            r"\p{Greek}",
            r"\p{is=Alpha}",
            r"\pL",
            r"\p{L",
            r"\p{}",
            "(?<=a+)b",
            "(?<=a|bc)d",
            "(?i:x)",
        ),
        *(r"(x)|\1", r"(x)?\1", r"(?:(x))\1", r"\1(x)", r"(x\1)", r"(x)(?<=\1)", r"\k<n>(?<n>x)", r"(x)\2", r"(x)\10"),
        # with the flag `u` and without
        *(r"[\w-.]\p{L}", r"[\p{L}-.]", r"\-\u{41}"),
    ],
)
def test_g2_patterns_without_an_exact_counterpart_are_refused(pattern: str) -> None:
    assert translating.translate(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "categories"),
    [(r"\p{L}", "L"), (r"\p{N}", "N"), (r"\p{Nd}", "Nd"), (r"\p{Cc}", "Cc"), (r"\p{Cs}", "Cs"), (r"\p{Zs}", "Zs")],
)
def test_g2_categories_are_those_of_unicode(pattern: str, categories: str) -> None:
    inside, outside = (translating.translate(each) for each in (pattern, pattern.replace("p", "P")))
    assert inside is not None
    assert outside is not None
    every = [chr(code) for code in range(sys.maxunicode + 1)]
    every = [char for char in every if unicodedata.category(char) != "Cn"]  # later Pythons know more characters
    expected = {char for char in every if unicodedata.category(char).startswith(categories)}
    text = "".join(every)
    assert set(re.findall(inside, text)) == expected
    assert set(re.findall(outside, text)) == set(every) - expected


@given(st.text(alphabet=st.sampled_from(r"ab1-^$.*+?{},()[]|\/:=!<>kdwsbBpPLuxc0" + "\u00e9\n")))
def test_g3_whatever_is_written_is_translated_to_a_pattern_or_refused(pattern: str) -> None:
    translated = translating.translate(pattern)
    if translated is not None:
        re.compile(translated)


def test_what_is_translated_is_plain_text() -> None:
    assert translating.translate("[\u0430-\u044f]\u2028\x00") == r"[\u0430-\u044f]\u2028\x00"


@pytest.mark.parametrize("pattern", ["(" * 10_000, "(?:" * 10_000 + ")" * 10_000, "[" + "a" * 100_000 + "]"])
def test_g3_hostile_patterns_are_soon_translated_or_refused(pattern: str) -> None:
    translated = translating.translate(pattern)
    assert translated is None or re.search(translated, "a")


PROPERTIES = [
    ("Lu", "AÉΩ\U0001d400", "aß1ǅ"),
    ("Uppercase_Letter", "A", "a"),
    ("gc=Ps", "([{", ")a"),
    ("Script=Greek", "\u03b1Ω\u1f00", "a\u0301"),
    ("sc=Grek", "\u03b1", "a"),
    ("scx=Greek", "\u03b1\u0342", "a"),
    ("Script_Extensions=Hanunoo", "\u1720\u1735", "a"),
    ("Script=Old_Italic", "\U00010300", "a"),
    ("Emoji_Presentation", "😀", "1a"),
    ("Alphabetic", "aé日", "1 "),
    ("XID_Start", "aé", "1-"),
    ("Cn", "\u0378", "a"),
]


@pytest.mark.parametrize(("words", "inside", "outside"), PROPERTIES)
def test_properties_of_characters_mean_what_unicode_says(words: str, inside: str, outside: str) -> None:
    for pattern, yes, no in ((rf"^\p{{{words}}}$", inside, outside), (rf"^[^\P{{{words}}}\n]$", inside, outside)):
        found = translating.translate(pattern)
        assert found is not None
        assert all(re.search(found, char) for char in yes)
        assert not any(re.search(found, char) for char in no)
        assert translated_back(found) is not None


@pytest.mark.parametrize("category", ["Lu", "Ll", "Lt", "Lm", "Mn", "Mc", "Pd", "Po", "Sm", "Sc", "So", "Cf", "Nl"])
def test_categories_are_those_of_python_for_the_characters_that_it_knows(category: str) -> None:
    """A later version of Unicode may change few characters, which `unicodedata` has as they were."""
    found = re.compile(translating.translate(rf"\p{{{category}}}") or "")
    known = [char for char in map(chr, range(0x3000)) if unicodedata.category(char) != "Cn"]
    other = [char for char in known if bool(found.fullmatch(char)) != (unicodedata.category(char) == category)]
    assert len(other) <= 2, other


SLOW = [
    r"^(a+)+$",
    r"^(a|a)*$",
    r"^(\w+\s?)*$",
    "^(.*,)*$",
    "^(a*)*$",
    r"^(a|[a-z]|b)+!$",
    r"(x|\w\d?)*y",
    "^(?:a?b?)*$",
    "(ab|a|b)*c",
]
QUICK = [
    *(
        "^[a-z]+(-[a-z]+)*$",
        r"^\d+(\.\d+)*$",
        "^(ab)*$",
        "^a+b+$",
        r"^(?:[a-z]{1,3}\.)+[a-z]+$",
        r"^\S+@\S+$",
        "^(a|b)*$",
    ),
    *(r"^(?=.*\d)(?=.*[a-z]).{8,}$", "^([0-9a-f]{2}:)*[0-9a-f]{2}$", "a" * 100, "^$", r"^(?:(x)y\1)+$"),
]


@pytest.mark.parametrize(("pattern", "is_slow"), [*((each, True) for each in SLOW), *((each, False) for each in QUICK)])
def test_patterns_that_backtrack_without_end_are_found(pattern: str, is_slow: bool) -> None:
    assert backtracking.backtracks(translating.translate(pattern) or "") is is_slow
