"""How much the tests try: little in every run, and much in `scripts/check --thorough`."""

from collections.abc import Collection
from typing import Final

from hypothesis import HealthCheck, settings

SHARES: Final = {"quick": 5, "thorough": 1}
"""The profiles of hypothesis, and the part of the examples and rounds that each tries."""


def register_profiles() -> None:
    """Tell hypothesis; `--hypothesis-profile=thorough` chooses another than the quick one.

    Nothing has a deadline, and nothing is too slow: a busy machine is no bug.
    """
    for profile, share in SHARES.items():
        settings.register_profile(
            profile, max_examples=100 // share, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        )
    settings.load_profile("quick")


def rounds(number: int, *, quick: int | None = None) -> int:
    """Return how often to try where a thorough run tries so many times.

    Args:
        number: The times in a thorough run.
        quick: The times in a quick run; by default its share of the number.
    """
    share = SHARES[settings.get_current_profile_name()]
    return quick if quick is not None and share > 1 else max(1, number // share)


def examples(number: int, *, unhealthy: Collection[HealthCheck] = ()) -> settings:
    """Return settings of a test of hypothesis that a thorough run gives so many examples."""
    return settings(max_examples=rounds(number), suppress_health_check=[HealthCheck.too_slow, *unhealthy])
