"""run.py and the rule that a skip fails in CI."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.checkout import ROOT


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """run.py as a module, working in a folder of its own."""
    spec = importlib.util.spec_from_file_location("run_py", ROOT / "run.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("VENV", "ASSETS", "VENDOR"):
        monkeypatch.setattr(module, name, tmp_path / name.lower())
    monkeypatch.setattr(module, "STAMP", tmp_path / "venv" / "stamp.json")
    return module


def test_pytest_options_pass_through(run: ModuleType) -> None:
    args = run.parse(["test", "-x", "-k", "money", "src/salesops/core"])
    assert args.rest == ["-x", "-k", "money", "src/salesops/core"]


def test_unknown_option_is_refused(run: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run.parse(["demo", "--dta", "x"])
    assert stopped.value.code == 2
    assert "--dta" in capsys.readouterr().err


def test_old_python_is_refused(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "MIN_PYTHON", (9, 0))
    assert run.main(["demo"]) == 2
    assert "needs 3.11 or newer" in capsys.readouterr().err


def test_full_disk_is_named(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "DISK_MB", {"base": 10**12})
    assert run.main(["demo", "--no-serve"]) == 2
    assert "Not enough disk" in capsys.readouterr().err


def test_missing_data_is_named_before_anything_is_installed(
    run: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main(["demo", "--data", "no-such-folder"]) == 2
    assert "No such file or folder: no-such-folder" in capsys.readouterr().err
    assert not run.VENV.exists()


def test_offline_needs_a_bundle(run: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--offline", str(tmp_path), "demo"]) == 2
    assert "is not a bundle" in capsys.readouterr().err


def test_offline_puts_the_machines_package_settings_aside(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "elsewhere")
    env = run.tool_env(tmp_path)
    assert "PIP_FIND_LINKS" not in env
    assert env["PIP_NO_INDEX"] == "1"
    assert run.tool_env(None)["PIP_FIND_LINKS"] == "elsewhere"


@pytest.mark.parametrize(
    "lines, advice",
    [
        (["ERROR: Could not find a version that satisfies the requirement django"], "run.py bundle"),
        (["OSError: [Errno 28] No space left on device"], "disk is full"),
        (["ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE."], "refused"),
    ],
)
def test_failures_come_with_advice(run: ModuleType, lines: list[str], advice: str) -> None:
    assert advice in run.explain(lines, None)


def test_two_exports_of_the_same_name_have_homes_of_their_own(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SALESOPS_HOME")
    one, two = run.home_for(tmp_path / "a" / "export"), run.home_for(tmp_path / "b" / "export")
    assert one != two
    assert run.home_for(None).name == "demo"
    monkeypatch.setenv("SALESOPS_HOME", str(tmp_path))
    assert run.home_for(None) == tmp_path


def test_warm_start_runs_no_pip(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stamp of a test environment serves the demo; a changed lock does not pass."""
    python = run.venv_python()
    python.parent.mkdir(parents=True)
    python.touch()
    calls: list[list[str]] = []
    monkeypatch.setattr(run, "pip", lambda args, **options: calls.append(args))
    monkeypatch.setattr(run, "make_venv", lambda: None)
    run.install_packages("dev", None)
    assert len(calls) == 2  # the lock, and salesops itself
    run.install_packages("base", None)
    run.install_packages("dev", None)
    assert len(calls) == 2
    stamp = json.loads(run.STAMP.read_text(encoding="utf-8"))
    run.write_stamp({**stamp, "dev": "an older lock"})
    run.install_packages("dev", None)
    assert len(calls) == 4


def test_spoilt_assets_are_noticed(run: ModuleType, tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    vendor.mkdir(exist_ok=True)
    (vendor / "a.js").write_text("1", encoding="utf-8")
    manifest = {"key": run.assets_key(), "files": {"a.js": run.sha256(vendor / "a.js")}}
    (vendor / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert run.assets_ready(vendor)
    (vendor / "a.js").write_text("2", encoding="utf-8")
    assert not run.assets_ready(vendor)


def test_assets_are_set_up() -> None:
    """`run.py test` made them: what the pages link to is there, as its manifest says."""
    vendor = ROOT / "src" / "salesops" / "ui" / "static" / "vendor"
    manifest = json.loads((vendor / "manifest.json").read_text(encoding="utf-8"))
    assert {"htmx.min.js", "licences/NOTICE.txt"} <= set(manifest["files"])
    assert all((vendor / name).is_file() for name in manifest["files"])


@pytest.mark.parametrize("ci, code", [("", 0), ("true", 1)])
def test_a_skip_fails_in_ci(tmp_path: Path, ci: str, code: int) -> None:
    (tmp_path / "conftest.py").write_bytes((ROOT / "conftest.py").read_bytes())
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for name in ("__init__.py", "postgres.py"):  # what the rules of the suite stand on
        copied = tmp_path / "tests" / name
        copied.parent.mkdir(exist_ok=True)
        copied.write_bytes((ROOT / "tests" / name).read_bytes())
    sample = tmp_path / "src" / "salesops" / "core" / "test_sample.py"
    sample.parent.mkdir(parents=True)
    sample.write_text(
        "import pytest\n"
        "def test_skips():\n    pytest.skip('nothing here')\n"
        "def test_passes():\n    assert 1 + 1 == 2\n",
        encoding="utf-8",
    )
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "DJANGO"))}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(sample)],
        cwd=tmp_path,
        env={**plain, "CI": ci, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == code, result.stdout + result.stderr
    assert ("counted as failures" in result.stdout) == bool(ci)
