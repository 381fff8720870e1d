"""Files that no program of the package reads: changelog, workflows, templates and hooks say what is true."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

import miniagents

yaml = pytest.importorskip("yaml", reason="it is in the extra `yaml`")

ROOT: Final = Path(__file__).parent.parent
CHANGES: Final = Path(miniagents.__file__).parent / "guide" / "changes.md"


def read(path: str) -> Any:  # Any: YAML
    if not (ROOT / path).exists():
        pytest.skip("the tests run on a wheel, without the files of the repository")
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def assert_is_a_script(command: str) -> None:
    """A command begins with a script of the project, which can be run."""
    script = ROOT / shlex.split(command)[0]
    assert script.parent == ROOT / "scripts", command
    assert os.access(script, os.X_OK), command


# --- the changelog ---


def versions() -> list[str]:
    """The headings of the changelog, the newest first."""
    return re.findall(r"^## (.+)$", CHANGES.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_newest_version_of_the_changelog_is_this_one() -> None:
    unreleased, *released = versions() if versions()[0] == "Unreleased" else ["", *versions()]
    assert unreleased in ("Unreleased", "")
    assert released[0].partition(" ")[0] == miniagents.__version__


def test_versions_of_the_changelog_are_in_order() -> None:
    released = [version for version in versions() if version != "Unreleased"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+( \(\d{4}-\d{2}-\d{2}\))?", version) for version in released)
    numbers = [tuple(map(int, version.partition(" ")[0].split("."))) for version in released]
    assert numbers == sorted(set(numbers), reverse=True)


# --- continuous integration ---


def test_the_workflow_runs_scripts_of_the_project_only() -> None:
    jobs = read(".github/workflows/check.yml")["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert {shlex.split(command)[0] for command in commands} == {"scripts/check", "scripts/wheel"}
    for command in commands:
        assert_is_a_script(command)


def test_the_workflow_pins_its_actions() -> None:
    jobs = read(".github/workflows/check.yml")["jobs"]
    actions = [step["uses"] for job in jobs.values() for step in job["steps"] if "uses" in step]
    assert actions
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+(\.\d+)*", action) for action in actions)


def test_the_workflow_tests_the_wheel_on_every_python_that_is_declared() -> None:
    declared = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text("utf-8"))
    job = read(".github/workflows/check.yml")["jobs"]["wheel"]
    assert job["strategy"]["matrix"]["python"] == declared
    assert job["needs"] == "build"


@pytest.mark.parametrize("name", ["bug", "feature"])
def test_a_template_asks_for_something(name: str) -> None:
    form = read(f".github/ISSUE_TEMPLATE/{name}.yml")
    assert form.keys() == {"name", "description", "labels", "body"}
    assert any(field.get("validations", {}).get("required") for field in form["body"])
    identities = [field["id"] for field in form["body"]]
    assert len(set(identities)) == len(identities)


# --- scripts ---


@pytest.mark.skipif(shutil.which("bash") is None, reason="it is a script of bash")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--python"], "scripts/check: --python needs a version, such as 3.13, or the path of an interpreter"),
        (["--python="], "scripts/check: --python needs a version, such as 3.13, or the path of an interpreter"),
        (["--python", "2.7"], "scripts/setup: 2.7 is no Python 3.11 or newer"),
        (["--python=/no/such/python", "-x"], "scripts/setup: /no/such/python is no Python 3.11 or newer"),
    ],
)
def test_a_check_on_a_python_that_is_not_there_says_so(arguments: list[str], said: str) -> None:
    command = ["bash", str(ROOT / "scripts" / "check"), *arguments]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)


# --- hooks before a commit ---


def test_hooks_run_scripts_of_the_project() -> None:
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    hooks = {hook["id"]: hook for hook in repository["hooks"]}
    assert hooks.keys() == {"ruff-format", "ruff-check", "generate", "mypy"}
    for hook in hooks.values():
        assert hook["language"] == "script"
        assert_is_a_script(hook["entry"])


def test_the_generators_hook_sees_the_module_that_it_checks() -> None:
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    (files,) = [hook["files"] for hook in repository["hooks"] if hook["id"] == "generate"]
    generated = [path.relative_to(ROOT).as_posix() for path in (ROOT / "miniagents").rglob("_generated.py")]
    assert generated
    assert all(re.search(files, path) for path in [*generated, "schemas/messages.schema.json"])
