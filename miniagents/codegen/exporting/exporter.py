"""`export`, which writes the types of a Python module as JSON Schema 2020-12.

A generated module is read as text, and the result generates the same module again. Any other module is imported, and
its classes are inspected.
"""

import importlib
import importlib.util
import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.exporting.generated import export_generated
from miniagents.codegen.library import SCHEME
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.texts import FIRST

__all__ = ["export"]


def export(module: str) -> str:
    """Return the schema of the types of a module, as JSON text.

    Args:
        module: The name of the module for an import, or its file. A module that was not generated is imported, which
            runs it.

    Raises:
        GenerationError: There is no such module, it cannot be imported, or a type in it has no schema.
    """
    file = _file(module)
    if file.is_dir():
        file /= "__init__.py"
    try:
        schema = export_generated(file.as_posix(), _texts(file))
    except OSError as error:
        raise _error(module, error.strerror or str(error), "name a Python module") from None
    except (UnicodeDecodeError, SyntaxError) as error:
        raise _error(module, str(error), "name a Python module") from None
    if schema is None:
        with _imported(module, file) as made:
            schema = _of_classes(made)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _texts(file: Path) -> list[str]:
    """Return the text of a module; for a generated package also the texts of its modules."""
    text = file.read_text(encoding="utf-8")
    if file.name != "__init__.py" or not text.startswith(f"# {FIRST}"):
        return [text]
    return [text, *(each.read_text(encoding="utf-8") for each in sorted(file.parent.glob("*.py")) if each != file)]


def _of_classes(module: ModuleType) -> dict[str, JsonValue]:
    from miniagents.describing.module_schemas import module_schema  # noqa: PLC0415 - the module was imported, and it with it

    try:
        return module_schema(module, SCHEME)
    except ExceptionGroup as group:
        problems = tuple(Problem(module.__name__, 0, 0, "", "", str(each), "") for each in group.exceptions)
        raise GenerationError(problems) from None


def _file(module: str) -> Path:
    if module.endswith(".py") or "/" in module or Path(module).is_file():
        return Path(module)
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError) as error:
        raise _error(module, str(error), "name a module to import, or its file") from None
    finally:
        if added:
            sys.path.remove(here)
    if spec is None or spec.origin is None or not spec.has_location:
        raise _error(module, "there is no such module", "name a module to import, or its file")
    return Path(spec.origin)


@contextmanager
def _imported(module: str, file: Path) -> Generator[ModuleType, None, None]:
    """Import a module; if it is given by its file, remove it from `sys.modules` afterwards."""
    is_file = module.endswith(".py") or "/" in module or Path(module).is_file()
    if not is_file:
        here = str(Path.cwd())
        sys.path.insert(0, here)
        try:
            made = importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - whatever the module does
            raise _not_imported(module, error) from None
        finally:
            sys.path.remove(here)
        yield made
        return
    name = f"_exported_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise _error(module, "is no Python module", "name a module to import, or its file")
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    try:
        try:
            spec.loader.exec_module(made)
        except Exception as error:  # noqa: BLE001 - whatever the module does
            raise _not_imported(module, error) from None
        yield made
    finally:
        sys.modules.pop(name, None)


def _not_imported(module: str, error: Exception) -> GenerationError:
    return _error(module, f"cannot be imported: {type(error).__name__}: {error}", "correct it")


def _error(module: str, wrong: str, remedy: str) -> GenerationError:
    return GenerationError((Problem(module, 0, 0, "", "", wrong, remedy),))
