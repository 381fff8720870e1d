"""The options of agents that are language models: what all of them take, and how others are refused.

Type checkers see the options as TypedDicts; at run time their names are what is looked at, so that a wrong one is
refused where it is given, and not by an error from somewhere deep inside.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LIBRARY_OPTIONS", "CommonOptions", "Limits", "check_options"]


class CommonOptions(TypedDict, total=False):
    """What all language models take.

    Attributes:
        system: what the model is told about its task before the conversation.
        stream: whether the answer is streamed; True unless this says otherwise.
        max_turns: how often a model with tools is asked for one reply at most; 20 unless this says otherwise.
        repair_turns: how often a model may write a reply anew that is not of the `reply_type`; by default it may not.
            As long as it may, nothing of a reply can be read before it is known to be right.
        timeout: seconds that the answer may take to begin, and each piece of it to come.
        extra_body: properties of the request that are no options here, for servers that know more.
        extra_headers: headers of the request.
        extra_query: parameters of the request's URL.
    """

    system: str | None
    stream: bool
    max_turns: int
    repair_turns: int
    timeout: float | None
    extra_body: Mapping[str, object]
    extra_headers: Mapping[str, str]
    extra_query: Mapping[str, object]


LIBRARY_OPTIONS = frozenset({"system", "stream", "max_turns", "repair_turns"})
"""The options that are no arguments of the SDKs."""


class Limits(NamedTuple):
    """How often a model is asked for one reply; see `CommonOptions`."""

    max_turns: int = 20
    repair_turns: int = 0

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Limits:
        """The limits among some options.

        Raises:
            ValueError: one is no number, or too small.
        """
        limits = {name: value for name, value in options.items() if name in cls._fields}
        for name, value in limits.items():
            least = 1 if name == "max_turns" else 0
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name}={value!r}: give a number of at least {least}")
        checked: Any = limits  # Any: whole numbers, as was just seen
        return cls(**checked)


def check_options(where: str, api: str, given: Mapping[str, object], known: type, withdrawn: Mapping[str, str]) -> None:
    """Refuses options that an API does not take.

    Args:
        where: who is told, such as "create_openai_agent".
        api: the name of the API.
        given: the options.
        known: the TypedDict of those that it takes.
        withdrawn: what to do instead of options that it took once, or that belong elsewhere.

    Raises:
        TypeError: an option is none of them; the text says which there are.
    """
    names: frozenset[str] = getattr(known, "__optional_keys__", frozenset())
    for name in given:
        if name in names:
            continue
        if name in withdrawn:
            raise TypeError(f"{where}: {api} takes no {name!r}: {withdrawn[name]}")
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else "."
        raise TypeError(f"{where}: {api} takes no {name!r}{hint} It takes: {', '.join(sorted(names))}")
