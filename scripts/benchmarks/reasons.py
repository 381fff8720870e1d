"""Why targets are missed, and what was tried; told in reports where they are missed."""

from typing import Final

CALLS: Final = (
    "A call has a task as in the limit, and besides it a context of its own, promises of what comes in and goes out, "
    "and a place among what is cancelled with its caller and waited for at the end. Fewer objects, callbacks and "
    "look-ups made it a third of what it was; what is left is about a dozen small objects. Against 0.0.35 the limit "
    "itself reaches 40 to 55 times."
)
MANY_CALLS: Final = "The limit itself grows as steeply: it is the garbage collector, which looks at all that is kept."
REPLAYED: Final = (
    "Each token costs a reader one look at whether it is text, an error or something else, so that errors stay in "
    "their places. Against 0.0.35 the limit itself reaches less than 3 times."
)
FANNED: Final = (
    "Each wait of each reader is registered, so that circles of promises are found and a bound or a cancelling knows "
    "who reads; on Python 3.11 the look-up of the running task is written in Python."
)
FLATTENED: Final = (
    "Each promise of a message has to be asked whether it has ended, and its error kept where it happened."
)
DISORDERED: Final = (
    "Each reply has a task that forwards its messages as they come, where the limit writes them straight into the "
    "target: callbacks were designed, but cancelling, circles and the end of the context would need rules of their "
    "own."
)
CREATED: Final = (
    "Classes check and freeze what they are given in a function that is written out for each. On Python 3.11 the "
    "metaclass alone takes 0.2 µs of an object, for calling it loses the short way of C (2.7 times the limit without "
    "any freezing); on 3.12 it does not."
)
HASHED: Final = (
    "The canonical form is written by msgspec; asking for the form of each part, keeping its key and finding it again "
    "are a call each."
)
IMPORTED: Final = (
    "The library consists of many small modules, and the limit of asyncio and msgspec alone. What most programs do "
    "not need (the generator, validation, the SDKs, commands) is not imported."
)
WRITTEN: Final = (
    "The function finds what has to be looked at for the class, and looks for `null` in what was written, which is "
    "how msgspec writes NaN; a codec has done the first and need not do the second."
)
READ: Final = (
    "Messages with tuples or floats have a `__post_init__` in Python, which freezes and checks what they are made of, "
    "and msgspec calls it for each; those of strings need none of its work."
)
CALLED: Final = (
    "The limit calls a method of msgspec's and nothing else; here a method in Python calls that, so that its errors "
    "become ours. It weighs the more, the smaller the message is."
)
