"""What the type checkers must take: the generator of message types. Checked, not run; see also `rejects_codegen.py`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import assert_type

from miniagents.codegen import GenerationError, Problem, generate, generate_files, main


def generated() -> None:
    assert_type(generate(["weather.schema.json", Path("schemas")], "weather.py"), str)
    assert_type(generate((Path("schemas"),), output=Path("weather.py"), library=False), str)
    assert_type(generate(["schemas"], "weather.py", formats="typed", base="Message", namespace="my_app"), str)
    assert_type(generate_files([Path("schemas")], "my_types/", formats="typed", operations=True), Mapping[str, str])


def commands(arguments: tuple[str, ...]) -> None:
    assert_type(main(), int)
    assert_type(main(["weather.schema.json", "--check"]), int)
    assert_type(main(arguments), int)


def problems() -> None:
    try:
        generate([], "weather.py")
    except GenerationError as error:
        assert_type(error.problems, tuple[Problem, ...])
        assert_type(
            [(problem.file, problem.line, problem.pointer) for problem in error.problems], list[tuple[str, int, str]]
        )
        assert_type(sorted(error.problems), list[Problem])
        raise GenerationError(error.problems[:1]) from None
