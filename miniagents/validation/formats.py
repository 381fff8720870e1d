"""The checks of `format`, for schemas that ask for them.

A schema asks with "x-miniagents-format": "checked", or with "typed" if the text is also decoded to a Python value.

Each check follows the standard that JSON Schema names for the format.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, timedelta
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any, Final

from miniagents.validation.international_names import is_host, is_international_host
from miniagents.validation.keywords import FORMAT_CHOICE
from miniagents.validation.regex_syntax import is_regex

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME: Final = re.compile(
    r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_DURATION: Final = re.compile(
    r"P(?:[0-9]+W|(?=[0-9T])(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)?"
    r"(?:T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S))?)"
)
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_QUOTED: Final = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_MAILBOX: Final = re.compile(rf"(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@(?:(\[.+\])|(.+))")
_ANY_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
_ANY_QUOTED: Final = r'"(?:[ !#-\[\]-~\x80-\U0010ffff]|\\[ -~\x80-\U0010ffff])*"'
_ANY_MAILBOX: Final = re.compile(rf"(?:{_ANY_ATOM}(?:\.{_ANY_ATOM})*|{_ANY_QUOTED})@(?:(\[.+\])|(.+))")
_PLANES: Final = "".join(f"{chr(plane << 16)}-{chr((plane << 16) + 0xFFFD)}" for plane in range(1, 15))
_ANY_CHARS: Final = f"\xa0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef{_PLANES}"
"""The characters that an IRI has beyond those of a URI (RFC 3987)."""


def _uri(more: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the expressions for URIs and for relative references, with more characters than those of ASCII."""
    char = rf"[A-Za-z0-9._~!$&'()*+,;=:@{more}-]|%[0-9A-Fa-f]{{2}}"
    user = rf"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:{more}-]|%[0-9A-Fa-f]{{2}})*@)?"
    host = rf"(?:\[(?P<literal>[^\]]*)\]|(?:[A-Za-z0-9._~!$&'()*+,;={more}-]|%[0-9A-Fa-f]{{2}})*)(?::[0-9]*)?"
    private = "\ue000-\uf8ff\U000f0000-\U0010fffd" if more else ""
    query = rf"(?:\?(?:{char}|[/?{private}])*)?"
    path = rf"(?:{char}|/)*"
    rest = rf"{query}(?:\#(?:{char}|[/?])*)?"
    start = rf"//{user}{host}(?:/{path})?"
    return (
        re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:(?:{start}|(?!//){path}){rest}"),
        re.compile(rf"(?:{start}|(?!//)(?![^/?\#]*:){path}){rest}"),
    )


_URI, _RELATIVE = _uri("")
_IRI, _RELATIVE_IRI = _uri(_ANY_CHARS)
_VARIABLE: Final = r"(?:\w|%[0-9A-Fa-f]{2})(?:\.?(?:\w|%[0-9A-Fa-f]{2}))*(?::[1-9][0-9]{0,3}|\*)?"
_TEMPLATE: Final = re.compile(
    rf"(?:[!#$&-;=?-\[\]_a-z~{_ANY_CHARS}\ue000-\uf8ff\U000f0000-\U0010fffd]|%[0-9A-Fa-f]{{2}}"
    rf"|\{{[+#./;?&=,!@|]?(?a:{_VARIABLE}(?:,{_VARIABLE})*)\}})*"
)
_FUTURE_ADDRESS: Final = re.compile(r"[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+")
_POINTER: Final = r"(?:/(?:[^~/]|~[01])*)*"
_JSON_POINTER: Final = re.compile(_POINTER)
_RELATIVE_POINTER: Final = re.compile(rf"(?:0|[1-9][0-9]*)(?:\#|{_POINTER})")


def is_checked(schema: dict[str, Any]) -> bool:  # Any: a schema
    """Return whether the `format` of a schema must be checked, rather than being a note."""
    return "format" in schema and schema.get(FORMAT_CHOICE) in ("checked", "typed")


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date(int(text[:4]) or 2000, int(text[5:7]), int(text[8:]))  # Python has no year 0; like 2000 it is a leap year
    except ValueError:
        return False
    return True


def _is_time(text: str) -> bool:
    match = _TIME.fullmatch(text)
    if match is None:
        return False
    hour, minute, second, sign, hours, minutes = match.groups()
    if second != "60":
        return True
    away = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "+" else 1)
    there = timedelta(hours=int(hour), minutes=int(minute)) + away
    return there % timedelta(days=1) == timedelta(hours=23, minutes=59)  # leap seconds come at the end of a day in UTC


def _is_date_time(text: str) -> bool:
    return text[10:11] in ("T", "t") and _is_date(text[:10]) and _is_time(text[11:])


def _is_ipv4(text: str) -> bool:
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return text.isascii()


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return "%" not in text and text.isascii()


def _is_email(text: str) -> bool:
    return _is_mailbox(_MAILBOX.fullmatch(text), is_host)


def _is_international_email(text: str) -> bool:
    return _is_mailbox(_ANY_MAILBOX.fullmatch(text), is_international_host)


def _is_mailbox(match: re.Match[str] | None, is_good: Callable[[str], bool]) -> bool:
    if match is None:
        return False
    literal, host = match.groups()
    if host is not None:
        return is_good(host)
    address: str = literal[1:-1]
    return _is_ipv6(address[5:]) if address[:5].lower() == "ipv6:" else _is_ipv4(address)


def _is_uri(text: str) -> bool:
    return _has_good_host(_URI.fullmatch(text))


def _is_uri_reference(text: str) -> bool:
    return _is_uri(text) or _has_good_host(_RELATIVE.fullmatch(text))


def _is_iri(text: str) -> bool:
    return _has_good_host(_IRI.fullmatch(text))


def _is_iri_reference(text: str) -> bool:
    return _is_iri(text) or _has_good_host(_RELATIVE_IRI.fullmatch(text))


def _has_good_host(match: re.Match[str] | None) -> bool:
    if match is None:
        return False
    literals = [literal for literal in match.groups() if literal is not None]
    return all(_is_ipv6(literal) or _FUTURE_ADDRESS.fullmatch(literal) for literal in literals)


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _is_byte(text: str) -> bool:
    try:
        return b64encode(b64decode(text, validate=True)).decode() == text
    except ValueError:
        return False


FORMATS: Final[dict[str, Callable[[str], bool]]] = {
    "date": _is_date,
    "time": _is_time,
    "date-time": _is_date_time,
    "duration": _matches(_DURATION),
    "uuid": _matches(_UUID),
    "byte": _is_byte,
    "ipv4": _is_ipv4,
    "ipv6": _is_ipv6,
    "email": _is_email,
    "idn-email": _is_international_email,
    "hostname": is_host,
    "idn-hostname": is_international_host,
    "uri": _is_uri,
    "uri-reference": _is_uri_reference,
    "iri": _is_iri,
    "iri-reference": _is_iri_reference,
    "uri-template": _matches(_TEMPLATE),
    "regex": is_regex,
    "json-pointer": _matches(_JSON_POINTER),
    "relative-json-pointer": _matches(_RELATIVE_POINTER),
}
"""The formats that can be checked, each with a function that returns whether a string has it."""
