"""G6: each alias has an identity of its own, which copies and pickles keep."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Annotated, Any, TypeAlias

import pytest

from miniagents.messages import SchemaName

UserId: TypeAlias = Annotated[str, SchemaName("UserId")]
Note: TypeAlias = Annotated[str, SchemaName("Note")]
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_g6_a_pickled_alias_is_equal_to_itself_alone(protocol: int) -> None:
    alias: Any = UserId  # Any: an alias is no value for checkers
    other: Any = Note
    again = pickle.loads(pickle.dumps(alias.__metadata__[0], protocol))
    assert again is alias.__metadata__[0]
    assert pickle.loads(pickle.dumps(alias, protocol)) == alias != pickle.loads(pickle.dumps(other, protocol))
    assert copy.copy(alias) == copy.deepcopy(alias) == alias


def test_g6_a_pickled_alias_is_known_in_another_process() -> None:
    program = (
        "import pickle, sys; alias = pickle.load(sys.stdin.buffer); "
        f"import {__name__} as here; assert alias == here.UserId != here.Note"
    )
    subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(UserId), check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )


def test_g6_a_name_without_an_alias_is_pickled_as_another_one() -> None:
    name = SchemaName("UserId")  # the module holds another one under this name
    again = pickle.loads(pickle.dumps(name))
    assert (again.name, again is name, again == name) == ("UserId", False, False)


def test_g6_an_alias_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = pickle.dumps(Note)
    monkeypatch.delattr(sys.modules[__name__], "Note")
    with pytest.raises(AttributeError, match=r"has no alias 'Note' any more"):
        pickle.loads(data)
