"""What `plugins new` writes is formatted, says what is true, and works as a wheel elsewhere."""

from __future__ import annotations

import importlib.util
import os
import site
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
from packaging.licenses import canonicalize_license_expression
from packaging.requirements import Requirement

import domainbert
from domainbert.plugin.registry import Registry
from domainbert.scaffold.write import licences, write_plugin

ROOT = Path(__file__).parents[2]


def test_the_code_is_formatted_and_free_of_lint(tmp_path: Path) -> None:
    made = write_plugin("case-law", tmp_path / "plugin", "Apache-2.0", Registry(()))
    ruff = Path(sys.executable).with_name("ruff")
    run(ruff, "check", "--select", "E,F,I,UP,B,SIM,RUF", "--no-cache", ".", folder=made["folder"])
    run(ruff, "format", "--check", "--no-cache", ".", folder=made["folder"])


@pytest.mark.parametrize("licence", licences())
def test_the_project_table(licence: str, tmp_path: Path) -> None:
    made = write_plugin("case-law", tmp_path / "plugin", licence, Registry(()))
    project = tomllib.loads((Path(made["folder"]) / "pyproject.toml").read_text())["project"]
    assert project["entry-points"] == {"domainbert": {"case-law": "domainbert_case_law"}}
    assert project["license"] == canonicalize_license_expression(f"{licence} AND CC0-1.0")
    (requirement,) = map(Requirement, project["dependencies"])
    assert str(requirement) == "domainbert<0.2,>=0.1"
    assert requirement.specifier.contains(domainbert.__version__)


# --- elsewhere ---------------------------------------------------------------------------------


def run(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("DOMAINBERT_", "PYTHON"))}
    environment = {**kept, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    command = [str(word) for word in words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done


def wheel_of(folder: Path, into: Path) -> Path:
    # With the build backend at hand, no network is needed.
    here = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    pip = (sys.executable, "-m", "pip")
    run(*pip, "wheel", "--quiet", "--no-deps", *here, "--wheel-dir", into, folder, folder=into)
    (wheel,) = into.glob("*.whl")
    return wheel


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """The interpreter of an environment that has the libraries of this one, but not our code."""
    folder = tmp_path / "venv"
    venv.create(folder, with_pip=False)
    (own,) = (folder / "lib").glob("python*/site-packages")
    shared = {*site.getsitepackages(), *(path for path in sys.path if "site-packages" in path)}
    (own / "shared.pth").write_text("".join(f"{path}\n" for path in sorted(shared)))
    return folder / "bin" / "python"


def install(python: Path, wheel: Path) -> None:
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python)
    words = ("install", "--quiet", "--no-deps", "--no-index", "--force-reinstall")
    # What the libraries of this environment bring is not to be removed, only to be hidden.
    run(*pip, *words, "--ignore-installed", wheel, folder=wheel.parent)


@pytest.mark.slow
def test_a_new_plugin_works_as_a_wheel_in_a_clean_environment(clean: Path, tmp_path: Path) -> None:
    for name in ("core", "wheels", "away"):
        (tmp_path / name).mkdir()
    away = tmp_path / "away"
    install(clean, wheel_of(ROOT, tmp_path / "core"))
    where = run(clean, "-c", "import domainbert; print(domainbert.__file__)", folder=away).stdout
    assert where.startswith(str(tmp_path / "venv"))
    # Written by the wheel of core: its templates are in it.
    run(clean, "-m", "domainbert", "plugins", "new", "case-law", folder=away)
    written = away / "domainbert-case-law"
    install(clean, wheel_of(written, tmp_path / "wheels"))

    run(clean, "-m", "domainbert", "plugins", "check", "case-law", folder=away)

    # Its own tests, against what was installed rather than what lies beside them.
    done = run(clean, "-P", "-m", "pytest", "-q", "--import-mode=importlib", folder=written)
    assert "7 passed" in done.stdout
