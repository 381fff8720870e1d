"""The options that agents of all vendors take, and the check of all options.

Type checkers see the options as TypedDicts. At run time their names are checked as well, so that a wrong option is
refused where it is given, and not deep inside the SDK.
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from typing_extensions import TypedDict

from miniagents.calls.rates import RateLimit
from miniagents.messages import CachePoint
from miniagents.promising.core.arguments import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "GIVEN_ELSEWHERE",
    "LIBRARY_OPTIONS",
    "CommonOptions",
    "LibraryOptions",
    "Limits",
    "NewAgentOptions",
    "NoSuchOption",
    "OptionRules",
]


class NoSuchOption(Enum):
    """The type of options that do not exist; it has no values.

    If all overloads of a function refuse the name of an argument, pyright says only that none of them fits. With
    overloads that take every name, but no value for the wrong ones, it says which name is wrong.
    """


class LibraryOptions(TypedDict, total=False):
    """The options that need nothing of a provider.

    Attributes:
        system: An instruction that stands before the conversation.
        stream: Whether the answer is streamed; by default it is.
        max_turns: How often a model with tools may be asked for one reply; by default 20 times.
        max_calls: How many tool calls of one answer are carried out, at least 1; by default 100. The model is told
            that the others were not.
        repair_turns: How often a model may correct a reply that is not of the `reply_type`; by default never. While it
            still may, no token of a reply can be read before the whole reply was checked.
        deps: What the model's tools get in their `ToolContext`, such as the user or a connection. The model does not
            see it, and records of calls have only its class.
        show_inner_calls: Whether the `events` of the results of tools also have those of the models and tools that are
            called inside, as `InnerEvent`; by default they have not.
        rate_limit: What the model's requests count for, and wait for; see `with_rate_limit`.
    """

    system: str | None
    stream: bool
    max_turns: int
    max_calls: int
    repair_turns: int
    deps: object
    show_inner_calls: bool
    rate_limit: RateLimit | None


class CommonOptions(LibraryOptions, total=False):
    """The options that all language models take, of providers whose requests an SDK makes.

    Attributes:
        timeout: Seconds that the answer may take to begin, and that each further piece may take.
        extra_body: Properties of the request that are not options here, for servers that take more.
        extra_headers: Headers of the request.
        extra_query: Parameters of the request's URL. The HTTP client logs the URL, so never put a key here.
    """

    timeout: float | None
    extra_body: Mapping[str, object]
    extra_headers: Mapping[str, str]
    extra_query: Mapping[str, object]


class NewAgentOptions(TypedDict, total=False):
    """The arguments of functions that make agents, besides the options of an API; `create_openai_agent` describes them.

    The functions also take a `client` of the provider's SDK.
    """

    api_key: str | None
    base_url: str | None
    max_retries: int | None
    default_headers: Mapping[str, str] | None
    alias: str | None
    description: str | None


LIBRARY_OPTIONS = frozenset(
    (
        "system",
        "stream",
        "max_turns",
        "max_calls",
        "repair_turns",
        "deps",
        "show_inner_calls",
        "rate_limit",
        "send_reasoning_as",
        "think_tags",
        "cache_system",
        "cache_tools",
    )
)
"""The options that the library uses itself; they are not passed to the SDKs."""


class Limits(NamedTuple):
    """The limits of what a model may do for one reply; see `CommonOptions`."""

    max_turns: int = 20
    max_calls: int = 100
    repair_turns: int = 0

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Limits:
        """Read the limits from options.

        Raises:
            ValueError: A limit is not a whole number, or too small.
        """
        limits = {name: value for name, value in options.items() if name in cls._fields}
        for name, value in limits.items():
            least = 0 if name == "repair_turns" else 1
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name}={value!r}: give a number of at least {least}")
        checked: Any = limits  # Any: whole numbers, which was just checked
        return cls(**checked)


GIVEN_ELSEWHERE: Final = {
    "messages": "ask the agent with them: agent.inquire(messages)",
    "n": "ask the agent as often as you want answers; calls run in parallel",
    "tools": "give them where the agent is made",
}
"""Options that no API takes here, and what to do instead."""


class OptionRules(NamedTuple):
    """The options that an API takes.

    Attributes:
        api: The name of the API, for errors.
        known: The TypedDict of its options.
        withdrawn: Options that it does not take any more, or that have other names in it, and what to do instead.
    """

    api: str
    known: type = LibraryOptions
    withdrawn: Mapping[str, str] = MappingProxyType({})

    def check(self, where: str, given: Mapping[str, object]) -> None:
        """Check that the API takes all options, and that the library's own options have values of the right types.

        Args:
            where: The function that the user called, such as "create_openai_agent", for errors.
            given: The options.

        Raises:
            TypeError: The API does not take an option (the text says which it takes), or a value has the wrong type.
        """
        names: frozenset[str] = getattr(self.known, "__optional_keys__", frozenset())
        for name, value in given.items():
            if name in names:
                if name in _TYPES and not isinstance(value, _TYPES[name]):
                    raise TypeError(f"{where}: {name}={value!r:.200}: give {_TYPES_IN_WORDS[name]}")
                continue
            instead = self.withdrawn.get(name) or GIVEN_ELSEWHERE.get(name)
            if instead:
                raise TypeError(f"{where}: {self.api} takes no {name!r}: {instead}")
            hint = did_you_mean(name, names) or "."
            raise TypeError(f"{where}: {self.api} takes no {name!r}{hint} It takes: {', '.join(sorted(names))}")


_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "system": (str, NoneType),
    "stream": (bool,),
    "show_inner_calls": (bool,),
    "think_tags": (bool,),
    "cache_system": (CachePoint, NoneType),
    "cache_tools": (CachePoint, NoneType),
    "send_reasoning_as": (str, NoneType),
    "rate_limit": (RateLimit, NoneType),
}
_TYPES_IN_WORDS: Final = {
    "system": "a text",
    "stream": "True or False",
    "show_inner_calls": "True or False",
    "think_tags": "True or False",
    "cache_system": "a CachePoint",
    "cache_tools": "a CachePoint",
    "send_reasoning_as": 'the name of a property, such as "reasoning_content"',
    "rate_limit": "a RateLimit",
}
