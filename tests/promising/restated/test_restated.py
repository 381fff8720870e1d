"""The semantics of ReactiveX, Kotlin's Flow, Rust's futures, aiostream and itertools, restated for ours.

A row says what an operator of theirs does, and what ours gives for the same sources. To add one, write it into the
table of its kind. Where ours differs, the row also has the picture of the other library, and the reason.
"""

from collections import Counter
from typing import Final

import pytest

from miniagents.testing import assert_marbles
from tests.promising.restated.of_joined import OF_JOINED
from tests.promising.restated.of_many import OF_MANY
from tests.promising.restated.of_pieces import OF_PIECES
from tests.promising.restated.of_places import OF_PLACES
from tests.promising.restated.of_promises import OF_PROMISES
from tests.promising.restated.of_time import OF_TIME
from tests.promising.restated.rows import Row

ROWS: Final[tuple[Row, ...]] = (*OF_PIECES, *OF_PLACES, *OF_TIME, *OF_MANY, *OF_JOINED, *OF_PROMISES)

PEERS: Final = ("ReactiveX", "Kotlin", "Rust", "aiostream", "itertools")


@pytest.mark.leaves_errors_unread
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_ours_gives_what_the_row_says(row: Row) -> None:
    assert_marbles(row.scenario(), row.gives, context=row.context())


@pytest.mark.leaves_errors_unread
@pytest.mark.parametrize("row", [row for row in ROWS if row.differs], ids=str)
def test_ours_does_not_give_what_the_other_library_gives_where_the_row_says_that_it_differs(row: Row) -> None:
    with pytest.raises(AssertionError, match="the diagram differs"):
        assert_marbles(row.scenario(), row.there, context=row.context())


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_is_complete(row: Row) -> None:
    assert row.peer.startswith(PEERS)
    assert bool(row.there) == bool(row.differs)


def test_the_table_restates_all_peers() -> None:
    assert len(ROWS) >= 200
    assert [name for name, count in Counter(map(str, ROWS)).items() if count > 1] == []
    assert {peer: any(row.peer.startswith(peer) for row in ROWS) for peer in PEERS} == dict.fromkeys(PEERS, True)
