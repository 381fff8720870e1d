"""The checks of `format`, for schemas that ask for them.

A schema asks with "x-miniagents-format": "checked", or with "typed" if the text is also decoded to a Python value.

Each check follows the standard that JSON Schema names for the format, in ASCII only. International forms are unknown.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, timedelta
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Any, Final

from miniagents.validation.keywords import FORMAT_CHOICE

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME: Final = re.compile(
    r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_DURATION: Final = re.compile(
    r"P(?:[0-9]+W|(?=[0-9T])(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)?"
    r"(?:T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S))?)"
)
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_QUOTED: Final = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_MAILBOX: Final = re.compile(rf"(?:{_ATOM}(?:\.{_ATOM})*|{_QUOTED})@(?:(\[.+\])|(.+))")
_CHAR: Final = r"[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}"
_USER: Final = r"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?"
_AUTHORITY: Final = rf"{_USER}(?:\[(?P<literal>[^\]]*)\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{{2}})*)(?::[0-9]*)?"
_TAIL: Final = rf"(?:\?(?:{_CHAR}|[/?])*)?(?:\#(?:{_CHAR}|[/?])*)?"
_PATH: Final = rf"(?:{_CHAR}|/)*"
_URI: Final = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:(?://{_AUTHORITY}(?:/{_PATH})?|(?!//){_PATH}){_TAIL}")
_RELATIVE: Final = re.compile(rf"(?://{_AUTHORITY}(?:/{_PATH})?|(?!//)(?![^/?\#]*:){_PATH}){_TAIL}")
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
    match = _MAILBOX.fullmatch(text)
    if match is None:
        return False
    literal, host = match.groups()
    if host is not None:
        return _is_host(host)
    address: str = literal[1:-1]
    return _is_ipv6(address[5:]) if address[:5].lower() == "ipv6:" else _is_ipv4(address)


def _is_host(text: str) -> bool:
    return _HOSTNAME.fullmatch(text) is not None


def _is_uri(text: str) -> bool:
    return _has_good_host(_URI.fullmatch(text))


def _is_uri_reference(text: str) -> bool:
    return _is_uri(text) or _has_good_host(_RELATIVE.fullmatch(text))


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
    "hostname": _is_host,
    "uri": _is_uri,
    "uri-reference": _is_uri_reference,
    "json-pointer": _matches(_JSON_POINTER),
    "relative-json-pointer": _matches(_RELATIVE_POINTER),
}
"""The formats that can be checked, each with a function that returns whether a string has it."""
