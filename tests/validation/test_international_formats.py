"""Formats of international texts, of templates and of regular expressions."""

from collections.abc import Sequence
from typing import Final

import pytest
from hypothesis import given

from miniagents.validation.formats import FORMATS
from tests.hostile import texts

CASES: Final[dict[str, tuple[Sequence[str], Sequence[str]]]] = {
    "hostname": (
        [
            "www.example.com",
            "xn--4gbwdl.xn--wgbh1c",
            "a",
            "1host",
            "xn--zca29lwxobi7a",
            "xn--qmbc",
            "XN--4GBWDL.com",
            "xn--fa-hia",
            "a-b.c",
        ],
        [
            "-a.b",
            "a_b",
            ".",
            "",
            "a.",
            "XN--aa---o47jg78q",
            "xn--X",
            "xn--hello-txk",
            "xn--hello-zed",
            "xn--hello-6bf",
            "xn--chb89f",
            "xn--07jceefgh4c",
            "xn--al-0ea",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "example.",
            "xn--a",
            "host:8",
        ],
    ),
    "idn-hostname": (
        [
            "\uc2e4\ub840.\ud14c\uc2a4\ud2b8",
            "a.b",
            "\u4f8b\u3048.jp",
            "\xdf\u03c2\u0f4b\u3007",
            "\u06fd\u06fe",
            "l\xb7l",
            "\u03b1\u0375\u03b2",
            "\u05d0\u05f3\u05d1",
            "\u05d0\u05f4\u05d1",
            "\u30fb\u3041",
            "\u30fb\u4e08",
            "\u0628\u064a\u200c\u0628\u064a",
            "\u0915\u094d\u200d\u0937",
            "\u0915\u094d\u200c\u0937",
            "\u0628\u06f0",
            "a\uff0eb",
            "m\xfcnchen.de",
            "xn--4gbwdl",
            "\u0628\u0660\u0628",
        ],
        [
            "\u302e\uc2e4\ub840.\ud14c\uc2a4\ud2b8",
            "\uc2e4\u302e\ub840.\ud14c\uc2a4\ud2b8",
            "-> $1.00 --",
            "xn--X",
            "XN--aa---o47jg78q",
            "-hello",
            "hello-",
            "\u0903hello",
            "\u0300hello",
            "\u0640\u07fa",
            "\u3031\u3032",
            "a\xb7l",
            "\xb7l",
            "\u03b1\u0375",
            "\u03b1\u0375S",
            "\u05f3\u05d1",
            "A\u05f3\u05d1",
            "def\u30fbabc",
            "\u30fb",
            "ab\u0660\u06f0",
            "\u0915\u200d\u0937",
            "\u200d\u0937",
            "",
            "\xc1.de",
            "a..b",
            "\u0628\u0660\u06f0",
            "\u0661\u0628",
        ],
    ),
    "idn-email": (
        ["\uc2e4\ub840@\uc2e4\ub840.\ud14c\uc2a4\ud2b8", "joe@example.com", "\xe9@b.de"],
        ["2962", "a@", "\xe9@-b"],
    ),
    "iri": (
        [
            "http://\u0192\xf8\xf8.\xdf\xe5r/?\u2202\xe9\u0153=\u03c0\xeex#\u03c0\xee\xfcx",
            "http://[2001:0db8:85a3::7334]",
            "mailto:a@\xe9",
        ],
        [
            "/abc",
            "\\\\WINDOWS\\fil\xeb\xdf\xe5r\xe9",
            "\xe2\u03c0\u03c0",
            "http://2001:0db8:85a3:0000:0000:8a2e:0370:7334]",
            "a b:c",
        ],
    ),
    "iri-reference": (
        ["/\xe2\u03c0\u03c0", "\xe2\u03c0\u03c0", "#\u0192r\xe4gm\xeant", "//\u0192\xf8\xf8.\xdf\xe5r"],
        ["\\\\WINDOWS\\fil\xeb\xdf\xe5r\xe9", "#\u0192r\xe4g\\m\xeant"],
    ),
    "uri-template": (
        [
            "http://example.com/dictionary/{term:1}/{term}",
            "http://e.com",
            "dictionary/{term:1}",
            "{+a,b*}",
            "{a.b}",
            "{%20a}",
            "\xe9{x}",
        ],
        ["http://e.com/{term:1}/{term", "{a:0}", "{a:10000}", "{}", "a b", "{a..b}", "{.}", "}", "{\xe9}", "{a%}"],
    ),
    "regex": (
        [
            "([abc])+\\s+$",
            "^(?<n>a)\\k<n>$",
            "[^]",
            "(?=a)b",
            "\\p{L}",
            "\\u{1F600}",
            "a{2,3}?",
            "[a-z\\-]",
            "(?:a)*",
            "\\/",
            "[\\d-]",
            "(?<!a)b",
            "a|b|",
            "^$",
            "",
        ],
        [
            "^(abc]",
            "\\a",
            "^\\S(|(.|\\n)*\\S)\\Z",
            "a**",
            "(?=a)*",
            "[z-a]",
            "\\1",
            "(?<a>x)(?<a>y)",
            "a{3,2}",
            "{",
            "}",
            "]",
            "[\\d-z]",
            "(?i:a",
            "\\c",
            "\\u{110000}",
            "x{1}{2}",
            "(?P<n>x)",
            "\\k<n>",
            "[a",
        ],
    ),
    "uri": (
        ["http://a.b/c?d#e", "urn:x:y"],
        ["http://\xe9.b", "a"],
    ),
    "email": (
        ["joe@x.y", '"a b"@x.y', "a@[127.0.0.1]", "a@[IPv6:::1]"],
        ["\xe9@x.y", "a@b_c"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_format_accepts_what_its_standard_allows(name: str) -> None:
    valid, invalid = CASES[name]
    assert [text for text in valid if not FORMATS[name](text)] == []
    assert [text for text in invalid if FORMATS[name](text)] == []


@given(texts())
def test_every_format_has_an_answer_for_every_text(text: str) -> None:
    for is_valid in FORMATS.values():
        assert is_valid(text) in {True, False}


@given(texts())
def test_what_is_valid_in_ascii_is_valid_internationally(text: str) -> None:
    pairs = [("hostname", "idn-hostname"), ("email", "idn-email"), ("uri", "iri"), ("uri-reference", "iri-reference")]
    assert all(FORMATS[wide](text) for narrow, wide in pairs if FORMATS[narrow](text))
