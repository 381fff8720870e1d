"""Fixtures of pytest: each runs a test on a virtual clock, in a project that has nothing else."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent.parent

PLAIN: Final = """
    import asyncio
    from miniagents.testing.fixtures import virtual_clock

    def test_an_hour(virtual_clock):
        virtual_clock.run(asyncio.sleep(3600))
        assert virtual_clock.get_loop().time() == 3600

    def test_another_clock(virtual_clock):
        assert virtual_clock.get_loop().time() == 0
    """

ANYIO: Final = """
    import anyio, pytest
    from miniagents.testing.fixtures import anyio_backend

    @pytest.fixture
    async def late():
        await anyio.sleep(60)

    @pytest.mark.anyio
    async def test_a_minute(late):
        with anyio.move_on_after(60):
            await anyio.sleep(3600)
        assert anyio.current_time() == 120

    @pytest.mark.anyio
    async def test_another_clock():
        assert anyio.current_time() == 0
    """

ASYNCIO: Final = """
    import asyncio, pytest, pytest_asyncio

    @pytest_asyncio.fixture
    async def late():
        await asyncio.sleep(60)

    @pytest.mark.asyncio
    async def test_an_hour(late):
        await asyncio.sleep(3600)
        assert asyncio.get_running_loop().time() == 3660

    @pytest.mark.asyncio
    async def test_another_clock():
        assert asyncio.get_running_loop().time() == 0
    """

CASSETTE: Final = """
    import asyncio, os
    import pytest
    from miniagents import MiniAgents, ToolCall, tool
    from miniagents.testing.fixtures import cassette

    @tool
    async def weather(city: str) -> str:
        "Tell the weather."
        print("asked for", city)
        return "rain"

    @pytest.mark.parametrize("city", ["Kiel", "a/b" * 100])
    def test_weather(cassette, city):
        async def main():
            async with MiniAgents(around_calls=cassette):
                return await weather.answer(ToolCall(id="1", name="weather", arguments='{"city": "%s"}' % city))

        assert str(asyncio.run(main())) == "rain"
        assert "BREAK" not in os.environ
        if "RAISE" in os.environ:
            raise RuntimeError("broken")
    """

FROM_HOOK: Final = "from miniagents.testing.fixtures import pytest_asyncio_loop_factories"
ALL: Final = 'pytest_plugins = ["miniagents.testing.fixtures"]'


def without_import(test: str) -> str:
    return "\n".join(line for line in test.splitlines() if "miniagents.testing.fixtures" not in line)


@pytest.mark.parametrize(
    ("test", "conftest"),
    [
        pytest.param(PLAIN, "", id="plain"),
        pytest.param(ANYIO, "", id="anyio"),
        pytest.param(ASYNCIO, FROM_HOOK, id="pytest-asyncio"),
        pytest.param(without_import(PLAIN), ALL, id="plain, as a plugin"),
        pytest.param(without_import(ANYIO), ALL, id="anyio, as a plugin"),
        pytest.param(ASYNCIO, ALL, id="pytest-asyncio, as a plugin"),
    ],
)
def test_tests_run_on_a_virtual_clock(test: str, conftest: str, tmp_path: Path) -> None:
    ended = run_pytest(test, conftest, tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "2 passed" in ended.stdout


def test_the_hook_is_no_error_without_pytest_asyncio(tmp_path: Path) -> None:
    ended = run_pytest(without_import(PLAIN), ALL, tmp_path, "-p", "no:asyncio")
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("as_plugin", [True, False])
def test_each_test_has_a_cassette_of_its_own(as_plugin: bool, tmp_path: Path) -> None:
    test, conftest = (without_import(CASSETTE), ALL) if as_plugin else (CASSETTE, "")
    for asked in (2, 0):
        ended = run_pytest(test, conftest, tmp_path, "-rP")
        assert ended.returncode == 0, ended.stdout
        assert ended.stdout.count("asked for") == asked
    files = sorted((tmp_path / "cassettes" / "test_it").iterdir())
    assert [len(file.name) <= 110 for file in files] == [True, True]
    assert files[0].name == "test_weather[Kiel].cassette"


CLASSES: Final = """
    import asyncio
    from miniagents import MiniAgents, ToolCall, tool

    @tool
    async def weather(city: str) -> str:
        "Tell the weather."
        return f"rain in {city}"

    async def ask(cassette, city):
        async with MiniAgents(around_calls=cassette):
            return str(await weather.answer(ToolCall(id="1", name="weather", arguments='{"city": "%s"}' % city)))

    class TestKiel:
        def test_weather(self, cassette):
            assert asyncio.run(ask(cassette, "Kiel")) == "rain in Kiel"

        class TestInner:
            def test_weather(self, cassette):
                assert asyncio.run(ask(cassette, "Bonn")) == "rain in Bonn"

    class TestRome:
        def test_weather(self, cassette):
            assert asyncio.run(ask(cassette, "Rome")) == "rain in Rome"

    def test_weather(cassette):
        assert asyncio.run(ask(cassette, "Oslo")) == "rain in Oslo"

    def test_nothing(cassette):
        pass
    """


def test_tests_of_the_same_name_in_other_classes_have_other_cassettes(tmp_path: Path) -> None:
    for options in ((), ("--cassettes=replay",), ("--cassettes=none_new",)):
        ended = run_pytest(CLASSES, ALL, tmp_path, *options)
        assert "5 passed" in ended.stdout, ended.stdout
    assert sorted(file.name for file in (tmp_path / "cassettes" / "test_it").iterdir()) == [
        "TestKiel.TestInner.test_weather.cassette",
        "TestKiel.test_weather.cassette",
        "TestRome.test_weather.cassette",
        "test_weather.cassette",
    ]


@pytest.mark.parametrize(("broken", "is_kept"), [("BREAK", True), ("RAISE", False)])
def test_what_a_broken_test_has_recorded_is_kept_if_an_assert_failed(
    broken: str, is_kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(broken, "1")
    ended = run_pytest(without_import(CASSETTE), ALL, tmp_path)
    assert ended.returncode == 1, ended.stdout
    assert (tmp_path / "cassettes").exists() is is_kept


def test_an_option_says_what_cassettes_do(tmp_path: Path) -> None:
    ended = run_pytest(without_import(CASSETTE), ALL, tmp_path, "--cassettes=replay")
    assert "CassetteMissingError" in ended.stdout
    assert not (tmp_path / "cassettes").exists()
    ended = run_pytest(without_import(CASSETTE), ALL, tmp_path, "--cassettes=record", "-rP")
    assert ended.returncode == 0, ended.stdout


def test_only_this_module_needs_pytest() -> None:
    code = "import sys, miniagents.testing; assert 'pytest' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def run_pytest(test: str, conftest: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(textwrap.dedent(test))
    (folder / "conftest.py").write_text(conftest)
    is_asyncio = "no:asyncio" not in options
    settings = "asyncio_default_fixture_loop_scope = function\n" if is_asyncio else ""
    (folder / "pytest.ini").write_text(f"[pytest]\n{settings}filterwarnings = error\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, "test_it.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
