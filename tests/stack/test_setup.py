"""The set-up makes its environments whole, also after it was cut off half-way."""

import importlib.util
import subprocess
import venv
from pathlib import Path
from types import ModuleType

import pytest

from loreloom.workers.settings import PROJECT


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`deploy/setup.py`, which is no part of the package, working in an empty folder."""
    spec = importlib.util.spec_from_file_location("setup_script", PROJECT / "deploy" / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "LOGS", tmp_path)
    return module


def without_pip(folder: Path) -> None:
    """What is there when making an environment ends before pip is put in."""
    venv.EnvBuilder(with_pip=False).create(folder)


def test_an_environment_that_could_not_be_made_leaves_no_half_of_one(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_ensurepip(folder: Path, **_: object) -> None:
        without_pip(folder)
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(venv, "create", no_ensurepip)
    with pytest.raises(setup.SetupError, match="python3-venv"):
        setup.Environment(".venv", []).create()
    assert not (tmp_path / ".venv").exists()


def test_an_environment_without_pip_is_made_again(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pip(tmp_path / ".venv")
    made: list[Path] = []
    monkeypatch.setattr(venv, "create", lambda folder, **_: made.append(folder))
    setup.Environment(".venv", []).create()
    assert made == [tmp_path / ".venv"]


def test_an_environment_with_pip_is_kept(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pip(tmp_path / ".venv")
    (package,) = (tmp_path / ".venv").glob("lib/python*/site-packages")
    (package / "pip.py").write_text("")
    made: list[Path] = []
    monkeypatch.setattr(venv, "create", lambda folder, **_: made.append(folder))
    setup.Environment(".venv", []).create()
    assert made == []
