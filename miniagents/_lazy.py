"""Names of a package that are imported when they are first used, so that importing the package stays cheap (PEP 562).

The `__init__.py` of a package imports such names under `if TYPE_CHECKING:`, where type checkers and editors see them.
Under `else:` it takes its `__getattr__` and `__dir__` from here. For programs there is no difference.

The errors for names that are not there say what to write instead, if that is known.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["OldName", "OptionOnly", "at_home", "lazy_names", "teaching"]


def lazy_names(
    package: str, modules: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the functions `__getattr__` and `__dir__` of a package.

    Args:
        package: The name of the package.
        modules: The names that are imported when they are first used, by the name of their module in the package. The
            modules themselves are attributes of the package as well.
    """
    teach = teaching(package)
    homes = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> object:
        if name in modules:
            return import_module(f"{package}.{name}")
        if name not in homes:
            return teach(name)
        value: object = getattr(import_module(f"{package}.{homes[name]}"), name)
        vars(sys.modules[package])[name] = value  # the next use does not come here
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names


def at_home(package: str, *unlisted: str) -> None:
    """Have what a package exports of its private modules say that it is from the package.

    So names in tracebacks, in `repr` and in pickles can be imported. Names of public modules stay as they are.

    Args:
        package: The name of the package, which calls this on its last line; or that of a module, for what it exports of
            private modules beside it.
        unlisted: Modules of the package that have no `__all__`.
    """
    names = vars(sys.modules[package])
    home = package if "__path__" in names else package.rpartition(".")[0]
    private = tuple(f"{home}.{name}" for name in ("_", *unlisted))
    for value in map(names.get, names["__all__"]):
        if isinstance(value, type | FunctionType) and value.__module__.startswith(private):
            value.__module__ = package
            # since Python 3.13: a line of the module where the class was made
            if isinstance(value, type) and "__firstlineno__" in vars(value):
                type.__delattr__(value, "__firstlineno__")


def teaching(package: str) -> Callable[[str], object]:
    """Return the `__getattr__` of a package that has no other names than those in it."""

    def get(name: str) -> object:
        if name.startswith("__"):  # `import` asks a module whether it is a package
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=sys.modules[package])
        from miniagents._old_names import missing  # noqa: PLC0415  # most programs ask for names that are there

        raise missing(package, name)

    return get


class OldName:
    """An attribute of 0.0.35: asking for it raises an `AttributeError` that says what to write instead.

    Args:
        instead: What to write.
    """

    __slots__ = ("_instead", "_name")

    def __init__(self, instead: str) -> None:
        self._instead = instead
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> object:
        text = f"{owner.__name__} has no attribute {self._name!r}; it was in miniagents 0.0.35"
        raise AttributeError(
            f"{text}, write instead: {self._instead}", name=self._name, obj=owner if instance is None else instance
        )


class OptionOnly:
    """An option that an object takes when it is made, and no attribute of it: assigning to it would change nothing."""

    __slots__ = ("_name",)

    def __init__(self) -> None:
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> object:
        raise self._error(owner)

    def __set__(self, instance: object, value: object) -> None:
        raise self._error(type(instance))

    def _error(self, owner: type) -> AttributeError:
        name, option = owner.__name__, self._name
        return AttributeError(f"{name}: {option!r} is an option, not an attribute: give it as {name}({option}=…)")
