"""What the type checkers must refuse: the generator of message types.

Checked, not run. Each line that is wrong says so to mypy and pyright; one that becomes valid is then refused as a
needless comment. pyrefly and ty are to refuse the same lines: `gaps.toml` has those that they do not.
"""

from __future__ import annotations

from miniagents.codegen import GenerationError, Problem, generate, generate_files, main


def generated() -> None:
    generate(["weather.schema.json"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    generate([b"weather.schema.json"], "weather.py")  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    generate(3, "weather.py")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    generate(["weather.schema.json"], "weather.py", formats="all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    generate(["weather.schema.json"], "weather.py", base="Frozen")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    generate(["weather.schema.json"], "weather.py", lenient=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    generate_files(["weather.schema.json"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    generate_files(["weather.schema.json"], "my_types/", lenient=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    generate_files(["weather.schema.json"], "my_types/")["__init__.py"] = ""  # type: ignore[index]  # pyright: ignore[reportIndexIssue]


def commands() -> None:
    main([3])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    _text: str = main(["weather.schema.json"])  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


def problems(error: GenerationError, problem: Problem) -> None:
    GenerationError("no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    GenerationError((ValueError("no"),))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Problem("weather.schema.json", 1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    problem.line = 3  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    error.problems.append(problem)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
