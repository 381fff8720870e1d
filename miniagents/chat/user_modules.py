"""Modules of the user, and the things in them that the command line names."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from miniagents.chat.chat_errors import ChatError, one_line

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["imported_module", "split_place"]


def split_place(place: str) -> tuple[str, str]:
    """Return where a module is, and the name behind its colon; "" if there is none."""
    where, colon, name = place.rpartition(":")
    return (where, name) if colon and not where.endswith(("/", "\\")) else (place, "")


def imported_module(where: str) -> ModuleType:
    """Import a file, or a module by its name; the current folder is searched first.

    Raises:
        ChatError: There is none, or it cannot be imported.
    """
    if where.endswith(".py"):
        return _file(Path(where))
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{where}.".startswith(f"{error.name}."):
            raise ChatError(_cannot(where, error)) from None
        raise ChatError(
            f"there is no module {error.name!r}, neither in {Path.cwd()} nor among the installed packages"
        ) from None
    except Exception as error:  # noqa: BLE001 - the code of the user may raise any error
        raise ChatError(_cannot(where, error)) from None


# --- machinery ---


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise ChatError(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ChatError(f"{path} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # annotations of its classes are resolved there, as after an ordinary import
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # noqa: BLE001 - the code of the user may raise any error
        raise ChatError(_cannot(str(path), error)) from None
    return module


def _cannot(where: str, error: Exception) -> str:
    """Return the text of the error that says why a module cannot be imported, and at which line."""
    frames = inspect.getinnerframes(error.__traceback__) if error.__traceback__ is not None else []
    own = [frame for frame in frames if "importlib" not in frame.filename and frame.filename != __file__]
    at = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
    return f"{where} cannot be imported: {one_line(error)}{at}"
