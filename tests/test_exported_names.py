"""What holds for every name that a package exports: where it says it is from, what it documents, how it is shown."""

import enum
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest

import miniagents
from tests.guide.test_from_0_0_35 import ROWS

PACKAGES: Final = [
    "miniagents",
    *(
        f"miniagents.{name}"
        for name in (
            *(
                "agents",
                "calls",
                "chat",
                "composition",
                "ext.llm",
                "ext.llm.anthropic",
                "ext.llm.openai",
                "ext.notebook",
            ),
            *(
                "ext.mcp",
                "ext.otel",
                "ext.store",
                "histories",
                "messages",
                "miniagents",
                "promising",
                "testing",
                "tools",
                "utils",
                "validation",
                "wire",
            ),
        )
    ),
]
"""The packages that users import from."""


class Exported(NamedTuple):
    """A class or function under a name that a package exports."""

    package: str
    name: str
    value: object


def exported() -> Iterator[Exported]:
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            yield Exported(package, name, getattr(module, name))


ALL: Final = [
    each
    for each in exported()
    if (inspect.isclass(each.value) or inspect.isfunction(each.value))
    and each.value.__module__.startswith("miniagents")
]
each_name = pytest.mark.parametrize("exported", ALL, ids=lambda each: f"{each.package}.{each.name}")


def test_no_package_is_left_out() -> None:
    packages = {
        each.name
        for each in pkgutil.walk_packages(miniagents.__path__, "miniagents.")
        if each.ispkg and not re.search(r"\._|\.(commands|guide|codegen|describing|picturing)\b", each.name)
    }
    inner = {"miniagents.ext", "miniagents.promising.core", "miniagents.promising.combinators"}
    inner |= {f"miniagents.messages.{name}" for name in ("coding", "promised", "values")}
    assert packages - inner <= {*PACKAGES}


@each_name
def test_its_module_is_a_public_home(exported: Exported) -> None:
    """Whoever reads the name of a class in a traceback or a `repr` can import it from there."""
    value = exported.value
    assert inspect.isclass(value) or inspect.isfunction(value)
    home = importlib.import_module(value.__module__)
    assert not any(part.startswith("_") for part in value.__module__.split("."))
    assert getattr(home, value.__qualname__) is value
    assert value.__qualname__ in home.__all__


@each_name
def test_its_source_is_its_own_or_unknown(exported: Exported) -> None:
    """Python looks for a class in the file of its module, which is not where a package has made it."""
    value = exported.value
    assert inspect.isclass(value) or inspect.isfunction(value)
    try:
        source = inspect.getsource(value)
    except (OSError, TypeError):
        return
    assert re.search(rf"^\s*(async def|def|class) {value.__name__}\b", source, re.MULTILINE)


@each_name
def test_it_has_a_docstring(exported: Exported) -> None:
    value = exported.value
    assert inspect.isclass(value) or inspect.isfunction(value)
    assert value.__doc__


@each_name
def test_objects_of_its_class_show_no_address(exported: Exported) -> None:
    value = exported.value
    if inspect.isclass(value) and not getattr(value, "_is_protocol", False):
        assert value.__repr__ is not object.__repr__


# --- names that are not there ---

OLD: Final = sorted(
    {
        name
        for row in ROWS
        if row.verdict != "same"
        for name in re.findall(r"`(\w+)`", row.old)
        if not hasattr(miniagents, name) and not name.startswith("_")
    }
)
ELSEWHERE: Final = sorted(
    {each.name for each in exported() if not hasattr(miniagents, each.name) and not each.name.startswith("_")}
)


def from_import(package: str, name: str) -> str:
    """What `from package import name` says."""
    with pytest.raises(ImportError) as caught:
        exec(f"from {package} import {name}", {})
    return str(caught.value)


def test_the_names_are_many() -> None:
    assert len(OLD) > 60
    assert {"TextMessage", "dialog_loop", "agent_chain", "console_user_agent", "TextToken"} <= {*OLD}
    assert {"create_openai_agent", "read_records", "scripted_agent", "ReplySchema"} <= {*ELSEWHERE}


@pytest.mark.parametrize("name", sorted({*OLD} - {*ELSEWHERE}))
@pytest.mark.parametrize("package", ["miniagents", "miniagents.ext", "miniagents.ext.llm", "miniagents.messages"])
def test_a_name_of_0_0_35_says_what_to_write(package: str, name: str) -> None:
    said = from_import(package, name)
    rows = [row for row in ROWS if f"`{name}`" in row.old and row.verdict != "same"]
    assert any(
        f"0.0.35{' and is gone' * (row.verdict == 'not there')}, write instead: {row.here}" in said for row in rows
    )
    assert not hasattr(importlib.import_module(package), name)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_name_of_another_package_says_where_it_is(name: str) -> None:
    said = from_import("miniagents", name)
    statement = said.split("`")[1]
    exec(statement, {})
    assert statement.endswith(f" import {name}")


@pytest.mark.parametrize("name", ["no_such_name", "_private", "__wrapped__"])
def test_any_other_name_is_missing_as_from_any_module(name: str) -> None:
    assert "write" not in from_import("miniagents", name)
    with pytest.raises(AttributeError, match=f"module 'miniagents' has no attribute '{name}'$"):
        getattr(miniagents, name)


def test_what_teaches_is_loaded_only_where_a_name_is_missing() -> None:
    program = "import sys, miniagents, miniagents.ext.llm; print('miniagents._old_names' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout == "False\n"
    )


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        *((miniagents.MiniAgent, name) for name in ("trigger", "fork", "initiate_call")),
        *(
            (miniagents.InteractionContext, name)
            for name in (
                "message_promises",
                "get_current",
                "get_agent_trace",
                "await_now",
                "afinish_early",
                "miniagents",
            )
        ),
        *((miniagents.MiniAgents, name) for name in ("get_current", "run_agent", "start_soon", "agather")),
        *((miniagents.AgentCall, name) for name in ("is_finished", "send_out_of_order")),
    ],
)
def test_an_old_attribute_says_what_to_write(cls: type, name: str) -> None:
    assert not hasattr(cls, name)
    with pytest.raises(
        AttributeError, match=rf"has no attribute '{name}'; it was in miniagents 0\.0\.35, write instead: "
    ):
        getattr(cls, name)


def test_completion_shows_what_is_for_users() -> None:
    """All that `dir` shows of a context is in the guide or has an example, and machinery is not shown."""
    context = miniagents.MiniAgents()
    shown = {name for name in dir(context) if not name.startswith("_")}
    assert shown == {
        *("activate", "afinalize", "current", "describe", "entered", "errors_as_messages", "flush", "from_thread"),
        *("longer_hash_keys", "max_ahead", "on_leave", "parent", "run", "shared", "shared_async", "shutdown_timeout"),
        *("spawn", "stall_warning", "start_asap", "strict"),
    }
    assert not isinstance(context, enum.Enum)
    parameters = inspect.signature(miniagents.MiniAgents).parameters
    assert all(
        f"        {name}: " in (miniagents.MiniAgents.__doc__ or "")
        or f"    {name}: " in (miniagents.MiniAgents.__doc__ or "")
        for name in parameters
    )
