"""The commands `lint`, `diff` and `export`."""

from collections.abc import Collection

from miniagents._replacing import replace, target_of
from miniagents.codegen.commands.command_options import Options
from miniagents.codegen.commands.console import DIFFERS, OK, Console
from miniagents.codegen.reading.bundle import Bundle, read_bundle
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.settings import Settings


def run_lint(options: Options, console: Console) -> int:
    """Report what could be better in schemas.

    Raises:
        GenerationError: The schemas cannot be read.
    """
    from miniagents.codegen.commands import reports  # noqa: PLC0415 - generating does not need them
    from miniagents.codegen.linting import linter  # noqa: PLC0415

    _known(options.ignore, linter.RULES, "lint --rules lists them all")
    if options.rules:
        for rule in linter.RULES.values():
            console.write(f"{rule.id:22} {rule.level:9} {rule.why}\n")
        return OK
    if not options.schemas:
        raise GenerationError((Problem("lint", 0, 0, "", "", "no schemas are named", "name files or folders"),))
    with console.reading(options.schemas):
        settings = Settings(reading=options.reading)
        bundle = read_bundle(options.schemas, is_library=options.library, settings=settings)
        findings = linter.lint(bundle, options.level, ignored=options.ignore)
    console.warnings(bundle.warnings)
    if options.format == "text":
        console.write(reports.lint_text(findings, console.paint))
    else:
        console.write_json(reports.lint_json(findings))
    return DIFFERS if findings else OK


def run_diff(options: Options, console: Console) -> int:
    """Report the changes between two versions of schemas, and whom they break.

    Raises:
        GenerationError: A version cannot be read.
    """
    from miniagents.codegen.commands import reports  # noqa: PLC0415 - generating does not need them
    from miniagents.codegen.comparing import comparer  # noqa: PLC0415
    from miniagents.codegen.reading import revisions  # noqa: PLC0415

    _known(options.ignore, comparer.DIFF_RULES, f"one of {', '.join(comparer.DIFF_RULES)}")
    versions: list[Bundle] = []
    problems: list[Problem] = []
    for argument in (options.old, options.new):
        try:
            settings = Settings(reading=options.reading)
            versions.append(revisions.read_version(argument, is_library=options.library, settings=settings))
        except GenerationError as error:
            problems += error.problems
    if problems:
        raise GenerationError(tuple(problems))
    old, new = versions
    changes = [each for each in comparer.compare(old, new) if each.rule not in options.ignore]
    if options.format == "text":
        console.write(reports.diff_text(changes, options.against, console.paint))
    else:
        console.write_json(reports.diff_json(changes, options.against))
    return DIFFERS if any(set(each.breaks) & set(options.against) for each in changes) else OK


def run_export(options: Options, console: Console) -> int:
    """Write the types of a module as JSON Schema.

    Raises:
        GenerationError: The module cannot be imported, or a type has no schema.
    """
    from miniagents.codegen.exporting.exporter import export  # noqa: PLC0415 - generating does not need it

    text = export(options.module)
    if options.output is None:
        console.write_json(text)
        return OK
    try:
        replace(target_of(options.output), text.encode())
    except OSError as error:
        wrong = error.strerror or str(error)
        problem = Problem(options.output.as_posix(), 0, 0, "", "", wrong, "name a file that can be written")
        raise GenerationError((problem,)) from None
    return OK


def _known(names: list[str], rules: Collection[str], remedy: str) -> None:

    problems = [
        Problem("--ignore", 0, 0, "", name, "there is no such rule", remedy) for name in names if name not in rules
    ]
    if problems:
        raise GenerationError(tuple(problems))
