"""The official test suite of JSON Schema: generated modules accept what it accepts, and refuse what it refuses (G2).

The suite is no package. `scripts/conformance` downloads it; where nobody did, these tests are skipped.
"""

from collections.abc import Iterator

import pytest

from scripts.conformance import DIALECTS, SUITE, Profile, groups, run

pytestmark = pytest.mark.skipif(
    not (SUITE / "tests").is_dir(), reason=f"the official suite is not in {SUITE}; scripts/conformance downloads it"
)

CANNOT_BE_CHECKED = "unknown: unknown format"


def wrong_in(dialect: str, inner: str, profile: Profile = "plain") -> Iterator[str]:
    for group in groups(SUITE, f"{dialect}/{inner}", profile):
        outcome = run(group, dialect, SUITE / "remotes", "checked" if inner else "note")
        if outcome.result != "exact":
            yield f"{outcome.result}: {group.name}: {outcome.wrong}"


@pytest.mark.parametrize(
    ("dialect", "profile"), [*((each, "plain") for each in DIALECTS), ("draft2020-12", "typed"), ("draft4", "typed")]
)
def test_g2_every_group_is_exact(dialect: str, profile: Profile) -> None:
    assert [*wrong_in(dialect, "", profile)] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_g2_every_format_is_exact_and_unknown_ones_are_refused(dialect: str) -> None:
    wrong = [*wrong_in(dialect, "optional/format")]
    assert all(each.startswith(f"refused: {CANNOT_BE_CHECKED}") for each in wrong), wrong
