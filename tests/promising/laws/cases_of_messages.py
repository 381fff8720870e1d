"""The cases of messages and of sequences of them."""

from collections.abc import Callable, Iterable
from typing import Final

from miniagents.messages import (
    Message,
    MessagePromise,
    MessageSequencePromise,
    TextDelta,
    UserMessage,
    join_messages,
    split_messages,
    stream_message,
)
from tests.promising.laws.models import SomeValueError, each, kept, one, replaced, tried
from tests.promising.laws.registry import SAME_STREAM, Case, Law, Model, first_error
from tests.promising.laws.sources import BAD, ODD, OddError, Outcome, PieceError, Script, refuse, text, token

WAITS_FOR_ALL: Final = {
    Law.BOUNDED: "it waits for the whole message",
    Law.RESPONSIVE: "one call of a plain function makes the whole message",
}
MANY_MESSAGES: Final = 2_500


TOPIC: Final = {"topic": "tea"}


def about_tea(message: object) -> Message:
    """The same message with metadata."""
    return Message(str(message), metadata=TOPIC)


def louder(tokens: str) -> str:
    """A function for texts."""
    for number in (BAD, ODD):
        if str(number) in tokens:
            refuse(number)
    return f"{tokens}!"


def answer(message: Message) -> Message:
    """A function for messages."""
    return Message(louder(str(message)))


def is_odd(message: Message) -> bool:
    return int(louder(str(message))[:-1]) % 2 == 1


def apology(error: BaseException) -> Message:
    return Message(f"sorry for {error.number if isinstance(error, PieceError | OddError) else 'nothing'}")


def numbers_are_odd(number: int) -> bool:
    refuse(number)
    return number % 2 == 1


def whole_text(script: Iterable[Outcome], make: Callable[[int], str] = token) -> Outcome:
    """The text of all tokens, or the first error."""
    outcomes = list(script)
    return first_error(outcomes) or "".join(make(piece) for piece in outcomes if isinstance(piece, int))


def whole_message(fn: Callable[[Message], Message] = lambda message: message) -> Model:
    """What a function makes of the message of all tokens, or the first error."""

    def model(script: Script) -> list[Outcome]:
        whole = whole_text(script)
        if isinstance(whole, str):
            try:
                whole = fn(Message(whole))
            except BaseException as error:  # noqa: BLE001 - it takes the place of the message
                whole = error
        return [whole]

    return one(model)


def in_one_token(model: Model) -> Model:
    """A message that comes at once: its text, if it has any, or the error."""

    def pieces(scripts: list[Script]) -> list[Outcome]:
        (whole,) = model(scripts)
        return [piece for piece in [whole.text if isinstance(whole, Message) else whole] if piece]

    return lambda scripts: pieces(list(scripts))


def recovered(script: Script) -> list[Outcome]:
    """All tokens, or those of the message for the first error."""
    error = first_error(script)
    if error is None:
        return [token(piece) for piece in script if isinstance(piece, int)]
    return [apology(error).text] if isinstance(error, Exception) else [error]


def first_token(script: Script) -> list[Outcome]:
    """The text of the first message, or the error in its place."""
    return [tried(str, piece) for piece in script[:1]] or [SomeValueError()]


def first_message(script: Script) -> list[Outcome]:
    return [tried(text, piece) for piece in script[:1]] or [SomeValueError()]


def last_message(script: Script) -> list[Outcome]:
    error = first_error(script)
    return [error] if error is not None else [tried(text, piece) for piece in script[-1:]] or [SomeValueError()]


def last_token(script: Script) -> list[Outcome]:
    return [outcome.text if isinstance(outcome, Message) else outcome for outcome in last_message(script)]


def only_message(script: Script) -> list[Outcome]:
    error = first_error(script)
    return [error or (SomeValueError() if len(script) != 1 else tried(text, script[0]))]


def only_token(script: Script) -> list[Outcome]:
    """The text of the first message, and behind it what is wrong."""
    first, (only,) = first_token(script), only_message(script)
    is_right = isinstance(only, Message) or isinstance(first[0], BaseException)
    return first if is_right else [*first, only]


def in_its_place(script: Script, make: Callable[[int], Outcome]) -> list[Outcome]:
    """What is made of the only message, or of the apology that there is no such message."""
    (only,) = only_message(script)
    if isinstance(only, SomeValueError):
        return ["sorry for nothing" if make is str else Message("sorry for nothing")]
    return [only] if isinstance(only, BaseException) else [tried(make, script[0])]


def joined(script: Script) -> list[Outcome]:
    """The texts with a comma between two, up to the first error."""
    outcomes: list[Outcome] = []
    for piece in script:
        if isinstance(piece, BaseException):
            return [*outcomes, piece]
        outcomes += [",", str(piece)] if outcomes else [str(piece)]
    return outcomes


def joined_message(script: Script) -> list[Outcome]:
    return [first_error(script) or Message(",".join(map(str, script)))]


