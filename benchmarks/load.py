"""People at work against a real server: who waits how long, what a request costs, what memory it takes.

    python benchmarks/load.py --rows 100000 --seconds 120
    python benchmarks/load.py --rows 100000 --clients 50 --writes 10 --seconds 300 --think 0.5
    python benchmarks/load.py --home DIR --database postgresql://...   # a home that holds data already
    python benchmarks/load.py --postgresql --rows 100000               # decisions in a private cluster
    python benchmarks/load.py --home DIR --processes 2                 # as ``serve --processes 2``
    python benchmarks/load.py --growth 10000,100000,1000000            # one run a size, then a table
    python benchmarks/load.py --home DIR --accounts 1000 --clients 1000 --think 60 --arrive 300 --seconds 900

A firm of so many opportunities is simulated and imported into a private home (or ``--home``, made once and
kept), accounts of several roles sign in, and each session asks, waits a second, and asks again: 40 % Home,
40 % the list of deals with a random filter, sort and page, 10 % a deal, 10 % a saved view. One import runs
meanwhile, in a process of its own. Decisions need a second person. Latency is the client's; processor time is the
server's alone, since wall seconds say little on a shared machine. Everything random comes from ``--seed``. These
sessions run on the same machine and take processor time of their own, which is printed too. Memory is sampled
during the run; its slope is that of a straight line through the samples of the second half, when caches are full.

With ``--arrive`` nobody is there at the beginning: they come over so many seconds, sign in and open Home, which is
told apart. Every list is held against what the files of the export say of owners and of who is above whom, and one
request in a hundred is followed by one for a deal that the session must not see.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import os
import random
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from load_people import PASSWORD, Account, Rights, accounts_of, rights_of

COMMAND = [sys.executable, "-m", "salesops"]
SORTS = ("-amount", "amount", "name", "-created_on", "expected_close_on", "-closed_on", "owner_name", "stage")
STATUSES = ("open", "won", "lost", "all")
FILTERS = ("amount", "created", "stage", "search")
"""What a random list is narrowed by."""
PROBED = 0.01
"""Share of requests that are followed by one for a deal of somebody else."""
APART = ("arrive", "first home")
"""What is no warm request of somebody at work. To arrive takes two: the page of signing in, and the password."""
MIX = (("home", 40), ("list", 40), ("deal", 10), ("view", 10))


@dataclass
class Tally:
    """What was measured, shared by all sessions."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    after_import: list[tuple[float, float]] = field(default_factory=list)
    """Seconds from the end of the import to the beginning of a request, and how long it took."""
    imported: float = 0.0
    probes: int = 0
    """Deals listed, and deals asked for against the rights, that were held against the rights."""
    leaks: int = 0
    asked: int = 0
    """Requests beside those of ``seconds``: a session signs in by several, and asks for deals of others."""
    memory: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the beginning, and megabytes of the server then."""


def environment(home: Path, database: str) -> dict[str, str]:
    """The environment of a private home."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("SALESOPS_", "DATABASE_URL"))}
    own |= {"SALESOPS_HOME": str(home), "SALESOPS_LOCK_ADDRESS_AFTER": "100000"}
    return own | ({"DATABASE_URL": database} if database else {})


def run(env: dict[str, str], *arguments: str) -> str:
    """One command of the product; its output."""
    done = subprocess.run([*COMMAND, *arguments], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"salesops {' '.join(arguments)}: {done.stderr or done.stdout}")
    return done.stdout


def make_home(home: Path, env: dict[str, str], rows: int, seed: int) -> None:
    """Simulate a firm and bring it in, decisions and all, unless the home holds one."""
    if (home / "load-firm").exists() or (home / "facts" / "opportunities").exists():
        return
    firm = home / "load-firm"
    run(env, "simulate", "--out", str(firm), "--opportunities", str(rows), "--seed", str(seed))
    run(env, "init")
    started = time.monotonic()
    run(env, "import", str(firm / "exports"))
    print(f"imported {rows:,} opportunities in {time.monotonic() - started:.0f} s")
    for file in sorted((firm / "decisions").glob("*.yaml")):
        run(env, "decisions", "import", str(file), "--reason", "Decisions of the simulated firm")


