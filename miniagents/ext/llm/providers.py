"""What a provider of language models is written on.

OpenAI and Anthropic stand on this module alone, and so does any other provider: a folder of this package, or a package
of your own. The page `providers` of the guide writes one, and `miniagents.testing.provider_contract` tests it.

- The protocol writes requests and reads answers: `ModelProtocol`, with a `Reader` for each answer. It says what it
  takes: `OptionRules` (of `LibraryOptions` and its own), `ConversationRules`, and a `StrictForm` of the schemas that
  it enforces.
- Requests: a `ModelRequest` has a `Conversation`, which is turns (`SystemTurn`, `UserTurn`, `AssistantTurn`).
  `spoken` returns the text of a message, `said_parts` parts without cache points, `source_of` the source of a picture
  or file, `valid_arguments` the arguments of a call.
- Answers are events: `str` and `ReasoningDelta` (see `raw_piece`), `ToolCallPiece`, `Usage`, `Started`,
  `ReasoningEnded`, `Noted`, `Kept`, and at last `Finished`. `message_of` makes a message of the provider's own class.
- JSON is read without trust: `text_in`, `object_in`, `objects_in`, `number_in` and others.
- Errors: `error_of_response` (of a status), `problem_in` and `error_of_body` (in an answer); a protocol may raise any
  error of `miniagents.ext.llm.errors`. What else a client raises is translated.
- Clients: `ClientSettings`, `import_sdk`, `http_client_of`, `missing_key`. `chunks_of` and `answer_once` make requests
  with SDKs like OpenAI's and Anthropic's.
- The agent: a subclass of `ModelAgent`, made by its `of_model`.
"""

from typing import TYPE_CHECKING

from miniagents._lazy import at_home, teaching
from miniagents.agents.members import Composable
from miniagents.ext.llm._agent import ModelAgent
from miniagents.ext.llm._answers import answer_once, chunks_of, whole_answer
from miniagents.ext.llm._catalogue import Provider, Providers, create_agent, provider_of
from miniagents.ext.llm._clients import (
    AsyncResource,
    ClientOf,
    ClientSettings,
    Closable,
    SDKClient,
    clients_for,
    import_sdk,
    missing_key,
)
from miniagents.ext.llm._conversation import (
    AssistantTurn,
    Conversation,
    ConversationRules,
    SystemTurn,
    Turn,
    UserTurn,
    spoken,
)
from miniagents.ext.llm._equipping import AnyTool
from miniagents.ext.llm._error_bodies import error_of_body, error_of_response, problem_in
from miniagents.ext.llm._events import (
    Finished,
    FinishReason,
    Kept,
    ModelEvent,
    Noted,
    ReasoningEnded,
    Started,
    ToolCallPiece,
    raw_piece,
)
from miniagents.ext.llm._json import (
    JsonObject,
    identifier_in,
    is_list,
    is_object,
    json_text,
    list_in,
    number_in,
    object_from_text,
    object_in,
    objects_in,
    plain_object,
    text_in,
    valid_arguments,
    wrong_type,
)
from miniagents.ext.llm._options import CommonOptions, LibraryOptions, NewAgentOptions, NoSuchOption, OptionRules
from miniagents.ext.llm._parts import SaidPart, Source, said_parts, source_of
from miniagents.ext.llm._preparing import http_client_of
from miniagents.ext.llm._protocol import AS_IT_CAME, ModelProtocol, ModelRequest, Reader, message_of
from miniagents.ext.llm._requesting import requested
from miniagents.ext.llm._strict_schemas import FORMATS, StrictForm
from miniagents.ext.llm.common import ReplySchema, ToolDefinition

if not TYPE_CHECKING:  # for checkers this would allow any name
    __getattr__ = teaching(__name__)

__all__ = [
    "AS_IT_CAME",
    "FORMATS",
    "AnyTool",
    "AssistantTurn",
    "AsyncResource",
    "ClientOf",
    "ClientSettings",
    "Closable",
    "CommonOptions",
    "Composable",
    "Conversation",
    "ConversationRules",
    "FinishReason",
    "Finished",
    "JsonObject",
    "Kept",
    "LibraryOptions",
    "ModelAgent",
    "ModelEvent",
    "ModelProtocol",
    "ModelRequest",
    "NewAgentOptions",
    "NoSuchOption",
    "Noted",
    "OptionRules",
    "Provider",
    "Providers",
    "Reader",
    "ReasoningEnded",
    "ReplySchema",
    "SDKClient",
    "SaidPart",
    "Source",
    "Started",
    "StrictForm",
    "SystemTurn",
    "ToolCallPiece",
    "ToolDefinition",
    "Turn",
    "UserTurn",
    "answer_once",
    "chunks_of",
    "clients_for",
    "create_agent",
    "error_of_body",
    "error_of_response",
    "http_client_of",
    "identifier_in",
    "import_sdk",
    "is_list",
    "is_object",
    "json_text",
    "list_in",
    "message_of",
    "missing_key",
    "number_in",
    "object_from_text",
    "object_in",
    "objects_in",
    "plain_object",
    "problem_in",
    "provider_of",
    "raw_piece",
    "requested",
    "said_parts",
    "source_of",
    "spoken",
    "text_in",
    "valid_arguments",
    "whole_answer",
    "wrong_type",
]

at_home(__name__)
