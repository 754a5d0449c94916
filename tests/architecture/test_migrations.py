"""Every model's table has its migration."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.checkout import ROOT


def test_no_migration_is_missing() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "django", "makemigrations", "--check", "--dry-run"],
        cwd=ROOT / "src",
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