class Browser:
    """A session: one connection, its cookies, its random choices."""

    def __init__(
        self, port: int, account: Account, tally: Tally, choice: random.Random, rights: Rights | None
    ) -> None:
        self.account, self.tally, self.choice, self.rights = account, tally, choice, rights
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.cookies: dict[str, str] = {}
        self.deals: list[str] = []
        self.stages: list[str] = []
        self.views: list[str] = []

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """One request: status, where it leads, text."""
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        body = None
        if form is not None:
            body = urlencode({"csrfmiddlewaretoken": self.cookies.get("csrftoken", ""), **form})
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        for again in (False, True):
            try:
                self.connection.request(method, path, body, headers)
                answer = self.connection.getresponse()
                text = answer.read().decode("utf-8", "replace")
                break
            except (OSError, http.client.HTTPException) as error:
                self.connection.close()
                # A server may close a connection that stood idle: browsers then ask again on a new one.
                if again or not isinstance(error, http.client.RemoteDisconnected | ConnectionResetError):
                    raise
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        return answer.status, answer.getheader("Location") or "", text

    def sign_in(self) -> None:
        """By name and password, as a person does."""
        self.ask("GET", "/accounts/login/")
        form = {"login": self.account.username, "password": PASSWORD}
        status, _, text = self.ask("POST", "/accounts/login/", form)
        if status != 302:
            words = re.sub("<[^>]+>", " ", text)[:300]
            raise SystemExit(f"{self.account.username} could not sign in: {status} {words}")

    def settle(self) -> None:
        """Look at a list and keep one under a name, so that there are deals, stages and a view to choose from."""
        status, where, text = self.ask("GET", "/pipeline/?status=all")
        if status != 200:
            raise SystemExit(f"{self.account.username}: the list answers {status} {where}")
        self.look(text)
        self.find_stages(text)
        self.save_view()

    def arrive(self) -> None:
        """Sign in during the run and open Home, both measured apart from what follows."""
        began = time.monotonic()
        try:
            self.sign_in()
        except (SystemExit, OSError, http.client.HTTPException) as error:
            with self.tally.lock:
                self.tally.errors[f"sign in: {str(error)[:80]}"] += 1
            return
        with self.tally.lock:
            self.tally.seconds["arrive"].append(time.monotonic() - began)
            self.tally.asked += 1
        self.step("first home")

    def save_view(self) -> None:
        """Keep a list under a name; a write."""
        name = f"Load {self.choice.randrange(10**9)}"
        _, where, _ = self.ask("POST", "/pipeline-views/", {"name": name, "query": self.list_query()})
        if "view=" in where:
            self.views.append(urlsplit(where).query)

    def look(self, text: str) -> None:
        """Remember deals that a list showed."""
        found = list(dict.fromkeys(re.findall(r'href="/pipeline/([^"/?]+)/\?', text)))
        self.deals = found[:50] or self.deals
        if self.rights is not None and self.account.person:
            foreign = self.rights.foreign(self.account, found)
            with self.tally.lock:
                self.tally.probes += len(found)
                self.tally.leaks += len(foreign)

    def probe(self) -> None:
        """Ask for a deal that this account must not see: nothing but "not found" is right."""
        assert self.rights is not None
        deal = self.choice.choice(self.rights.deals)
        if not self.rights.foreign(self.account, [deal]):
            return
        try:
            status, _, _ = self.ask("GET", f"/pipeline/{deal}/")
        except (OSError, http.client.HTTPException):
            return  # a request that fails shows nothing; those that are measured count it as an error
        with self.tally.lock:
            self.tally.probes += 1
            self.tally.asked += 1
            self.tally.leaks += status == 200
            if status not in (200, 404):
                self.tally.errors[f"a deal of somebody else {status}"] += 1

    def find_stages(self, text: str) -> None:
        """Remember the stages that a list offers."""
        found = re.search(r'<select[^>]*name="stage".*?</select>', text, re.DOTALL)
        self.stages = re.findall(r'value="([^"]+)"', found.group(0)) if found else []

    def list_query(self, narrowed: str = "") -> str:
        """A random filter, sort and page; the filter is of one kind where that is named."""
        pairs = [("status", self.choice.choice(STATUSES)), ("sort", self.choice.choice(SORTS))]
        kind = narrowed or self.choice.choice(FILTERS)
        if kind == "amount":
            pairs.append(("filter", f"amount:ge:{self.choice.randrange(1, 80) * 1000}"))
        elif kind == "created":
            year, month = self.choice.choice((2024, 2025)), self.choice.randrange(1, 13)
            pairs.append(("created", f"{year}-{month:02d}-01..{year}-{month:02d}-28"))
        elif kind == "stage" and self.stages:
            pairs.append(("stage", self.choice.choice(self.stages)))
        else:
            pairs.append(("q", self.choice.choice(("an", "co", "east", "re", "group", "new"))))
        return urlencode([*pairs, ("page", str(self.choice.randrange(1, 6)))])

    def step(self, kind: str) -> None:
        """One request of a kind, measured; a list, where there is no deal or view to choose from yet."""
        kind = "list" if (kind == "deal" and not self.deals) or (kind == "view" and not self.views) else kind
        path, form, method = "/", None, "GET"
        if kind == "list":
            path = f"/pipeline/?{self.list_query()}"
        elif kind == "deal":
            path = f"/pipeline/{self.choice.choice(self.deals)}/"
        elif kind == "view":
            path = f"/pipeline/?{self.choice.choice(self.views)}"
        elif kind == "write":
            method, path = "POST", "/pipeline-views/"
            form = {"name": f"Load {self.choice.randrange(10**9)}", "query": self.list_query()}
        began = time.monotonic()
        try:
            status, where, text = self.ask(method, path, form)
        except (OSError, http.client.HTTPException) as error:
            status, where, text = 0, "", f"{type(error).__name__}: {error}"
        took = time.monotonic() - began
        if status == 200 and kind in ("list", "view"):
            self.look(text)
            if not self.stages:
                self.find_stages(text)
        if "view=" in where:
            self.views.append(urlsplit(where).query)
        with self.tally.lock:
            self.tally.seconds[kind].append(took)
            if status not in (200, 302):
                self.tally.errors[f"{kind} {status} {text[:80] if status in (0, 500) else ''}"] += 1
            if self.tally.imported and began > self.tally.imported:
                self.tally.after_import.append((began - self.tally.imported, took))

    def work(self, until: float, think: float, writes: int, arrive: float) -> None:
        """Arrive where nobody is there yet; ask, think, ask again."""
        kinds = [k for k, _ in MIX]
        weights = [w * (100 - writes) for _, w in MIX]
        if arrive:
            time.sleep(self.choice.random() * arrive)
            self.arrive()
        self.pause(self.choice.random() * think, until)
        while time.monotonic() < until:
            self.step(self.choice.choices([*kinds, "write"], [*weights, writes * 100])[0])
            if arrive and not self.views and self.deals:
                self.step("write")
            if self.rights is not None and self.account.person and self.choice.random() < PROBED:
                self.probe()
            self.pause(think, until)

    def pause(self, seconds: float, until: float) -> None:
        """Think, but no longer than the run lasts."""
        time.sleep(max(min(seconds, until - time.monotonic()), 0))


