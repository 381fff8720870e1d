"""Unions that msgspec makes a crashing decoder for are read all the same: none is made."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import pytest
from msgspec import Meta

from miniagents import DecodeError
from miniagents.messages import SchemaCodec
from miniagents.messages.coding.codec_hazards import breaks_msgspec
from tests.watchdog import PATIENCE

Name: TypeAlias = Annotated[str, Meta(min_length=1)]
Code: TypeAlias = Annotated[str, Meta(pattern="^a")]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Pair: TypeAlias = tuple[int, str]
Many: TypeAlias = tuple[int, ...]
Table: TypeAlias = Mapping[str, int]


@pytest.mark.parametrize(
    "form",
    [Name | Pair, Count | Pair, Code | Many, Code | Table, tuple[Name | Pair, ...], Mapping[str, Pair | Name | None]],
)
def test_such_unions_are_known(form: object) -> None:
    assert breaks_msgspec(form)


@pytest.mark.parametrize(
    "form",
    [Name, Pair, Name | Many, Name | Table, Count | Many, str | Pair, Code | None, tuple[Name, Pair], int | Code],
)
def test_others_are_not(form: object) -> None:
    assert not breaks_msgspec(form)


def test_users_may_put_harmless_types_together() -> None:
    codec = SchemaCodec(
        {
            "Name": '{"type": "string", "minLength": 1}',
            "Pair": '{"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": false, '
            '"minItems": 2}',
        },
        {"Name": Name, "Pair": Pair},
        sound=["Name", "Pair"],
    )
    form: Any = Name | Pair  # Any: no class, as checkers see it
    for _ in range(3):
        assert codec.decode('"ab"', form) == "ab"
        assert codec.decode('[1, "b"]', form) == (1, "b")
        for bad in ('""', "[1]", '["b", 1]', "1", "[]"):
            with pytest.raises(DecodeError):
                codec.decode(bad, form)


def test_msgspec_still_needs_it() -> None:
    """When this fails, msgspec is fixed and the guard can go."""
    program = (
        "import msgspec, resource\n"
        "from typing import Annotated\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)); resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        "decode = msgspec.json.Decoder(Annotated[str, msgspec.Meta(min_length=1)] | tuple[int, str]).decode\n"
        "for data in ['\"abc\"', '[1, \"a\"]'] * 20:\n"
        "    assert decode(data) in ('abc', (1, 'a'))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=PATIENCE)
    assert run.returncode != 0
