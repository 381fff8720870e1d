"""What a server of chat completions says beyond the protocol goes back to it, and to no other server.

Servers add properties of their own to messages and calls: reasoning under several names, signatures of thoughts,
content in parts. Many refuse the next request if they do not get them back, and most refuse those of others.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from miniagents.ext.llm.openai.chat_reading import REASONING_AS
from miniagents.ext.llm.openai.think_tags import CLOSING
from miniagents.ext.llm.providers import AS_IT_CAME, is_object, object_in, objects_in, plain_object, text_in
from miniagents.messages import OpenAIMessage

if TYPE_CHECKING:
    from miniagents.ext.llm.providers import JsonObject, ModelRequest
    from miniagents.messages import AssistantMessage

__all__ = ["fields_for_server", "with_server_fields"]


def fields_for_server(said: AssistantMessage, content: tuple[JsonObject, ...], server: str | None) -> JsonObject:
    """Return what a message keeps for the server that sent it; an empty object if there is nothing.

    Args:
        said: The message.
        content: The properties that only the server understands: those of the message, then those of each call.
        server: What names the server; without it, nothing can go back.
    """
    if not content or server is None:
        return {}
    message, *of_calls = content
    reasoning_as = text_in(message, REASONING_AS)
    of_message = {name: value for name, value in message.items() if name != REASONING_AS}
    if all(part.get("type") == "text" for part in objects_in(message, "content")):
        of_message.pop("content", None)  # the text of the message has all of it
    calls = {call.id: kept for call, kept in zip(said.tool_calls, of_calls, strict=False) if kept}
    fields = {REASONING_AS: reasoning_as, "message": of_message, "calls": calls}
    kept = {name: value for name, value in fields.items() if value}
    return {"server": server, **kept} if kept else {}


def with_server_fields(written: dict[str, object], message: AssistantMessage, request: ModelRequest) -> JsonObject:
    """Return a message of the assistant with what its server gets back.

    Args:
        written: The message as the protocol writes it.
        message: The message.
        request: The request that it goes into: which server gets it, and under which name the reasoning.
    """
    if not isinstance(message, OpenAIMessage):
        return written
    kept = message.server_fields or _NOTHING
    if kept.get("server") != request.server:
        kept = _NOTHING
    of_message = plain_object(object_in(kept, "message"))
    name = request.send_reasoning_as
    if name != AS_IT_CAME:
        own = {field: value for field, value in of_message.items() if not field.startswith(_OF_REASONING)}
        of_message = {field: value for field, value in own.items() if field != "content"}
    elif "reasoning_details" in of_message:
        name = None  # the details have the reasoning as well, with its signatures
    else:
        name = text_in(kept, REASONING_AS)
    parts = of_message.pop("content", None)
    if parts is not None and not message.refusal and _says(of_parts=parts) == (message.text or ""):
        written["content"] = parts  # otherwise a program has changed the text
    if name is not None and name in CLOSING and message.reasoning:
        thought = "".join(reasoning.text for reasoning in message.reasoning)
        written["content"] = f"{name}\n{thought}\n{CLOSING[name]}\n\n{written.get('content', '')}"
    elif name is not None and message.reasoning:
        written[name] = "".join(reasoning.text for reasoning in message.reasoning)
    of_calls = object_in(kept, "calls")
    calls = objects_in(written, "tool_calls")
    if of_calls and calls:
        written["tool_calls"] = [
            _with_fields(call, plain_object(object_in(of_calls, own.id)))
            for call, own in zip(calls, message.tool_calls, strict=True)
        ]
    return {**of_message, **written}


# --- machinery ---

_NOTHING: Final[JsonObject] = MappingProxyType[str, object]({})

_OF_REASONING: Final = ("reasoning", "thinking")
"""How the names of properties begin that hold reasoning; `send_reasoning_as` decides over them."""


def _says(*, of_parts: object) -> str:
    parts = objects_in({"content": of_parts}, "content")
    return "".join(text_in(part, "text") or "" for part in parts if part.get("type") == "text")


def _with_fields(call: JsonObject, kept: dict[str, object]) -> JsonObject:
    function = kept.pop("function", None)
    if is_object(function):
        call = {**call, "function": {**function, **object_in(call, "function")}}
    return {**kept, **call}
