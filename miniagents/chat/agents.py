"""Whom a chat is with: an agent in somebody's module, or a language model by its name."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from miniagents.chat.chat_errors import ChatError, one_line
from miniagents.chat.history import read_conversation
from miniagents.chat.scripted import echoing_agent, replaying_agent
from miniagents.ext.llm.errors import MissingKeyError, ModelSetupError
from miniagents.ext.llm.vendors import Vendor, vendor_called, vendor_names
from miniagents.messages import DecodeError, Message, UserMessage, decode
from miniagents.miniagents import MiniAgent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from typing_extensions import TypeIs

    from miniagents.chat.chat_arguments import Arguments
    from miniagents.messages import MessageSequencePromise

__all__ = ["Partner", "find_partner"]

AnyAgent: TypeAlias = MiniAgent[Any, Any, ...]  # Any: of whatever messages


@dataclass(frozen=True, slots=True)
class Partner:
    """Whom a chat is with.

    Attributes:
        agent: The agent, which needs no further arguments.
        send: Whether it is sent all of the conversation, or the last message alone.
    """

    agent: AnyAgent
    send: Literal["conversation", "last"] = "conversation"

    @property
    def name(self) -> str:
        """What the agent is called."""
        return self.agent.alias

    @property
    def question_classes(self) -> tuple[type[Message], ...]:
        """The classes of what the user says to the agent."""
        takes = self._takes()
        return (UserMessage,) if issubclass(UserMessage, takes) else takes

    def question(self, text: str) -> Message:
        """Return what the user said, as a message that the agent takes.

        An agent that takes no messages of users is given one of the class that it declares; where that cannot be made
        of a text, the text is read as the JSON of it.

        Raises:
            ChatError: It is neither.
        """
        takes = self._takes()
        if issubclass(UserMessage, takes):
            return UserMessage(text)
        try:
            return takes[0](text)
        except TypeError:
            pass
        names = " or ".join(cls.__qualname__ for cls in takes)
        try:
            message: Message = decode(text, takes[0] if len(takes) == 1 else Message)
        except DecodeError as error:
            raise ChatError(f"{self.name} takes {names}, which must be written as JSON: {error}") from None
        if isinstance(message, takes):
            return message
        raise ChatError(f"{self.name} takes {names}, and this is {type(message).__qualname__}")

    def ask(self, conversation: Sequence[Message]) -> MessageSequencePromise[Message]:
        """Ask the agent: it is sent what it takes of the conversation."""
        takes = self._takes()
        sent = conversation if self.send == "conversation" else conversation[-1:]
        replies: MessageSequencePromise[Message] = self.agent.inquire(
            [each for each in sent if isinstance(each, takes)]
        )
        return replies

    def _takes(self) -> tuple[type[Message], ...]:
        takes, _ = self.agent._classes()
        return takes


def find_partner(arguments: Arguments) -> Partner:
    """Return the agent that was asked for.

    Raises:
        ChatError: There is none, or it cannot be had as it was asked for.
    """
    agent = _model(arguments) if arguments.model is not None else _agent(arguments.agent or "", arguments.options)
    return Partner(agent, arguments.send)


# --- models ---


def _model(arguments: Arguments) -> AnyAgent:
    provider, _, name = (arguments.model or "").partition(":")
    if provider == "scripted":
        if arguments.base_url is not None:
            raise ChatError("--base-url: the scripted model has no server")
        path = Path(name)
        script = replaying_agent(read_conversation(path), f"scripted:{path.name}") if name else echoing_agent
        return _bound(script, arguments.options)
    if provider not in vendor_names():
        raise ChatError(
            f"--model {arguments.model!r}: it must begin with {', '.join(f'{each}:' for each in vendor_names())} or "
            "scripted, as in openai:gpt-5; servers that speak the protocol of one of them are given by --base-url"
        )
    if not name:
        raise ChatError(f"--model {arguments.model!r}: the name of the model is missing, as in {provider}:NAME")
    vendor = vendor_called(provider)
    for option, instead in (("client", "--base-url and -o max_retries=N are options"), ("base_url", "give --base-url")):
        if option in arguments.options:
            raise ChatError(f"-o {option}: it cannot be given here; {instead}")
    options = dict(arguments.options)
    settings: dict[str, Any] = {  # Any: as the user gave them
        each: options.pop(each) for each in ("api_key", "max_retries", "default_headers") if each in options
    }
    client = _client(vendor, arguments.base_url, **settings)
    try:
        return vendor.create_agent(name, client=lambda: client, **options)
    except (TypeError, ValueError) as error:
        raise ChatError(str(error).removeprefix(f"{vendor.create_agent.__name__}: ")) from None


def _client(
    vendor: Vendor,
    base_url: str | None,
    *,
    api_key: str | None = None,
    **settings: Any,  # Any: as the user gave them
) -> Any:  # Any: of whatever SDK
    """Return the client of an SDK, made before anything is asked, so that what is missing is said at once."""
    try:
        return vendor.client(api_key=api_key, base_url=base_url, **settings)
    except MissingKeyError as error:
        if base_url is None:
            raise ChatError(
                f"there is no key for {error.provider}: set the environment variable {vendor.key_variable}"
            ) from None
        # most servers of one's own want none
        return vendor.client(api_key="none", base_url=base_url, **settings)
    except ModelSetupError as error:
        raise ChatError(str(error)) from None


# --- agents ---


def _agent(place: str, options: Mapping[str, Any]) -> AnyAgent:  # Any: as the agent takes them
    where, colon, name = place.rpartition(":")
    if not colon or where.endswith(("/", "\\")):
        where, name = place, ""
    module = _module(where)
    agents = {key: value for key, value in vars(module).items() if _is_agent(value)}
    if not name:
        if len(agents) == 1:
            return _bound(next(iter(agents.values())), options)
        raise ChatError(f"{place}: say which agent, as in {where}:NAME; {_there_are(agents)}")
    found: object = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise ChatError(f"{where} has no {name!r}; {_there_are(agents)}")
    if not _is_agent(found):
        raise ChatError(f"{place} is no agent, but {type(found).__qualname__}; {_there_are(agents)}")
    return _bound(found, options)


def _is_agent(value: object) -> TypeIs[AnyAgent]:
    return isinstance(value, MiniAgent)


def _there_are(agents: Mapping[str, object]) -> str:
    return f"its agents are: {', '.join(agents)}" if agents else "there are no agents in it: write one with @miniagent"


def _bound(agent: AnyAgent, options: Mapping[str, Any]) -> AnyAgent:  # Any: as above
    try:
        bound = agent.bound(**options)
        bound._check_complete()
    except TypeError as error:
        raise ChatError(f"{str(error).removeprefix('agent ')} (arguments are given by -o NAME=VALUE)") from None
    return bound


def _module(where: str) -> ModuleType:
    """Import a module, from the current folder too, or a file."""
    if where.endswith(".py"):
        return _file(Path(where))
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{where}.".startswith(f"{error.name}."):
            raise ChatError(_cannot(where, error)) from None
        raise ChatError(
            f"there is no module {error.name!r}, neither in {Path.cwd()} nor among the installed packages"
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever the code of the user raises
        raise ChatError(_cannot(where, error)) from None


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ChatError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ChatError(f"{path} is no module of Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # as if it had been imported by its name: its classes are looked for there
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - as above
        raise ChatError(_cannot(str(path), error)) from None
    return module


def _cannot(where: str, error: Exception) -> str:
    """That a module cannot be imported, and the line that keeps it from that."""
    frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ is not None else []
    own = [frame for frame in frames if "importlib" not in frame.filename and frame.filename != __file__]
    at = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
    return f"{where} cannot be imported: {one_line(error)}{at}"