def all_messages(model: Model) -> Model:
    """The whole of a sequence: all messages, or the first error."""

    def whole(script: Script) -> list[Outcome]:
        messages = list(model([script]))
        return [first_error(messages) or tuple(messages)]

    return one(whole)


def messages_that_are_odd(script: Script) -> list[Outcome]:
    return [Message(str(piece)) if isinstance(piece, int) else piece for piece in kept(numbers_are_odd)([script])]


def with_apologies(script: Script) -> list[Outcome]:
    return [text(piece) if isinstance(piece, int) else piece for piece in replaced(apology, Exception)([script])]


OF_ONE: Final = (
    Case(
        combinator="MessagePromise.of_message",
        takes=[],
        make=lambda _: MessagePromise.of_message(Message("a")),
        gives=lambda _: ["a"],
        whole=lambda _: [Message("a")],
    ),
    Case(
        combinator="stream_message",
        make=lambda given: stream_message(Message, given.tokens()),
        gives=each(token),
        whole=whole_message(),
        exempt=SAME_STREAM,
    ),
    Case(
        combinator="MessagePromise.events",
        make=lambda given: given.message().events,
        gives=each(lambda number: TextDelta(text=token(number))),
        exempt={Law.FINISHED: "it is lazy"},
    ),
    Case(
        combinator="MessagePromise.pieces",
        make=lambda given: given.message().pieces(),
        gives=each(token),
    ),
    Case(
        combinator="MessagePromise.into",
        make=lambda given: given.message().into("".join),
        gives=each(token),
        whole=one(lambda script: [whole_text(script)]),
    ),
    Case(
        combinator="MessagePromise.map_text",
        make=lambda given: given.message().map_text(louder),
        gives=each(lambda number: louder(token(number))),
        whole=one(
            lambda script: [
                first_error(each(lambda number: louder(token(number)))([script]))
                or Message(str(whole_text(script, lambda number: louder(token(number)))))
            ]
        ),
    ),
    Case(
        combinator="MessagePromise.with_metadata",
        make=lambda given: given.message().with_metadata(TOPIC),
        gives=each(token),
        whole=one(lambda script: [first_error(each(token)([script])) or about_tea(str(whole_text(script)))]),
    ),
    Case(
        combinator="MessagePromise.map_message",
        make=lambda given: given.message().map_message(answer),
        gives=in_one_token(whole_message(answer)),
        whole=whole_message(answer),
        exempt=WAITS_FOR_ALL,
    ),
    Case(
        combinator="MessagePromise.then_message",
        make=lambda given: given.message().then_message(given.slowly(answer)),
        gives=in_one_token(whole_message(answer)),
        whole=whole_message(answer),
        calls=True,
        exempt=WAITS_FOR_ALL,
    ),
    Case(
        combinator="MessagePromise.recover_message",
        make=lambda given: given.message().recover_message(apology),
        gives=one(recovered),
        whole=one(
            lambda script: [
                Message("".join(map(str, recovered(script))))
                if not isinstance(first_error(script), OddError)
                else first_error(script)
            ]
        ),
        exempt={**WAITS_FOR_ALL, Law.UNREAD: "it reads the error", Law.DEADLOCK: "it recovers from it"},
    ),
    Case(
        combinator="MessagePromise.timeout",
        make=lambda given: given.message().timeout(3600),
        gives=each(token),
        whole=whole_message(),
    ),
    Case(
        combinator="MessagePromise.timeout",
        variant="with a default",
        make=lambda given: given.message().timeout(3600, default=None),
        gives=whole_message(),
        exempt=WAITS_FOR_ALL,
    ),
    Case(
        combinator="MessagePromise.checked",
        make=lambda given: given.message().checked(answer),
        gives=each(token),
        whole=whole_message(answer),
    ),
    Case(
        combinator="MessagePromise.split",
        make=lambda given: given.message().split(" "),
        needs=lambda count: count + 1,
        gives=each(text),
        whole=all_messages(each(text)),
        many=MANY_MESSAGES,
    ),
)

