"""The mutations of `scripts/check --mutants` follow the code; whether tests notice them is tried there."""

import pytest

from scripts.mutants import ROOT, mutated
from scripts.mutations import MUTATIONS, Mutation

each_mutation = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.breaks)


@each_mutation
def test_the_text_to_replace_stands_in_its_file_once(mutation: Mutation) -> None:
    source = (ROOT / "miniagents" / mutation.file).read_text("utf-8")
    changed = mutated(source, mutation)
    assert changed != source
    compile(changed, mutation.file, "exec")


@each_mutation
def test_the_tests_that_must_notice_are_there(mutation: Mutation) -> None:
    assert mutation.tests
    for test in mutation.tests:
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("source", ["nothing of it", "here it is, it is here"])
def test_a_mutation_that_the_code_has_left_behind_is_refused(source: str) -> None:
    mutation = Mutation("P1: a rule", "promising/promise.py", "it is", "it is not", ("tests/test_house.py",))
    assert mutated("it is here", mutation) == "it is not here"
    with pytest.raises(
        ValueError, match=r"miniagents/promising/promise.py has the text of the mutation 'P1: a rule' \d times"
    ):
        mutated(source, mutation)
