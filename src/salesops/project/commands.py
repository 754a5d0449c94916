"""Commands that join several domains: demo, serve, simulate, bench."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import salesops
from salesops.platform.cli import day
from salesops.project import serving, standing


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add the verbs of the whole product."""
    serve = verbs.add_parser("serve", help="serve the web application on this machine")
    serve.add_argument("--port", type=int, default=8000, help="first port to try (default 8000)")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    serve.add_argument("--no-worker", action="store_true", help="run no background jobs in this process")
    serve.add_argument(
        "--processes",
        type=int,
        default=None,
        metavar="N",
        help="processes that answer, each with an engine of its own (default SALESOPS_PROCESSES, else 1)",
    )
    serve.set_defaults(run=_serve)

    demo = verbs.add_parser("demo", help="simulate or import a firm, compute, and serve it")
    demo.add_argument("--data", metavar="PATH", help="your own export: a file, an archive or a folder")
    demo.add_argument("--data-date", type=day, metavar="DAY", help="the day the files show")
    demo.add_argument("--no-serve", action="store_true", help="stop after computing")
    demo.add_argument("--port", type=int, default=8000, help="first port to try (default 8000)")
    demo.set_defaults(run=_demo)

    simulate = verbs.add_parser("simulate", help="write what the CRM of a simulated firm would export")
    simulate.add_argument("--out", required=True, metavar="DIR", help="folder to write to")
    simulate.add_argument("--reps", type=int, metavar="N", help="people who sell")
    simulate.add_argument("--opportunities", type=int, metavar="N", help="deals over the whole window")
    simulate.add_argument("--seed", type=int, default=1, metavar="N", help="another seed is another firm")
    simulate.set_defaults(run=_simulate)

    described = verbs.add_parser("openapi", help="print the OpenAPI description of the REST API")
    described.set_defaults(run=_openapi)

    bench = verbs.add_parser("bench", help="print speed figures as ratios against their floor, in one run")
    bench.add_argument("names", nargs="*", help="benchmarks to run (all where left out)")
    bench.add_argument("--rows", type=int, help="rows to generate")
    bench.set_defaults(run=_bench)


def _serve(args: argparse.Namespace) -> int:
    from django.conf import settings

    from salesops.platform.home import home_prepare

    processes = settings.PROCESSES if args.processes is None else args.processes
    if processes < 1:
        message = f"A server needs one process at least, not {processes}."
        raise ValueError(message)
    home_prepare()
    port = serving.free_port(args.host, args.port)
    print(f"Serving http://{args.host}:{port}  (stop with Ctrl+C)", flush=True)
    serving.become(_home(), args.host, port, worker=not args.no_worker, processes=processes)
    return 0


def _home() -> Path:
    from django.conf import settings

    return Path(settings.HOME)


def _demo(args: argparse.Namespace) -> int:
    from salesops.platform.home import home_prepare
    from salesops.project.demo import build_demo, demo_accounts
    from salesops.project.welcome import made_links, print_links

    home = _home()
    data = Path(args.data).expanduser().resolve() if args.data else None
    if data is not None and not data.exists():
        message = f"There is no file or folder {args.data}."
        raise FileNotFoundError(message)
    name, built = standing.named(data), standing.digest(data, args.data_date)
    if _fresh_home(home, name, built):
        print(standing.STANDS)
        home_prepare()
        held = standing.read(home)
        accounts = (held.accounts if held else ()) or demo_accounts()
    else:
        accounts = build_demo(data, args.data_date)
    standing.write(home, standing.Demo(name, built, accounts))
    host, port = "127.0.0.1", serving.free_port("127.0.0.1", args.port)
    base = f"http://{host}:{port}"
    print("\nSign in once by one of these links:" if not args.no_serve else "\nAccounts:")
    print_links(made_links(accounts), base)
    if args.no_serve:
        print(f"\nServe it:  SALESOPS_HOME={home} salesops serve")
        return 0
    print(f"\nServing {base}  (stop with Ctrl+C)", flush=True)
    serving.become(home, host, port, worker=True)
    return 0


def _fresh_home(home: Path, data: str, built: str) -> bool:
    """A home for a demo: whether it holds just this one already.

    A demo home that held other data is made anew.

    Raises:
        ValueError: the home is no demo's, or its database is not ours to empty.
    """
    if (held := standing.read(home)) is not None:
        if held.data == data and held.built == built and _in_use(home):
            return True
        if held.data != data:
            from django.db import connection

            if connection.vendor != "sqlite":
                message = (
                    f"The database holds a demo of {held.data}: give DATABASE_URL an empty one for {data}."
                )
                raise ValueError(message)
            print(f"This demo held {held.data}; it is made anew for {data}.")
            connection.close()
            shutil.rmtree(home)
    elif _in_use(home):
        message = f"{home} holds a company's data, not a demo: choose another SALESOPS_HOME."
        raise ValueError(message)
    home.mkdir(parents=True, exist_ok=True)
    standing.write(home, standing.Demo(data))
    return False


def _in_use(home: Path) -> bool:
    """Whether the home's database was made already."""
    from django.db import connection

    if connection.vendor == "sqlite":
        return (home / "salesops.sqlite3").exists()
    return bool(connection.introspection.table_names())


def _simulate(args: argparse.Namespace) -> int:
    from salesops.simulate.cli import main

    arguments = ["--out", args.out, "--seed", str(args.seed)]
    for name in ("reps", "opportunities"):
        if getattr(args, name) is not None:
            arguments += [f"--{name}", str(getattr(args, name))]
    return main(arguments) or 0


def _openapi(args: argparse.Namespace) -> int:
    from salesops.project.api import schema

    print(json.dumps(schema(), indent=1, ensure_ascii=False))
    return 0


def _bench(args: argparse.Namespace) -> int:
    folder = Path(salesops.__file__).resolve().parents[2] / "benchmarks"
    if not folder.is_dir():
        raise FileNotFoundError("Benchmarks come with the source tree, not with the installed package.")
    known = sorted(p.stem for p in folder.glob("*.py") if not p.stem.startswith("_"))
    chosen = args.names or known
    for name in chosen:
        if name not in known:
            message = f"There is no benchmark {name!r}; there are: {', '.join(known)}."
            raise ValueError(message)
    for name in chosen:
        print(f"== {name}", flush=True)
        command = [sys.executable, str(folder / f"{name}.py")]
        if args.rows:
            command += ["--rows", str(args.rows)]
        subprocess.run(command, check=True)
    return 0
