"""All cases, and those for which a law holds."""

from typing import Final

import pytest

from tests.promising.laws import cases_of_joined, cases_of_messages, cases_of_pieces, cases_of_promises
from tests.promising.laws.registry import Case, Law

CASES: Final[tuple[Case, ...]] = (
    *cases_of_promises.CASES,
    *cases_of_pieces.CASES,
    *cases_of_joined.CASES,
    *cases_of_messages.CASES,
)


def each_case(*laws: Law) -> pytest.MarkDecorator:
    """Runs a test for all cases that the laws hold for."""
    cases = [case for case in CASES if not any(case.exempt_from(law) for law in laws)]
    return pytest.mark.parametrize("case", cases, ids=str)
