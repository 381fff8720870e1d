"""Texts that would command a terminal or lead out of a folder, for tests of everything that takes text from outside."""

from hypothesis import strategies as st

from scripts.fuzzing.hostile import PIECES


def texts() -> st.SearchStrategy[str]:
    """Return hostile and random texts."""
    return st.lists(st.sampled_from(PIECES), max_size=5).map("".join) | st.text(st.characters(codec=None), max_size=12)
