"""What one request of each kind of page costs in processor time, inside one process: no network, no waiting.

    python benchmarks/pages.py --rows 100000
    python benchmarks/pages.py --home DIR --times 60          # a home that holds data already, or is made there
    python benchmarks/pages.py --home DIR --profile list      # where the time of one kind goes

The firm, the accounts and the random choices are those of ``benchmarks/load.py``; each kind is asked so
many times, by the accounts in turn, after some requests that are not counted. Milliseconds are those of
the processor, all threads. ``list`` is a random filter, sort and page; ``search``, ``amount``, ``created``
and ``stage`` are its four filters apart; ``again`` is the list with a page or sort changed under the same
filter. ``home cold`` is Home where no answer is kept: what warming up a new facts version costs one reader.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import load
import load_people

KINDS = ("home", "list", "search", "amount", "created", "stage", "again", "deal", "view", "home cold")

ACCOUNTS = 13


def milliseconds() -> float:
    """Processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1e3


class Reader:
    """An account, its client and its random choices."""

    def __init__(self, user: Any, choice: random.Random) -> None:
        from django.test import Client

        self.client = Client()
        self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        self.choice = choice
        self.list_queries = load.Browser(
            0, load_people.Account(user.username, user.role, ""), load.Tally(), choice, None
        )
        text = self.get("/pipeline/?status=all")
        self.list_queries.look(text)
        self.list_queries.find_stages(text)
        self.views: list[str] = []
        self.filter = ""

    def get(self, path: str) -> str:
        """A page's text."""
        answer = self.client.get(path)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}")
        return str(answer.content.decode())

    def save_view(self) -> None:
        """Keep one list under a name."""
        form = {"name": f"Pages {self.choice.randrange(10**9)}", "query": self.list_queries.list_query()}
        self.views.append(str(self.client.post("/pipeline-views/", form)["Location"]))

    def path(self, kind: str) -> str:
        """A random address of a kind."""
        lists = self.list_queries
        if kind == "list":
            return f"/pipeline/?{lists.list_query()}"
        if kind in load.FILTERS:
            return f"/pipeline/?{lists.list_query(kind)}"
        if kind == "again":
            self.filter = self.filter or urlencode([("q", "co"), ("filter", "amount:ge:20000")])
            order = [("sort", self.choice.choice(load.SORTS)), ("page", str(self.choice.randrange(1, 6)))]
            return f"/pipeline/?{self.filter}&{urlencode(order)}"
        if kind == "deal":
            return f"/pipeline/{self.choice.choice(lists.deals)}/"
        return self.choice.choice(self.views) if kind == "view" else "/"


def forget_answers() -> None:
    """As if no answer of the numbers had been kept."""
    from salesops.analytics import kept

    kept.forget()


def measured(readers: list[Reader], kind: str, times: int, profile: bool) -> list[float]:
    """Milliseconds of processor of each request of a kind."""
    took = []
    warm = min(len(readers), times)
    watch = cProfile.Profile() if profile else None
    for number in range(times + warm):
        reader = readers[number % len(readers)]
        path = reader.path(kind)
        if kind == "home cold":
            forget_answers()
        if watch is not None and number == warm:
            watch.enable()
        began = milliseconds()
        reader.get(path)
        took.append(milliseconds() - began)
    if watch is not None:
        watch.disable()
        pstats.Stats(watch).sort_stats("cumtime").print_stats(100)
    return took[warm:]


def start(env: dict[str, str]) -> tuple[list[Any], Callable[[], None]]:
    """The application in this process, as the server has it; accounts, and what waits for the newest facts."""
    os.environ.update(env)
    names = [account.username for account in load_people.make_accounts(env, ACCOUNTS)]
    from django.conf import settings

    import salesops.project.wsgi  # noqa: F401 - keeps copies, as the server does
    from salesops.platform.models import User
    from salesops.process.inputs import prepare_newest

    settings.ALLOWED_HOSTS.append("testserver")
    return [User.objects.get(username=name) for name in names], prepare_newest


def main() -> None:
    """Make the home, ask, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000, help="opportunities")
    parser.add_argument("--times", type=int, default=40, help="requests of each kind")
    parser.add_argument("--home", type=Path, help="a home to use, made where it holds nothing, and kept")
    parser.add_argument("--database", default="", help="DATABASE_URL; SQLite in the home without one")
    parser.add_argument("--kinds", default=",".join(KINDS), help="which kinds, parted by commas")
    parser.add_argument("--profile", default="", help="one kind: print where its time goes")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="salesops-pages-") as scratch:
        home = (args.home or Path(scratch) / "home").resolve()
        home.mkdir(parents=True, exist_ok=True)
        env = load.environment(home, args.database)
        load.make_home(home, env, args.rows, args.seed)
        users, prepare = start(env)
        prepare()
        readers = [Reader(user, random.Random(args.seed * 1000 + n)) for n, user in enumerate(users)]
        for reader in readers:
            reader.get("/")
            reader.save_view()
        kinds = [args.profile] if args.profile else args.kinds.split(",")
        print(f"{'':<10}{'requests':>9}{'mean ms':>9}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}  of processor")
        for kind in kinds:
            began = time.monotonic()
            took = measured(readers, kind, args.times, bool(args.profile))
            p50, p95 = statistics.median(took), load.percentile(took, 0.95)
            print(
                f"{kind:<10}{len(took):>9,}{statistics.mean(took):>9.0f}{p50:>9.0f}{p95:>9.0f}{max(took):>9.0f}"
                f"  ({(time.monotonic() - began) * 1e3 / (len(took) + len(readers)):.0f} ms of the clock each)",
                flush=True,
            )
        sys.stdout.flush()
        os._exit(0)  # the threads of the server have no other end


if __name__ == "__main__":
    main()
