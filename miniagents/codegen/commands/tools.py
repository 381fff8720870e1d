"""The commands `lint`, `diff` and `export`."""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path

from miniagents._replacing import replace, target_of
from miniagents.codegen.commands.command_options import Options
from miniagents.codegen.commands.console import DIFFERS, OK, Console
from miniagents.codegen.reading.bundle import Bundle, bundle_of
from miniagents.codegen.reading.sources import load
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.settings import Settings


def run_lint(options: Options, console: Console) -> int:
    """Report what could be better in schemas, and correct it where that is asked for and mechanical.

    Raises:
        GenerationError: The schemas cannot be read.
    """
    from miniagents.codegen.commands import line_annotations, reports  # noqa: PLC0415 - generating does not need them
    from miniagents.codegen.linting import fixing, lint_settings, linter  # noqa: PLC0415

    _known(options.ignore, linter.RULES, "lint --rules lists them all")
    if options.rules:
        for rule in linter.RULES.values():
            console.write(f"{rule.id:22} {rule.level:9} {rule.why}\n")
        return OK
    if not options.schemas:
        raise GenerationError((Problem("lint", 0, 0, "", "", "no schemas are named", "name files or folders"),))
    strictness = lint_settings.LintSettings(options.level, options.ignore, linter.RULES)
    settings = Settings(reading=options.reading)
    with console.reading(options.schemas), _annotated(options, console):
        sources = load(options.schemas, options.reading)
        if options.fix:
            fixed = fixing.fix(sources, strictness.of, is_library=options.library, settings=settings)
            bundle = fixed.bundle
        else:
            fixed, bundle = None, bundle_of(sources, is_library=options.library, settings=settings)
        found = linter.findings(bundle, strictness.of)
        if strictness.problems:
            raise GenerationError(tuple(strictness.problems), bundle.warnings)
    problems = linter.problems_of(found, strictness.of)
    if fixed is not None:
        for path, text in fixed.texts.items():
            _write(path, text)
        if fixed.corrections:
            files = f"{len(fixed.texts)} file{'s' if len(fixed.texts) > 1 else ''}"
            console.say(f"{fixed.corrections} corrected in {files}")
    console.warnings(bundle.warnings)
    match options.format:
        case "json":
            console.write_json(reports.lint_json(problems))
        case "github":
            console.write(line_annotations.github(line_annotations.of_findings(problems)))
        case "sarif":
            console.write_json(line_annotations.sarif(line_annotations.of_findings(problems)))
        case _:
            console.write(reports.lint_text(problems, console.paint))
    return DIFFERS if problems else OK


def run_diff(options: Options, console: Console) -> int:
    """Report the changes between two versions of schemas, and whom they break.

    Raises:
        GenerationError: A version cannot be read.
    """
    from miniagents.codegen.commands import diff_markdown, line_annotations, reports  # noqa: PLC0415 - generating needs none
    from miniagents.codegen.comparing import comparer  # noqa: PLC0415
    from miniagents.codegen.reading import revisions  # noqa: PLC0415

    _known(options.ignore, comparer.DIFF_RULES, f"one of {', '.join(comparer.DIFF_RULES)}")
    versions: list[Bundle] = []
    problems: list[Problem] = []
    warnings: list[Problem] = []
    with _annotated(options, console):
        for argument in (options.old, options.new):
            try:
                settings = Settings(reading=options.reading)
                versions.append(revisions.read_version(argument, is_library=options.library, settings=settings))
                warnings += versions[-1].warnings
            except GenerationError as error:
                problems += error.problems
                warnings += error.warnings
        if problems:
            raise GenerationError(tuple(problems), tuple(warnings))
    console.warnings(dict.fromkeys(warnings))
    old, new = versions
    gate = options.against
    changes = [each for each in comparer.compare(old, new) if each.rule not in options.ignore]
    match options.format:
        case "json":
            console.write_json(reports.diff_json(changes, gate))
        case "markdown":
            console.write(diff_markdown.diff_markdown(changes, gate))
        case "github":
            console.write(line_annotations.github(line_annotations.of_changes(changes, gate)))
        case "sarif":
            console.write_json(line_annotations.sarif(line_annotations.of_changes(changes, gate)))
        case _:
            console.write(reports.diff_text(changes, gate, console.paint))
    return DIFFERS if any(map(gate.broken, changes)) else OK


@contextmanager
def _annotated(options: Options, console: Console) -> Generator[None, None, None]:
    """Report problems of the block also in the format that was asked for, if that is one for annotations."""
    from miniagents.codegen.commands import line_annotations  # noqa: PLC0415 - generating does not need them

    try:
        yield
    except GenerationError as error:
        if options.format == "github":
            console.write(line_annotations.github(line_annotations.of_refusals(error.problems)))
        elif options.format == "sarif":
            console.write_json(line_annotations.sarif(line_annotations.of_refusals(error.problems)))
        raise


def run_export(options: Options, console: Console) -> int:
    """Write the types of a module as JSON Schema.

    Raises:
        GenerationError: The module cannot be imported, or a type has no schema.
    """
    from miniagents.codegen.exporting.exporter import export  # noqa: PLC0415 - generating does not need it

    text = export(options.module)
    if options.output is None:
        console.write_json(text)
    else:
        _write(options.output, text)
    return OK


def _write(path: Path, text: str) -> None:
    try:
        replace(target_of(path), text.encode())
    except OSError as error:
        wrong = error.strerror or str(error)
        problem = Problem(path.as_posix(), 0, 0, "", "", wrong, "name a file that can be written")
        raise GenerationError((problem,)) from None


def _known(names: list[str], rules: Collection[str], remedy: str) -> None:

    problems = [
        Problem("--ignore", 0, 0, "", name, "there is no such rule", remedy) for name in names if name not in rules
    ]
    if problems:
        raise GenerationError(tuple(problems))
