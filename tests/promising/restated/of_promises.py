"""Operators of promises of one value: futures in Rust, streams of one piece in ReactiveX."""

from typing import Final

from miniagents.promising import Ok, Promise, all_settled, first_ok, gather, race, retry
from tests.promising.restated.rows import Row, divide_six, double, in_a_second, later, two_values, value

ONE: Final = (
    value("Rust map", "applies a function to the value", "--3", lambda p: p.map(double), "--6"),
    value("Rust map_ok", "leaves an error as it is", "--#", lambda p: p.map(double), "--#"),
    value(
        "ReactiveX map",
        "an error of the function is the result",
        "-0",
        lambda p: p.map(divide_six),
        "-<#ZeroDivisionError>",
    ),
    value("Rust then", "runs another future with the value", "--a", lambda p: p.then(in_a_second), "---a"),
    value("Rust and_then", "runs nothing after an error", "--#", lambda p: p.then(in_a_second), "--#"),
    value("Rust flatten", "awaits the future in a future", "-a", lambda p: p.map(in_a_second).flatten(), "--a"),
    value("Rust inspect", "changes nothing", "--a", lambda p: p.tap(str.upper), "--a"),
    value(
        "ReactiveX tap",
        "an error of the function is the result",
        "-0",
        lambda p: p.tap(divide_six),
        "-<#ZeroDivisionError>",
    ),
    value("Rust unwrap_or_else", "makes a value of the error", "--#", lambda p: p.recover(lambda _: "r"), "--r"),
    value("Rust unwrap_or_else", "is not called for a value", "--a", lambda p: p.recover(lambda _: "r"), "--a"),
    value(
        "ReactiveX catchError",
        "an error of the function is the result",
        "-#",
        lambda p: p.recover(lambda _: divide_six(0)),
        "-<#ZeroDivisionError>",
    ),
    value(
        "Rust or_else", "of another kind of error leaves it", "-#", lambda p: p.recover(lambda _: "r", KeyError), "-#"
    ),
    value("Kotlin withTimeout", "a value in time passes", "--a", lambda p: p.timeout(3), "--a"),
    value("Kotlin withTimeout", "too late is an exception", "----a", lambda p: p.timeout(3), "---<#TimeoutError>"),
    value("Kotlin withTimeoutOrNull", "too late is null", "----a", lambda p: p.timeout(3, default=None), "---<None>"),
    value(
        "ReactiveX timeout, of one piece",
        "what comes at the very moment comes in time",
        "---a",
        lambda p: p.timeout(3),
        "---a",
    ),
    value(
        "ReactiveX timeout, of one piece",
        "behind a map it is the same",
        "---3",
        lambda p: p.map(double).timeout(3),
        "---6",
    ),
    value("ReactiveX timeout, of one piece", "an error in time passes", "-#", lambda p: p.timeout(3), "-#"),
    value("itertools starmap", "spreads a tuple", "-3", lambda p: p.map(lambda n: (n, 2)).starmap(divmod), "-[11]"),
    value("Rust ready", "is there at once", "---", lambda _: Promise.resolved("a"), "a"),
    value("ReactiveX throwError", "fails at once", "---", lambda _: Promise.failed(ValueError("#")), "#"),
    value("Rust pending", "never ends", "---", lambda p: p, ""),
)

MANY: Final = (
    two_values(
        "Rust join", "waits for both, in the order of the arguments", ("--a", "-b"), lambda p, q: gather(p, q), "--[ab]"
    ),
    two_values("Rust join", "appends one more", ("-a", "--b"), lambda p, q: gather(p).pair(q), "--[ab]"),
    two_values("Rust try_join", "fails with the first error, at once", ("---a", "-#"), lambda p, q: gather(p, q), "-#"),
    two_values("Rust join_all", "of none is ready", ("-a", "-b"), lambda _, __: gather(), "[]"),
    two_values(
        "ReactiveX forkJoin", "gives the last value of each", ("-a", "---b"), lambda p, q: gather(p, q), "---[ab]"
    ),
    two_values(
        "ReactiveX forkJoin", "one that never ends keeps it waiting", ("-a", "---"), lambda p, q: gather(p, q), ""
    ),
    two_values(
        "Rust join_all",
        "of results gives values and errors alike",
        ("--a", "-#"),
        lambda p, q: all_settled(p, q).map(lambda ends: tuple(isinstance(end, Ok) for end in ends)),
        "--[True,False]",
    ),
    two_values("Rust select", "gives the first that is there", ("---a", "-b"), lambda p, q: race(p, q), "-b"),
    two_values("Rust select", "an error may be the first", ("---a", "-#"), lambda p, q: race(p, q), "-#"),
    two_values("Rust select_biased", "of one moment the first argument", ("-a", "-b"), lambda p, q: race(p, q), "-a"),
    two_values(
        "ReactiveX race", "behind a map it is the same", ("-a", "-b"), lambda p, q: race(p.map(str.upper), q), "-A"
    ),
    two_values("ReactiveX race", "one that never ends loses", ("---", "--b"), lambda p, q: race(p, q), "--b"),
    two_values(
        "Rust select_ok", "gives the first value, and skips errors", ("-#", "---b"), lambda p, q: first_ok(p, q), "---b"
    ),
    two_values("Rust select_ok", "does not wait for errors", ("--a", "----#"), lambda p, q: first_ok(p, q), "--a"),
    two_values(
        "Rust select_ok",
        "when all fail gives the last error",
        ("-#", "--#"),
        lambda p, q: first_ok(p, q),
        "--<#ExceptionGroup>",
        there="--#",
        differs="no error is lost: they come as a group, as with JavaScript's `Promise.any`",
    ),
)


def attempts(*diagrams: str) -> Promise[str]:
    """What `retry` calls, an attempt for each diagram."""
    left = iter(diagrams)
    return retry(lambda: later(next(left)), attempts=len(diagrams))


AGAIN: Final = (
    value("ReactiveX retry", "tries again at once after an error", "---", lambda _: attempts("-#", "-a"), "--a"),
    value("ReactiveX retry", "gives up with the last error", "---", lambda _: attempts("-#", "-#"), "--#"),
    value("ReactiveX retry", "without an error tries once", "---", lambda _: attempts("-a", "-b"), "-a"),
    value(
        "Kotlin retry",
        "of other exceptions does nothing",
        "---",
        lambda _: retry(lambda: later("-#"), errors=KeyError),
        "-#",
    ),
    value(
        "ReactiveX retryWhen",
        "waits between attempts",
        "---",
        lambda _: retry(lambda: later("-#"), attempts=2, backoff=3),
        "-----#",
    ),
)

OF_PROMISES: Final[tuple[Row, ...]] = (*ONE, *MANY, *AGAIN)
