"""What the linter cannot see: imports made while running, and what ``import salesops`` pulls in."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.checkout import DOMAINS, ROOT, SRC

BLOCKED = ("allauth", "deltalake", "django", "duckdb", "httpx", "ninja", "pyspark", "requests", "sqlite3")

IMPORT_ALL = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
count = 0
for name in PACKAGES:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if ".tests" not in module.name:
            importlib.import_module(module.name)
            count += 1
loaded = sorted(set(BLOCKED) & set(sys.modules))
assert not loaded, loaded
print(count)
"""


def run(code: str) -> str:
    """Run code in a fresh interpreter with the source tree on its path."""
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})\n{code}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_engines_and_core_import_without_framework_and_backend() -> None:
    packages = ["salesops.core", *(f"salesops.{domain}.engine" for domain in DOMAINS)]
    modules = run(f"BLOCKED = {BLOCKED!r}\nPACKAGES = {packages!r}\n{IMPORT_ALL}")
    on_disk = [p for d in DOMAINS for p in (SRC / d / "engine").rglob("*.py") if p.stem != "__init__"]
    assert int(modules) >= len(on_disk) > 0


def test_import_salesops_is_light() -> None:
    heavy = run(
        "import salesops\n"
        "salesops.Money\n"
        "import sys\n"
        "names = {name.split('.')[0] for name in sys.modules}\n"
        "print(sorted(names & {'django', 'duckdb', 'ibis', 'pandas', 'pyarrow'}))"
    )
    assert heavy.strip() == "[]"


def test_every_engine_package_has_tests() -> None:
    without = [
        domain
        for domain in DOMAINS
        if not list((SRC / domain).glob("tests/**/test_*.py"))
        and any((SRC / domain / "engine").glob("[a-z]*.py"))
    ]
    assert without == []
