"""What a newcomer is told is so: the walk-through works, the paths exist, GitHub's files are well formed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
GUIDE = (GITHUB / "CONTRIBUTING.md").read_text("utf-8")
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))

TRY_RULE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("ibsniff.rules." + sys.argv[2], sys.argv[1])
sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sys.modules[spec.name])
import rule_wires
from judging import codes, judge
cases = eval("{" + sys.argv[3] + "}", vars(rule_wires))
for name, case in cases.items():
    found = codes(judge(case.wire, watch=case.watch))
    assert found == {f"IBS{code}" for code in case.codes.split()}, (name, found)
print(len(cases), "cases")
"""


def blocks(language: str) -> list[str]:
    """Fenced blocks, those within lists included."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", GUIDE, re.DOTALL | re.MULTILINE)
    return [dedent(text) for _, text in found]


def test_the_rule_of_the_walk_through_works_as_its_packet_scripts_say(tmp_path: Path) -> None:
    rule, scripts = blocks("python")
    (name,) = re.findall(r"`ibsniff/rules/(ibs\d{3}_\w+)\.py`", GUIDE)
    file = tmp_path / f"{name}.py"
    file.write_text(rule, "utf-8")
    command = [sys.executable, "-c", TRY_RULE, str(file), name, scripts]
    done = subprocess.run(command, cwd=ROOT / "tests", capture_output=True, text=True, check=False)
    assert done.stdout == "2 cases\n", done.stderr
    subprocess.run(
        [sys.executable, "-m", "ruff", "check", "-q", "--config", str(ROOT / "pyproject.toml"), str(file)],
        cwd=ROOT,
        check=True,
    )


def test_it_names_no_path_that_does_not_exist() -> None:
    named = set(re.findall(r"(?<![\w/.])((?:tests|ibsniff|captures|\.github)/[\w./-]*\w)", GUIDE))
    named |= {str(Path(".github", link)) for link in re.findall(r"\]\(([^)#:]+)\)", GUIDE)}
    invented = {path for path in named if re.search(r"ibs413|silent-after-sleep|NAME", path)}
    assert len(invented) < len(named)
    assert {path for path in named - invented if not (ROOT / path).exists()} == set()


def test_a_failing_generated_file_and_the_guide_name_the_same_command() -> None:
    command = "python tests/renew.py"
    assert command in GUIDE
    assert command in (ROOT / "tests" / "test_generated.py").read_text("utf-8")


@pytest.fixture
def workflow() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="pyyaml is not installed")
    content: dict[str, Any] = yaml.safe_load((GITHUB / "workflows" / "ci.yml").read_text("utf-8"))
    return content


def test_ci_runs_everything_on_linux_and_paths_that_exist_elsewhere(workflow: dict[str, Any]) -> None:
    jobs = workflow["jobs"]
    assert any(".ci/run" in step.get("run", "") for step in jobs["linux"]["steps"])
    assert set(jobs["elsewhere"]["strategy"]["matrix"]["os"]) == {"macos-latest", "windows-latest"}
    commands = [word for step in jobs["elsewhere"]["steps"] for word in shlex.split(step.get("run", ""))]
    ignored = [word.removeprefix("--ignore=") for word in commands if word.startswith("--ignore=")]
    assert ignored
    assert [path for path in ignored if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_an_issue_form_is_well_formed(form: Path) -> None:
    yaml = pytest.importorskip("yaml", reason="pyyaml is not installed")
    content = yaml.safe_load(form.read_text("utf-8"))
    if form.name == "config.yml":
        return
    assert content["name"]
    assert content["description"]
    assert {one["type"] for one in content["body"]} <= {"markdown", "textarea", "input", "dropdown", "checkboxes"}
    named = [one["id"] for one in content["body"] if one["type"] != "markdown"]
    assert len(named) == len(set(named))
    assert "account" in form.read_text("utf-8")
