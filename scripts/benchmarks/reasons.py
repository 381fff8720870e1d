"""The reasons why targets are missed, and what was tried; reports show the reason of each missed target."""

from typing import Final

CALLS: Final = (
    "A call has a task, as in the limit. It also has a context of its own, promises of its messages and replies, and "
    "an owner that cancels it or waits for it. Its cost was once three times as high; about a dozen small objects are "
    "left. The limit itself is only 40 to 55 times faster than 0.0.35."
)
RECORDED: Final = (
    "The target is 1.5 times that of a call that is not recorded. Equal calls and replies, as here, are known by the "
    "keys of their messages, so that no key of a record is computed. What is left is finding the messages, and the "
    "keys of the call's own two: each is written canonically and hashed. If all messages are new, each call has a "
    "record of its own with a key, all four messages are handed over, and a call takes about 1.7 times as long as one "
    "that is not recorded. Looking at the calls more often was slower. Looking at more of them together gained "
    "nothing: the garbage collector took 0.4 µs more for each, because it visits what waits."
)
SURROUNDED: Final = (
    "The target is 10 µs more than a call. A handler has an object that describes the call, one that follows its "
    "replies, and the promise that `proceed` returns; that promise has no class of its own, because Python stores "
    "attributes slowly where objects of two classes are seen. Between calls one after another the loop asks the system "
    "for events, and all code is slower after that. To a call among 100 at once, a handler adds half as much."
)
STORED: Final = (
    "The target is 2.5 times a call without a store. Of the difference, a third is the object that describes the call "
    "and what follows its replies, as for a handler; a quarter is that calls stay in memory until they are written "
    "together, a fifth is the row, with the keys of messages and the record as JSON; the rest is SQLite: its thread "
    "waits for Python behind each statement, so many rows are written by one: by one statement for each row a commit "
    "took five times as long. Making the row as soon as the call ends was slower. If all messages are new, their "
    "bodies and rows take about 15 µs more."
)
DURABLE: Final = (
    "The limit commits the begin and the end of a call as well. Here callers see of the replies what can be kept: "
    "these are written as frames and read from them again, which is a third of the time. A tenth is the key of what "
    "the call is given; the rest is the two commits, the handler, its promises, and about ten turns of the loop. A "
    "call among 100 at once takes little more than half as long. Committing the begin together with the end, if that "
    "comes within a few turns, saved a fifth; the journal would then have to wait each time, without knowing for "
    "what."
)
MANY_CALLS: Final = "The limit itself grows as steeply: the garbage collector visits everything that is kept."
REPLAYED: Final = (
    "A reader goes on behind an error, which the generator of the limit cannot do: it ends there. So each token makes "
    "the coroutine of an `__anext__` in Python, and one that only takes the next item of a list takes 1.45 times as "
    "long as the generator. Looking at the tokens of a slice all at once, instead of at each, saved 2 %."
)
FANNED: Final = (
    "Each wait of each reader is registered. This finds circles of promises, and tells bounds and cancellations who "
    "reads. The limit raises no errors in their places, so one generator waits and reads; here a coroutine that waits "
    "is awaited by one that looks at the piece."
)
FLATTENED: Final = "Each promise of a message is asked whether it has ended, and its error is kept where it happened."
DISORDERED: Final = (
    "A callback passes on the messages of each reply as they arrive. It can be cancelled, is found in circles, and the "
    "context waits for it. The limit writes the messages straight into the target: it has no stream for each reply. "
    "The look for circles is an eighth or more of the time, if it falls into the run."
)
CREATED: Final = (
    "A call of a message class looks for lone surrogates in its arguments, so that no message exists that cannot be "
    "written, and notes values of other types than declared, so that `encode` need not search for NaN. Such a call "
    "makes the value in C, and then calls one function in Python that is generated for the class: 0.1 µs for the "
    "way there, and 0.05 µs for the look at two texts. A `__post_init__` would save that way, but decoding calls it "
    "too, and never yields a surrogate. The decoding of a small message would take half as much again, and an "
    "eighth with the fastest function of C. On 3.11 calling any class whose metaclass is written in Python leaves "
    "the fast path of C: that alone takes 3.4 times as long as the limit. The row below compares with a limit that "
    "checks its texts as well, by a `__post_init__`."
)
HASHED: Final = (
    "Each class has a generated function, with which msgspec writes the canonical form. It asks for the type of each "
    "value, and calls another function for each value that msgspec would not write canonically."
)
IMPORTED: Final = (
    "The library has many small modules, and the limit is asyncio and msgspec alone. Modules that a first agent does "
    "not need are imported when they are first used."
)
GENERATED: Final = (
    "msgspec makes each class as it makes a bare one, in half of the time. Then functions in Python look once at each "
    "field: whether it must be frozen, may be absent, or holds text. A fifth imports the codec of generated "
    "modules. The functions that freeze are compiled only when a value is made."
)
WRITTEN: Final = (
    "The function looks up what the class needs, and calls msgspec, so that errors become the library's: 35 ns on "
    "Python 3.11, as much as half of the encoding of two strings. It searches nothing: calls note on a class if a "
    "field has ever held another value than declared, and only values of such classes are searched for NaN. "
    "MessagePack takes 10 ns more, for the name of the format. The library's own messages have one field more than "
    "the limit's, for metadata."
)
READ: Final = (
    "A Python method around msgspec's turns its errors into the library's: 25 ns on Python 3.11. The function also "
    "looks up the type, for 40 ns more; a union is made anew for each call, and Python takes 0.4 µs to make and "
    "hash one of three. A cache by the place of the type in memory would not know when a union is another one. "
    "Where a message class is declared, msgspec reads the union of all classes that may stand there. Messages with "
    "mappings have a `__post_init__` in Python that freezes them."
)
FROZEN: Final = (
    "Messages with untyped data have a `__post_init__` in Python that looks at it. For untyped data such as "
    "`provider_data`, msgspec calls a function in Python that copies each dict into one that cannot change: 0.3 µs "
    "for one property, of which the call and the look at its value take half, and the second dict the other half. C "
    "fills it in one call as a dict of an open class, which then becomes a FrozenDict. msgspec makes only plain "
    "dicts, and freezing them when they are read would let them change until then. A first look by C whether all "
    "values are scalars took longer for few properties. The garbage collector visits each dict of another class, and "
    "each message that holds one: up to a tenth of the time. A `__post_init__` that looks only at what decoding "
    "leaves open saved 8 %, but `msgspec.structs.replace` would then take values that no message may hold. The limit "
    "keeps dicts that can change; two rows compare with a limit that freezes them as well."
)
MADE: Final = (
    "Each mapping is copied into one that cannot change, by a function in Python that msgspec calls, in 0.3 µs; the "
    "limit keeps dicts that can. A class with mappings also has a `__post_init__`, which freezes what msgspec decodes "
    "without the library; msgspec calls it for each value, in 0.05 µs, also where the mapping is absent. Objects of a "
    "union without a tag, and undeclared properties, are taken apart by such functions as well. Capturing such "
    "objects as raw JSON and decoding them again took as long. So did the conversion of dicts to types that are no "
    "classes, which msgspec does not prepare: that takes 0.4 µs, and 0.2 µs to a class. Decoding a value as its most "
    "frequent member first was not built: where members alternate, half of the values would be decoded twice. By its "
    "module, a Python function also looks up the type; aliases are found by their place in memory. The garbage "
    "collector visits each such mapping that is kept, and what holds it, but none of the limit's of scalars alone."
)
TOGETHER: Final = (
    "The library looks at the classes of all messages in a list before msgspec encodes them together, because "
    "another class could need more: 15 ns for each, by one call of C. The limit knows its classes. A message also "
    "has a place for its key, 16 bytes for each of its parts. So 20,000 messages are further apart in memory, which "
    "a busy machine makes more expensive."
)
ARRIVING: Final = (
    "The stream has a task, a promise and a buffer that many can read. The limit decodes frame by frame in a loop. "
    "Taking the texts out of all frames of a block by one call of C took as long as one by one."
)
LINES: Final = (
    "Each line is split off and decoded by itself. The limit's `decode_lines` also accepts several values in a line, "
    "and a value that goes over several lines. Making each line an item of one array was tried, in a way that tells "
    "them apart, and took as long."
)
CALLED: Final = (
    "The limit calls a method of msgspec and nothing else. Here a Python method calls it, so that its errors become "
    "the library's: 25 ns on Python 3.11, and 10 ns to look up the writer of the class. The smaller the message, "
    "the more this weighs: msgspec encodes two strings in 70 ns. No callable of the standard library turns one "
    "error into another in C, and data that msgspec refuses may still be decoded in a slower way. Comparing the "
    "class with the last one, instead of looking it up, saves 3 ns. An open object also has a function in Python "
    "that looks for undeclared properties."
)
FRAMED: Final = (
    "The library looks at the classes of all messages in a list, in 15 ns for each. Beyond that it does what the "
    "limit does: 256 messages that stay in the processor's caches are written in 0.98 times the time of the limit. "
    "A message has a place for its key, 16 bytes for each of its parts, so 20,000 messages are further apart in "
    "memory. A busy machine makes this more expensive: on one, this row was measured at 1.5 to 1.8."
)
