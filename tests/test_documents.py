"""What the documents show is run: programs print what is written below them, files and commands are as they are shown.

- A `python` block is a whole program, run in a folder made for the document. A `text` (or `output`) block behind it,
  with at most one line that ends in a colon in between, is all that it prints. One below a line that names a file,
  "`mistaken.py`:", is only written there.
- A `json` block is JSON, and is written to the file that the line above it names: "`weather.schema.json`:".
- In a `sh` block a command `scripts/...` exists, and a command `miniagents ...` or `mypy ...` is run. It must not fail,
  unless a `text` block behind it shows what it says.
- Models of language that a program asks are those of `MODELS`, on a server of this test.
- `<!-- continues -->` before a `python` block runs it with the names of the one before it, `<!-- no-run: reason -->`
  before any block leaves it alone.
"""

import contextlib
import importlib
import io
import json
import logging
import os
import re
import shlex
import subprocess
import sys
import traceback
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from miniagents.cli import main as miniagents_command
from tests.ext.llm.answers import Answer, answer, tool_call
from tests.ext.llm.serving import models_served

ROOT: Final = Path(__file__).parent.parent
GUIDE: Final = "miniagents/guide"
DOCUMENTS: Final = (
    "README.md",
    "CONTRIBUTING.md",
    *(f"{GUIDE}/{page.name}" for page in sorted((ROOT / GUIDE).glob("*.md"))),
)

MODELS: Final[Mapping[str, Answer | tuple[Answer, ...]]] = {
    "gpt-5": answer("Leaves in hot water.", reasoning="Keep it short."),
    "claude-opus-4-8": answer("A drink that calms."),
    "claude-haiku-4-5": answer('{"city": "Kiel", "celsius": 21, "sky": "clouds"}'),
    "qwen3": answer('{"city": "Venus", "celsius": 464}'),
    "gpt-5-nano": answer('{"reply-value": [{"item": "tea", "count": 2}, {"item": "scone", "count": 1}]}'),
    "gpt-5-mini": (
        answer(
            "I ask for today, and for next month.",
            tool_calls=[
                tool_call("temperature", {"city": "Kiel"}, id="call_1"),
                tool_call("temperature", {"city": "Kiel", "days": 30}, id="call_2"),
            ],
        ),
        answer("Now the verse.", tool_calls=[tool_call("poet", {"message": "21 °C"}, id="call_3")]),
        answer("O merry day! 21 °C"),
    ),
    "gpt-5.1": (
        answer("I ask.", tool_calls=[tool_call("expert", {"message": "What is tea?"}, id="call_1")]),
        answer("It calms."),
    ),
}
"""What models say to the programs of the documents."""

OUTPUT: Final = ("text", "output")
ALMOST: Final = {
    "bash": "sh",
    "console": "sh",
    "shell": "sh",
    "zsh": "sh",
    "py": "python",
    "pycon": "python",
    "python3": "python",
}
"""Names of languages under which a block would not be run, and the ones under which it is."""


@dataclass(frozen=True)
class Block:
    """A block between fences.

    Attributes:
        line: Where its content begins.
        before: The last line above it that is not blank; a comment for this test is not counted.
        between: The lines, not blank, that lie between the block before it and this one.
        comment: What a comment directly above it says, "" if there is none.
    """

    language: str
    content: str
    line: int
    before: str
    between: tuple[str, ...]
    comment: str


def blocks_of(text: str) -> Iterator[Block]:
    """The blocks of a document.

    Raises:
        ValueError: A block does not end.
    """
    between: list[str] = []
    numbered = iter(enumerate(text.splitlines(), 1))
    for number, line in numbered:
        fence = re.match(r"\s*(`{3,}|~{3,})\s*([\w+-]*)", line)
        if fence is None:
            if line.strip():
                between.append(line.strip())
            continue
        content: list[str] = []
        for _, inner in numbered:
            if re.fullmatch(re.escape(fence[1]) + fence[1][0] + r"*\s*", inner.strip()):
                break
            content.append(inner + "\n")
        else:
            raise ValueError(f"line {number}: this block does not end")
        comment = re.fullmatch(r"<!--\s*(.*?)\s*-->", between[-1]) if between else None
        prose = between if comment is None else between[:-1]
        yield Block(
            language=fence[2],
            content="".join(content),
            line=number + 1,
            before=prose[-1] if prose else "",
            between=tuple(prose),
            comment="" if comment is None else comment[1],
        )
        between = []