OF_MANY: Final = (
    Case(
        combinator="MessageSequencePromise.of_messages",
        takes=[],
        make=lambda _: MessageSequencePromise.of_messages([Message("a"), Message("b")]),
        gives=lambda _: [Message("a"), Message("b")],
        whole=lambda _: [(Message("a"), Message("b"))],
    ),
    Case(
        combinator="MessageSequencePromise.of_promises",
        make=lambda given: MessageSequencePromise.of_promises(given.messages()),
        gives=each(text),
        whole=all_messages(each(text)),
        many=MANY_MESSAGES,
        exempt=SAME_STREAM,
    ),
    Case(
        combinator="MessageSequencePromise.map_messages",
        make=lambda given: given.messages().map_messages(answer),
        gives=each(lambda number: answer(text(number))),
        whole=all_messages(each(lambda number: answer(text(number)))),
        many=MANY_MESSAGES,
    ),
    Case(
        combinator="MessageSequencePromise.with_metadata",
        make=lambda given: given.messages().with_metadata(TOPIC),
        gives=each(lambda number: about_tea(text(number))),
        whole=all_messages(each(lambda number: about_tea(text(number)))),
        many=MANY_MESSAGES,
    ),
    Case(
        combinator="MessageSequencePromise.then_messages",
        make=lambda given: given.messages().then_messages(given.slowly(answer)),
        gives=each(lambda number: answer(text(number))),
        whole=all_messages(each(lambda number: answer(text(number)))),
        calls=True,
        many=MANY_MESSAGES,
    ),
    Case(
        combinator="MessageSequencePromise.then_messages",
        variant="all at once",
        make=lambda given: given.messages().then_messages(given.slowly(answer), concurrency=None),
        gives=each(lambda number: answer(text(number))),
        whole=all_messages(each(lambda number: answer(text(number)))),
        calls=True,
        many=MANY_MESSAGES,
    ),
    Case(
        combinator="MessageSequencePromise.recover_messages",
        make=lambda given: given.messages().recover_messages(apology),
        gives=one(with_apologies),
        whole=all_messages(one(with_apologies)),
        many=MANY_MESSAGES,
        exempt={Law.UNREAD: "it reads the error", Law.DEADLOCK: "it recovers from it"},
    ),
    Case(
        combinator="MessageSequencePromise.filter_messages",
        make=lambda given: given.messages().filter_messages(is_odd),
        gives=one(messages_that_are_odd),
        whole=all_messages(one(messages_that_are_odd)),
        needs=lambda count: 2 * count,
        many=MANY_MESSAGES,
    ),
    Case(
        combinator="MessageSequencePromise.of_type",
        make=lambda given: given.messages().of_type(Message),
        gives=each(text),
        whole=all_messages(each(text)),
        many=MANY_MESSAGES,
    ),
    Case(
        combinator="MessageSequencePromise.of_type",
        variant="of which there are none",
        make=lambda given: given.messages().of_type(UserMessage),
        gives=one(lambda script: [piece for piece in script if isinstance(piece, BaseException)]),
        many=MANY_MESSAGES,
        exempt={Law.BOUNDED: "what gives no pieces is ahead of nobody"},
    ),
    Case(
        combinator="MessageSequencePromise.first",
        make=lambda given: given.messages().first(),
        gives=one(first_token),
        whole=one(first_message),
        exempt={
            Law.CANCEL: "it is complete with the first message",
            Law.SHARED: "it is complete with the first message",
            Law.ENDING: "it is complete with the first message",
            Law.BOUNDED: "it is complete with the first message",
            Law.RESPONSIVE: "it is complete with the first message",
            Law.UNREAD: "what comes behind the first message does not matter",
        },
    ),
    Case(
        combinator="MessageSequencePromise.first",
        variant="of none so far",
        make=lambda given: given.messages().of_type(UserMessage).first().recover_message(apology, ValueError),
        gives=one(lambda script: [first_error(script) or "sorry for nothing"]),
        whole=one(lambda script: [first_error(script) or Message("sorry for nothing")]),
        many=MANY_MESSAGES,
        exempt={Law.BOUNDED: "what gives no pieces is ahead of nobody"},
    ),
    Case(
        combinator="MessageSequencePromise.last",
        make=lambda given: given.messages().last(),
        gives=one(last_token),
        whole=one(last_message),
        many=MANY_MESSAGES,
        exempt={Law.BOUNDED: "it waits for the whole sequence"},
    ),
    Case(
        combinator="MessageSequencePromise.only",
        scripts=[(1,)],
        make=lambda given: given.messages().only(),
        gives=one(only_token),
        whole=one(only_message),
        exempt={
            Law.BOUNDED: "it waits for the whole sequence",
            Law.RESPONSIVE: "of many messages it is an error",
            Law.ENDING: "of many messages it is an error, which is logged",
        },
    ),
    Case(
        combinator="MessageSequencePromise.only",
        variant="or else an apology",
        make=lambda given: given.messages().only().recover_message(apology, ValueError),
        gives=one(lambda script: in_its_place(script, str)),
        whole=one(lambda script: in_its_place(script, text)),
        many=MANY_MESSAGES,
        exempt={Law.BOUNDED: "it waits for the whole sequence"},
    ),
    Case(
        combinator="MessageSequencePromise.join",
        make=lambda given: given.messages().join(","),
        gives=one(joined),
        whole=one(joined_message),
        many=MANY_MESSAGES,
    ),
    Case(
        combinator="join_messages",
        make=lambda given: join_messages(given.messages(), ","),
        gives=one(joined),
        whole=one(joined_message),
        many=MANY_MESSAGES,
    ),
    Case(
        combinator="MessageSequencePromise.split",
        make=lambda given: given.messages().split(","),
        needs=lambda count: count + 1,
        gives=each(text),
        whole=all_messages(each(text)),
        many=MANY_MESSAGES,
    ),
    Case(
        combinator="split_messages",
        make=lambda given: split_messages(given.messages(), ","),
        needs=lambda count: count + 1,
        gives=each(text),
        whole=all_messages(each(text)),
        many=MANY_MESSAGES,
    ),
)

CASES: Final = (*OF_ONE, *OF_MANY)