def family(root: int) -> list[int]:
    """A process and all below it."""
    parents: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(stat.rpartition(")")[2].split()[1])].append(int(entry.name))
    found, ahead = [], [root]
    while ahead:
        pid = ahead.pop()
        found.append(pid)
        ahead.extend(parents.get(pid, []))
    return found


def usage(root: int) -> tuple[float, float]:
    """Processor seconds and resident megabytes of a process and all below it (Linux)."""
    seconds, kilobytes = 0.0, 0
    for pid in family(root):
        try:
            parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        seconds += (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
        kilobytes += int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) if "VmRSS" in status else 0
    return seconds, kilobytes / 1024


def sample(root: int, tally: Tally, began: float, until: float) -> None:
    """Note the server's memory every two seconds."""
    while time.monotonic() < until:
        tally.memory.append((time.monotonic() - began, usage(root)[1]))
        time.sleep(2)


def slope(samples: list[tuple[float, float]]) -> float | None:
    """Megabytes a minute of the second half of the samples, by least squares; None where there are too few."""
    late = samples[len(samples) // 2 :]
    if len(late) < 5:
        return None
    return statistics.linear_regression([t for t, _ in late], [m for _, m in late]).slope * 60


def own_seconds() -> float:
    """Processor seconds of the sessions, which run in this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def serve(env: dict[str, str], processes: int) -> tuple[subprocess.Popen[str], int, float]:
    """Start the server; its process, port, and seconds until it answered."""
    began = time.monotonic()
    server = subprocess.Popen(
        [*COMMAND, "serve", "--port", "8600", "--processes", str(processes)],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,  # one session with the import: Linux compares priorities within a session only
    )
    assert server.stdout is not None
    line = server.stdout.readline()
    found = re.search(r":(\d+)", line.replace("http://", ""))
    if found is None:
        raise SystemExit(f"the server said {line!r}")
    port = int(found.group(1))
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("GET", "/accounts/login/")
            if connection.getresponse().status == 200:
                return server, port, time.monotonic() - began
        except OSError:
            time.sleep(0.05)


def small_export(home: Path, folder: Path, rows: int) -> Path | None:
    """Some opportunities of the simulated firm with other amounts: what is imported during the run."""
    found = sorted((home / "load-firm" / "exports").glob("*/Opportunity.csv"))
    if not found:
        return None
    path = folder / "Opportunity.csv"
    with (
        found[-1].open(newline="", encoding="utf-8") as source,
        path.open("w", newline="", encoding="utf-8") as to,
    ):
        reader = csv.DictReader(source)
        writer = csv.DictWriter(to, reader.fieldnames or [])
        writer.writeheader()
        for number, row in enumerate(reader):
            if number >= rows:
                break
            writer.writerow(row | {"Amount": str(1000 + number), "NextStep": "Call again"})
    return path


def percentile(values: list[float], share: float) -> float:
    """A value that so many of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def report(
    tally: Tally, cpu: float, own: float, memory: tuple[float, float, float], seconds: float
) -> dict[str, float]:
    """Print what was measured, and return what a table of several runs shows of it."""
    everything = [s for kind, found in tally.seconds.items() for s in found if kind not in APART]
    asked = sum(len(found) for found in tally.seconds.values()) + tally.asked
    print(f"{'':<10}{'requests':>9}{'p50 ms':>9}{'p95 ms':>9}{'max ms':>9}")
    for kind, found in sorted(tally.seconds.items()):
        p50, p95 = statistics.median(found) * 1e3, percentile(found, 0.95) * 1e3
        print(f"{kind:<10}{len(found):>9,}{p50:>9.0f}{p95:>9.0f}{max(found) * 1e3:>9.0f}")
    p50, p95 = statistics.median(everything) * 1e3, percentile(everything, 0.95) * 1e3
    print(f"{'all':<10}{len(everything):>9,}{p50:>9.0f}{p95:>9.0f}{max(everything) * 1e3:>9.0f}")
    print(
        f"{asked / seconds:.1f} requests/s, {cpu / asked * 1e3:.0f} ms of processor a request "
        f"(and {own / asked * 1e3:.1f} ms of the sessions, on this machine)"
    )
    first = sorted(tally.after_import)[:20]
    if first:
        print(f"first 20 requests after the import: slowest {max(took for _, took in first) * 1e3:.0f} ms")
    for minute in range(10):
        found = [took for at, took in tally.after_import if minute * 60 <= at < minute * 60 + 60]
        if len(found) >= 100:
            print(f"minute {minute + 1} after it: p95 {percentile(found, 0.95) * 1e3:.0f} ms of {len(found)}")
    print(f"held against the rights: {tally.probes:,} deals, {tally.leaks} leaks")
    print(
        f"memory: {memory[0]:.0f} MB after the start, {memory[1]:.0f} MB when all had signed in, "
        f"{memory[2]:.0f} MB after the load"
    )
    climb = slope(tally.memory)
    if climb is not None:
        print(f"slope of the memory over the second half: {climb:+.1f} MB a minute")
    print(f"errors: {sum(tally.errors.values())}")
    for what, count in tally.errors.most_common(5):
        print(f"  {count} x {what}")
    return {
        "requests/s": asked / seconds,
        "CPU ms": cpu / asked * 1e3,
        "p50 ms": p50,
        "p95 ms": p95,
        "after import ms": max((took for _, took in first), default=0.0) * 1e3,
        "MB": memory[2],
        "errors": sum(tally.errors.values()),
        "leaks": tally.leaks,
    }


def main() -> None:
    """Make the home, start the server, let the sessions work, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000, help="opportunities")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--clients", type=int, default=20, help="sessions at once")
    parser.add_argument("--accounts", type=int, default=13, help="accounts that the sessions share")
    parser.add_argument("--arrive", type=float, default=0, help="seconds over which the sessions come")
    parser.add_argument(
        "--think", type=float, default=1.0, help="seconds between an answer and the next question"
    )
    parser.add_argument("--writes", type=int, default=0, help="per cent of requests that write")
    parser.add_argument("--no-import", action="store_true", help="bring nothing in meanwhile")
    parser.add_argument("--home", type=Path, help="a home to use, made where it holds nothing, and kept")
    parser.add_argument("--database", default="", help="DATABASE_URL; SQLite in the home without one")
    parser.add_argument("--postgresql", action="store_true", help="a private PostgreSQL cluster for each run")
    parser.add_argument("--processes", type=int, default=1, help="processes of the server that answer")
    parser.add_argument("--growth", default="", help="sizes, parted by commas: one run each, and a table")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    if (args.growth or args.postgresql) and args.home:
        parser.error("--growth and --postgresql make homes of their own: leave out --home.")
    found = {}
    for rows in [int(size) for size in args.growth.split(",")] if args.growth else [args.rows]:
        args.rows = rows
        print(f"{rows:,} opportunities" if args.home is None else f"the home {args.home}", flush=True)
        found[rows] = one_run(args)
    if args.growth:
        names = next(iter(found.values()))
        print("".join(f"{name:>16}" for name in ("opportunities", *names)))
        for rows, figures in found.items():
            print(f"{rows:>16,}" + "".join(f"{value:>16,.1f}" for value in figures.values()))


def one_run(args: argparse.Namespace) -> dict[str, float]:
    """Everything for one size, in a home and, where asked for, a cluster of its own."""
    if args.postgresql:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
        from tests import postgres

        cluster = postgres.Cluster(fsync=True)
        try:
            postgres.execute(cluster.address, "CREATE DATABASE load")
            return run_in_home(args, f"{cluster.address}/load")
        finally:
            cluster.stop()
    return run_in_home(args, args.database)


def run_in_home(args: argparse.Namespace, database: str) -> dict[str, float]:
    """Make the home, measure, and remove what was made for it."""
    scratch = Path(tempfile.mkdtemp(prefix="salesops-load-"))
    home = (args.home or scratch / "home").resolve()
    home.mkdir(parents=True, exist_ok=True)
    env = environment(home, database)
    try:
        make_home(home, env, args.rows, args.seed)
        return measure(args, home, env, accounts_of(env, args.accounts), scratch)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def measure(
    args: argparse.Namespace, home: Path, env: dict[str, str], accounts: list[Account], scratch: Path
) -> dict[str, float]:
    """Serve, let the sessions work, report."""
    rights = rights_of(home / "load-firm" / "exports")
    server, port, start = serve(env | {"SALESOPS_SECOND_PERSON": "all"}, args.processes)
    tally = Tally()
    try:
        spent, idle = usage(server.pid)
        browsers = [
            Browser(port, accounts[n % len(accounts)], tally, random.Random(args.seed * 10_000 + n), rights)
            for n in range(args.clients)
        ]
        for browser in [] if args.arrive else browsers:
            browser.sign_in()
            browser.settle()
            browser.step("first home")  # the first look of a reader is not a warm one
        cold = tally.seconds.pop("first home", [])
        print(
            f"{args.clients} sessions, {len(accounts)} accounts, seed {args.seed}; "
            f"the server answered {start:.1f} s after its start, for {spent:.1f} s of processor"
        )
        if cold:
            print(
                f"first Home of each session: median {statistics.median(cold) * 1e3:.0f} ms, "
                f"slowest {max(cold) * 1e3:.0f} ms"
            )
        before, own = usage(server.pid), own_seconds()
        began = time.monotonic()
        threads = [
            threading.Thread(target=sample, args=(server.pid, tally, began, began + args.seconds)),
        ]
        threads += [
            threading.Thread(target=b.work, args=(began + args.seconds, args.think, args.writes, args.arrive))
            for b in browsers
        ]
        for thread in threads:
            thread.start()
        if args.arrive:
            time.sleep(args.arrive)
            before = before[0], usage(server.pid)[1]
        coming = None if args.no_import else small_export(home, scratch, 1000)
        if coming is not None:
            time.sleep((args.seconds - args.arrive) / 3)
            run(env, "import", str(coming))
            tally.imported = time.monotonic()
        elif not args.no_import:
            print("nothing was imported meanwhile: the home has no load-firm/exports to take deals from")
        for thread in threads:
            thread.join()
        after = usage(server.pid)
        return report(
            tally,
            after[0] - before[0],
            own_seconds() - own,
            (idle, before[1], after[1]),
            time.monotonic() - began,
        )
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)


if __name__ == "__main__":
    main()