class Runner:
    """Runs the blocks of a document, in the current folder, and gathers what is wrong with them."""

    def __init__(self, text: str) -> None:
        self.blocks = list(blocks_of(text))
        self.problems: list[str] = []
        self.programs = 0
        self._module = types.ModuleType("__main__")

    def run(self) -> None:
        for place, block in enumerate(self.blocks):
            following = self.blocks[place + 1] if place + 1 < len(self.blocks) else None
            try:
                self._look_at(block, self.blocks[place - 1] if place else None, following)
            except Problem as problem:
                self.problems.append(f"line {block.line}: {problem}")

    def _look_at(self, block: Block, before: Block | None, following: Block | None) -> None:
        if block.language.lower() in ALMOST or (block.language != block.language.lower()):
            language = block.language.lower()
            raise Problem(f"`{block.language}` blocks are not looked at: call it `{ALMOST.get(language, language)}`")
        expected = following.content if following is not None and is_output(following) else None
        if block.comment.startswith("no-run"):
            if not re.fullmatch(r"no-run:\s*\S.*", block.comment):
                raise Problem("say why it is not run: <!-- no-run: reason -->")
        elif block.language == "python":
            if file_for(block, ".py") is not None:
                write_file(block, ".py")
            else:
                self._run_program(block, expected)
        elif block.language == "json":
            write_json(block)
        elif block.language == "sh":
            said = "".join(
                run_command(command, may_fail=expected is not None) for command in commands_in(block.content)
            )
            if expected is not None and said != expected:
                raise Problem(f"it said\n{said}instead of\n{expected}")
        elif block.language == "output" and not (before is not None and before.language in {"python", "sh"}):
            raise Problem("there is no program above that could print this")

    def _run_program(self, block: Block, expected: str | None) -> None:
        if block.comment != "continues":
            # a module like any other: some names are looked up in it by its name
            self._module = types.ModuleType("__main__")
        printed = io.StringIO()
        before = sys.modules["__main__"]
        sys.modules["__main__"] = self._module
        try:
            # the empty lines give tracebacks the numbers of the document's lines
            program = compile("\n" * (block.line - 1) + block.content, "<document>", "exec", dont_inherit=True)
            with contextlib.redirect_stdout(printed):
                exec(program, vars(self._module))
        except (Exception, SystemExit) as error:
            raise Problem("".join(traceback.format_exception(error))) from error
        finally:
            sys.modules["__main__"] = before
        self.programs += 1
        if expected is not None and printed.getvalue() != expected:
            raise Problem(f"it printed\n{printed.getvalue()}instead of\n{expected}")


class Problem(Exception):  # noqa: N818 - it is no error of this test
    """What is wrong with a block."""


def is_output(block: Block) -> bool:
    """Whether it shows what the program above it prints."""
    announced = not block.between or (len(block.between) == 1 and block.between[0].endswith(":"))
    return block.language in OUTPUT and announced and not block.comment.startswith("no-run")


def file_for(block: Block, suffix: str) -> Path | None:
    """The file that the line above a block names."""
    name = re.search(rf"`([\w./-]+{re.escape(suffix)})`:$", block.before)
    return None if name is None else Path(name[1])


