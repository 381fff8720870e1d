"""The page of patterns has all of them, each in a few lines; tests/test_documents.py runs them."""

import re
from typing import Final

import pytest

from miniagents.commands.guide import topics
from tests.test_documents import ROOT, blocks_of

PAGE: Final = (ROOT / "miniagents/guide/patterns.md").read_text(encoding="utf-8")
PATTERNS: Final = dict(re.findall(r"^## (.+?)$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_there_are_fifteen_patterns() -> None:
    assert "patterns" in topics()
    assert list(PATTERNS) == [
        *("Map-reduce", "Router", "Supervisor", "Reflection", "Fan-out", "Interrupt", "Repair", "Sub-graph"),
        *("Conditional loop", "Timeouts", "First success", "Partial failures", "As they come", "Join of types"),
        "Hedging",
    ]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_has_6_to_15_lines_of_code_and_its_output(pattern: str) -> None:
    code, output = blocks_of(PATTERNS[pattern])
    assert (code.language, code.comment, output.language) == ("python", "continues", "text")
    assert 6 <= len([line for line in code.content.splitlines() if line.strip()]) <= 15
