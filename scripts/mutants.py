"""Applies each mutation of `scripts/mutations.py` to a copy of the project, and says which of them no test notices.

The tests of all mutations run on the unchanged copy first. A test that hangs notices the mutation as well as one that
fails: `tests/watchdog.py` ends the run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import Final, Literal, TypeAlias

from scripts.mutations import MUTATIONS, Mutation

ROOT: Final = Path(__file__).resolve().parent.parent
COPIED: Final = ("miniagents", "tests", "scripts", "schemas", "pyproject.toml", "README.md", "CONTRIBUTING.md")
HANG_LIMIT: Final = 30
"""Seconds that one test may take; each of them takes a few at most."""

Verdict: TypeAlias = Literal["noticed", "NOT NOTICED", "DOES NOT APPLY", "DOES NOT RUN"]

# pytest's exit statuses; the watchdog ends a run in which a test hangs like one in which a test fails
_VERDICTS: Final[dict[int, Verdict]] = {0: "NOT NOTICED", 1: "noticed"}


def mutated(source: str, mutation: Mutation) -> str:
    """Return the text of a file with the mutation.

    Raises:
        ValueError: The text to replace does not stand there exactly once.
    """
    count = source.count(mutation.text)
    if count != 1:
        raise ValueError(
            f"miniagents/{mutation.file} has the text of the mutation {mutation.breaks!r} {count} times, not once: "
            "let scripts/mutations.py follow the code"
        )
    return source.replace(mutation.text, mutation.instead)


@contextmanager
def _copy() -> Generator[Path]:
    """Make a copy of the project, which ends with the block."""
    with TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        for path in COPIED:
            if (ROOT / path).is_dir():
                shutil.copytree(ROOT / path, folder / path)
            else:
                shutil.copy2(ROOT / path, folder / path)
        yield folder


def _test(folder: Path, tests: Iterable[str], *options: str) -> tuple[int, str]:
    """Run tests in a copy until one fails; return pytest's exit status and output."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *options, *tests]
    # PYTHONPATH for the processes that tests start; `.venv` knows the original
    environment = {**os.environ, "HANG_LIMIT": str(HANG_LIMIT), "PYTHONPATH": str(folder)}
    done = subprocess.run(  # noqa: S603 - our own tests
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def _try(mutation: Mutation, folder: Path) -> tuple[Verdict, str]:
    """Run the tests of a mutation in a copy, and undo it; return the verdict and its reason."""
    file = folder / "miniagents" / mutation.file
    try:
        source = mutated(file.read_text("utf-8"), mutation)
    except ValueError as error:
        return "DOES NOT APPLY", str(error)
    # a file that is put back has its old time again: by that Python sees which bytecode is that of another version
    unchanged = file.rename(folder / "unchanged.py")
    file.write_text(source, "utf-8")
    try:
        status, output = _test(folder, mutation.tests)
    finally:
        unchanged.replace(file)
    return _VERDICTS.get(status, "DOES NOT RUN"), output


def _run(mutations: Sequence[Mutation]) -> int:
    """Try mutations, as many at a time as there are cores; return the exit status."""
    workers = os.cpu_count() or 1
    copies: SimpleQueue[Path] = SimpleQueue()

    def attempt(mutation: Mutation) -> tuple[Verdict, str]:
        folder = copies.get()
        try:
            return _try(mutation, folder)
        finally:
            copies.put(folder)

    with ExitStack() as stack:
        folders = [stack.enter_context(_copy()) for _ in range(workers)]
        tests = dict.fromkeys(test for mutation in mutations for test in mutation.tests)
        status, output = _test(folders[0], tests, f"--numprocesses={workers}")
        if status != 0:
            print(f"{output}\nnothing was tried: the tests fail on the unchanged code")
            return 1
        for folder in folders:
            copies.put(folder)
        wrong = 0
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        for mutation, (verdict, output) in zip(mutations, pool.map(attempt, mutations), strict=True):
            print(f"{verdict:<14}  {mutation.breaks} ({mutation.file})", flush=True)
            if verdict != "noticed":
                wrong += 1
                print(f"{mutation.text}\n--- instead:\n{mutation.instead}\n---\n{output}")
    print(f"{len(mutations) - wrong} of {len(mutations)} mutations were noticed")
    return int(wrong > 0)


def main() -> int:
    """Try the mutations that the command line chooses; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scripts.mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "pattern", nargs="?", default="", help="a regular expression: only mutations whose rule or file it matches"
    )
    pattern = re.compile(parser.parse_args().pattern)
    chosen = [mutation for mutation in MUTATIONS if pattern.search(f"{mutation.breaks} ({mutation.file})")]
    if not chosen:
        parser.error("no mutation matches")
    return _run(chosen)


if __name__ == "__main__":
    sys.exit(main())
