"""The options of agents that are language models: what all of them take, and how others are refused.

Type checkers see the options as TypedDicts; at run time their names are what is looked at, so that a wrong one is
refused where it is given, and not by an error from somewhere deep inside.
"""

from __future__ import annotations

import difflib
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GIVEN_ELSEWHERE", "LIBRARY_OPTIONS", "CommonOptions", "Limits", "NewAgentOptions", "OptionRules"]


class CommonOptions(TypedDict, total=False):
    """What all language models take.

    Attributes:
        system: What the model is told about its task before the conversation.
        stream: Whether the answer is streamed; True unless this says otherwise.
        max_turns: How often a model with tools is asked for one reply at most; 20 unless this says otherwise.
        repair_turns: How often a model may write a reply anew that is not of the `reply_type`; by default it may not.
            As long as it may, nothing of a reply can be read before it is known to be right.
        timeout: Seconds that the answer may take to begin, and each piece of it to come.
        extra_body: Properties of the request that are no options here, for servers that know more.
        extra_headers: Headers of the request.
        extra_query: Parameters of the request's URL. That is logged by the HTTP client: it is no place for a key.
    """

    system: str | None
    stream: bool
    max_turns: int
    repair_turns: int
    timeout: float | None
    extra_body: Mapping[str, object]
    extra_headers: Mapping[str, str]
    extra_query: Mapping[str, object]


class NewAgentOptions(TypedDict, total=False):
    """What the functions that make agents take besides the options of an API; `create_openai_agent` describes it.

    The functions take a `client` of the vendor's SDK as well.
    """

    api_key: str | None
    base_url: str | None
    max_retries: int | None
    default_headers: Mapping[str, str] | None
    alias: str | None
    description: str | None


LIBRARY_OPTIONS = frozenset({"system", "stream", "max_turns", "repair_turns", "send_reasoning_as"})
"""The options that are no arguments of the SDKs."""


class Limits(NamedTuple):
    """How often a model is asked for one reply; see `CommonOptions`."""

    max_turns: int = 20
    repair_turns: int = 0

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Limits:
        """Return the limits among some options.

        Raises:
            ValueError: One is no number, or too small.
        """
        limits = {name: value for name, value in options.items() if name in cls._fields}
        for name, value in limits.items():
            least = 1 if name == "max_turns" else 0
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name}={value!r}: give a number of at least {least}")
        checked: Any = limits  # Any: whole numbers, as was just seen
        return cls(**checked)


GIVEN_ELSEWHERE: Final = {
    "messages": "they are what the agent is asked: agent.inquire(messages)",
    "n": "ask the agent as often as you want answers; calls run in parallel",
    "tools": "give them where the agent is made",
}
"""What to do instead of options that no API takes here."""


class OptionRules(NamedTuple):
    """Which options an API takes.

    Attributes:
        api: The name of the API.
        known: The TypedDict of its options.
        withdrawn: What to do instead of options that it took once, or that belong elsewhere.
    """

    api: str
    known: type
    withdrawn: Mapping[str, str]

    def check(self, where: str, given: Mapping[str, object]) -> None:
        """Refuse options that the API does not take, and those of the library with a value that would be ignored.

        Args:
            where: Who is told, such as "create_openai_agent".
            given: The options.

        Raises:
            TypeError: An option is none of them, and the text says which there are; or its value is of the wrong type.
        """
        names: frozenset[str] = getattr(self.known, "__optional_keys__", frozenset())
        for name, value in given.items():
            if name in names:
                if name in _TYPES and not isinstance(value, _TYPES[name]):
                    raise TypeError(f"{where}: {name}={value!r:.200}: give {_TYPES_IN_WORDS[name]}")
                continue
            if name in self.withdrawn:
                raise TypeError(f"{where}: {self.api} takes no {name!r}: {self.withdrawn[name]}")
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else "."
            raise TypeError(f"{where}: {self.api} takes no {name!r}{hint} It takes: {', '.join(sorted(names))}")


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "system": (str, NoneType),
    "stream": (bool,),
    "send_reasoning_as": (str, NoneType),
}
_TYPES_IN_WORDS: Final = {
    "system": "a text",
    "stream": "True or False",
    "send_reasoning_as": 'the name of a property, such as "reasoning_content"',
}
