"""Every combinator has a case, and every exception from a law has its reason."""

import inspect
from collections.abc import Iterator
from typing import Final

import pytest

import miniagents.messages
import miniagents.promising
from miniagents.messages import MessagePromise, MessageSequencePromise
from miniagents.promising import Promise, StreamedPromise
from tests.promising.laws.cases import CASES
from tests.promising.laws.registry import Case, Law

CLASSES: Final = (Promise, StreamedPromise, MessagePromise, MessageSequencePromise)
MODULES: Final = (miniagents.promising, miniagents.messages)
RESULTS: Final = ("Promise", "Stream")
"""What names the types of promises begin or end with."""


def gives_promises(function: object) -> bool:
    """Whether a function or a property says that it returns promises."""
    for wrapped in ("fget", "__func__"):  # of a property, a class method
        function = getattr(function, wrapped, function)
    returned = str(inspect.signature(function).return_annotation) if inspect.isfunction(function) else ""
    return any(name in returned for name in RESULTS)


def is_shared(method: object) -> bool:
    """Whether a method is a combinator of streams, which has its case there, with another type of result."""
    return inspect.isfunction(method) and hasattr(method, "__wrapped__")


def methods_of(cls: type) -> Iterator[tuple[str, object]]:
    """What a class defines, or takes from its mixins."""
    inherited = {base for other in CLASSES if other is not cls and issubclass(cls, other) for base in other.__mro__}
    for base in cls.__mro__:
        if base not in inherited:
            own = ((name, method) for name, method in vars(base).items() if not is_shared(method))
            yield from ((name, method) for name, method in own if not name.startswith("_"))


def combinators() -> set[str]:
    """All public methods and functions that give promises."""
    of_classes = {
        f"{cls.__name__}.{name}" for cls in CLASSES for name, method in methods_of(cls) if gives_promises(method)
    }
    of_modules = {name for module in MODULES for name in module.__all__ if gives_promises(getattr(module, name))}
    return of_classes | of_modules


def test_p10_each_combinator_has_a_case() -> None:
    without = combinators() - {case.combinator for case in CASES}
    assert not without, f"write cases for {sorted(without)}: the laws are to hold for all combinators"


def test_p10_each_combinator_has_an_example() -> None:
    """Which is run: tests/test_doctests.py."""
    classes = {cls.__name__: cls for cls in CLASSES}
    without: list[str] = []
    for combinator in sorted(combinators()):
        owner, _, name = combinator.rpartition(".")
        holders = [classes[owner]] if owner else [module for module in MODULES if name in module.__all__]
        if ">>> " not in (inspect.getdoc(inspect.getattr_static(holders[0], name)) or ""):
            without.append(combinator)
    assert not without


def test_each_case_is_of_a_combinator_that_there_is() -> None:
    assert {case.combinator for case in CASES} <= combinators()


def test_no_two_cases_have_one_name() -> None:
    assert len({str(case) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_case_says_what_is_given_and_why_a_law_does_not_apply(case: Case) -> None:
    assert case.gives is not None or case.judge is not None
    assert Law.MODEL not in case.exempt
    assert all(reason.strip() for reason in case.exempt.values())
    assert len(case.takes) <= len(case.scripts)


@pytest.mark.parametrize("law", Law)
def test_each_law_holds_for_somebody(law: Law) -> None:
    assert [case for case in CASES if case.exempt_from(law) is None]