def write_file(block: Block, suffix: str) -> None:
    path = file_for(block, suffix)
    if path is not None:
        if path.is_absolute() or ".." in path.parts:
            raise Problem(f"{path} is outside of the document's folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.content, encoding="utf-8")


def write_json(block: Block) -> None:
    try:
        json.loads(block.content)
    except json.JSONDecodeError as error:
        raise Problem(f"this is no JSON: {error}") from error
    write_file(block, ".json")


def commands_in(content: str) -> Iterator[list[str]]:
    for line in content.replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if words:
            yield words


def run_command(words: list[str], *, may_fail: bool = False) -> str:
    """Run a command, and return what it says."""
    command, *arguments = words
    status: object = 0
    said = io.StringIO()
    if command.startswith("scripts/"):
        if not os.access(ROOT / command, os.X_OK):
            raise Problem(f"there is no command {command}")
    elif command == "miniagents":
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                status = miniagents_command(arguments)
            except SystemExit as end:
                status = end.code
        importlib.invalidate_caches()  # the next program may import what was generated
    elif command == "mypy":
        program = [sys.executable, "-m", "mypy", "--cache-dir", str(ROOT / ".mypy_cache" / "readme"), *arguments]
        checked = subprocess.run(program, capture_output=True, check=False, encoding="utf-8")
        status = checked.returncode
        said.write(checked.stdout + checked.stderr)
    if status and not may_fail:
        raise Problem(f"{shlex.join(words)} ended with {status}: {said.getvalue()}")
    return said.getvalue()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of the document's own, from which its programs can import what its commands generated.

    What a document switches on in the log of calls, in the manner of a program, is switched off behind it.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = set(sys.modules)
    yield tmp_path
    logging.getLogger("miniagents.calls").setLevel(logging.NOTSET)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.usefixtures("folder")
def test_the_document_is_true(document: str) -> None:
    runner = Runner((ROOT / document).read_text(encoding="utf-8"))
    with models_served(MODELS):
        runner.run()
    assert not runner.problems, f"{document}\n" + "\n".join(runner.problems)


# --- the test of the test ---

GOOD = """\
# A sample

A program and what it prints:

```python
import asyncio

from miniagents import InteractionContext, MiniAgents, miniagent


class Greeter:
    ctx: "InteractionContext"

    def __init__(self, ctx: "InteractionContext") -> None:
        self.ctx = ctx

    async def __call__(self) -> None:
        self.ctx.reply([f"Hello, {message}!" for message in await self.ctx.messages])


greeter = miniagent(Greeter)


async def main() -> None:
    async with MiniAgents():
        print(await greeter.inquire("Ada"))


asyncio.run(main())
```

It prints:

```text
(Message(text='Hello, Ada!'),)
```

<!-- continues -->
```python
print(greeter)
```

```output
<MiniAgent 'Greeter'>
```

The schema of a message, `forecast.schema.json`:

```json
{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "$defs": {
    "SampleForecast": {
      "description": "What is to come.",
      "type": "object",
      "properties": {"city": {"type": "string", "description": "Where."}},
      "required": ["city"],
      "additionalProperties": false
    }
  }
}
```

```sh
scripts/check   # not run here
miniagents generate forecast.schema.json \\
    --output sample_forecast.py
```

```python
from sample_forecast import SampleForecast

print(SampleForecast(city="Berlin").city)
```

```text
Berlin
```

<!-- no-run: it asks a person -->

```python
input()
```

A picture, which belongs to no program.

```text
a -> b
```
"""


@pytest.mark.usefixtures("folder")
def test_a_good_document() -> None:
    runner = Runner(GOOD)
    runner.run()
    assert not runner.problems
    assert runner.programs == 3
    assert Path("forecast.schema.json").exists()


def program(code: str, output: str | None = None) -> str:
    shown = "" if output is None else f"\n```text\n{output}\n```\n"
    return f"```python\n{code}\n```\n{shown}"


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (program("print(1)", "2"), r"line 2: it printed\n1\ninstead of\n2\n"),
        (program("print(1)", "1\n"), "it printed"),
        (program("print(1)\nprint(2)", "1"), "it printed"),
        ("\n" + program("print(1)\n1 / 0"), r'(?s)"<document>", line 4.*ZeroDivisionError'),
        (program("raise SystemExit(1)"), "SystemExit"),
        (program("def"), "SyntaxError"),
        (program("name = 1") + program("print(name)"), "NameError"),
        ("<!-- no-run -->\n" + program("1 / 0"), "say why"),
        ("<!-- no-run: -->\n" + program("1 / 0"), "say why"),
        ("```output\n1\n```\n", "no program"),
        ("```json\n{\n```\n", "no JSON"),
        ("`../a.json`:\n\n```json\n{}\n```\n", "outside"),
        ("```sh\nscripts/nothing --all\n```\n", "no command scripts/nothing"),
        ("```sh\nminiagents generate nothing.schema.json --output nothing.py\n```\n", "ended with"),
        (
            "```sh\nminiagents generate nothing.json --output nothing.py\n```\n\n```text\nwell\n```\n",
            "it said\nnothing",
        ),
        ("`mistaken.py`:\n" + program("name: int = ''") + "```sh\nmypy mistaken.py\n```\n", "ended with 1"),
        ("`../mistaken.py`:\n" + program("1 / 0"), "outside"),
        ("```py\nprint(1)\n```\n", "call it `python`"),
        ("```Python\nprint(1)\n```\n", "call it `python`"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_bad_document(document: str, problem: str) -> None:
    runner = Runner(document)
    runner.run()
    assert len(runner.problems) == 1
    assert re.search(problem, runner.problems[0])


def test_a_document_with_an_open_end() -> None:
    with pytest.raises(ValueError, match="line 3: this block does not end"):
        Runner("text\n\n```python\nprint(1)\n")
