"""The ``watch`` command: folders and mailboxes whose exports are imported as they come."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from salesops.platform.cli import actor_from, read_yaml
from salesops.platform.documents import to_json


def add_commands(verbs: argparse._SubParsersAction) -> None:
    """Add this room's verbs."""
    watch = verbs.add_parser("watch", help="folders and mailboxes whose exports are imported as they come")
    actions = watch.add_subparsers(dest="watch_verb", metavar="ACTION", required=True)

    listed = actions.add_parser("list", help="every watch, whether it looks, and what waits for you")
    listed.add_argument("--json", action="store_true", help="print JSON")
    listed.set_defaults(run=_list)

    folder = actions.add_parser("folder", help="watch a folder below SALESOPS_WATCH_ROOT")
    folder.add_argument("name", help="name of the watch; one that exists is changed")
    folder.add_argument("path", help="the folder")
    folder.add_argument("--pattern", default="*", help="names of files to take, with * and ? (default *)")
    _shared(folder)
    folder.set_defaults(run=_save, kind="folder")

    mailbox = actions.add_parser("mailbox", help="watch a mailbox over IMAP")
    mailbox.add_argument("name", help="name of the watch; one that exists is changed")
    mailbox.add_argument("host", help="IMAP server, one of SALESOPS_WATCH_HOSTS")
    mailbox.add_argument("user", help="account at the server")
    mailbox.add_argument("--port", type=int, default=993, help="port (default 993)")
    mailbox.add_argument(
        "--plain", action="store_true", help="without TLS: only for a server on this machine"
    )
    mailbox.add_argument(
        "--password-variable", required=True, help="environment variable that holds the password"
    )
    mailbox.add_argument("--mailbox", default="INBOX", help="mail folder (default INBOX)")
    mailbox.add_argument(
        "--sender", action="append", required=True, help="address or @domain; may be repeated"
    )
    mailbox.add_argument("--subject", default="", help="subjects to take, with * and ?")
    _shared(mailbox)
    mailbox.set_defaults(run=_save, kind="mailbox")

    for name, said in (
        (
            "look",
            "look now and wait for what comes of it; exit code 1 where something failed or waits for you",
        ),
        ("pause", "let it look no more"),
        ("resume", "let it look again"),
        ("remove", "remove it; what it imported stays"),
    ):
        changed = actions.add_parser(name, help=said)
        changed.add_argument("name", help="name of the watch")
        changed.set_defaults(run=_change)


def _shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--source", default="crm", help="name of the system the files come from")
    all_records = "files of this table hold all records; may be repeated"
    parser.add_argument("--complete", action="append", default=[], metavar="TABLE", help=all_records)
    parser.add_argument(
        "--mapping", metavar="FILE", help="YAML mapping; else those confirmed for the columns"
    )
    parser.add_argument(
        "--mail-to", action="append", default=[], metavar="ADDRESS", help="who is told; may be repeated"
    )
    parser.add_argument("--cron", default="*/5 * * * *", help="how often (default: every five minutes)")
    parser.add_argument("--zone", default="UTC", help="time zone of the times (default UTC)")


def _save(args: argparse.Namespace) -> int:
    from salesops.crm import watch_selectors, watch_services

    actor = actor_from(args)
    values: dict[str, Any] = {
        "name": args.name, "kind": args.kind, "source": args.source, "complete_tables": args.complete,
        "mapping": (read_yaml(args.mapping) or None) if args.mapping else None,
        "mail_to": args.mail_to, "cron": args.cron, "zone": args.zone,
    }  # fmt: skip
    if args.kind == "folder":
        values |= {"path": args.path, "pattern": args.pattern}
    else:
        values |= {
            "host": args.host, "user": args.user, "port": args.port, "tls": not args.plain, "mailbox": args.mailbox,
            "password_variable": args.password_variable, "senders": args.sender, "subject_pattern": args.subject,
        }  # fmt: skip
    row = watch_services.watch_save(actor=actor, row=watch_selectors.watch_named(args.name), **values)
    print(f"{row.name} is watched. A worker looks: salesops serve, or salesops worker.")
    return 0


def _list(args: argparse.Namespace) -> int:
    from salesops.crm import watch_selectors
    from salesops.platform.access import require

    require(actor_from(args), "import.view")
    found = watch_selectors.watches()
    told = [
        {
            "name": seen.row.name, "kind": seen.row.kind,
            "where": seen.row.path or f"{seen.row.user} at {seen.row.host}",
            "looks": not seen.stopped, "why_not": seen.stopped, "looked_at": seen.row.looked_at,
            "trouble": seen.row.trouble, "waiting_for_you": seen.asking,
            "arrivals": [
                {"name": a.name, "state": a.state, "reason": a.reason, "import_id": a.row_id, "seen_at": a.seen_at}
                for a in watch_selectors.arrivals_of(seen.row)[:20]
            ],
        }
        for seen in found
    ]  # fmt: skip
    if args.json:
        print(to_json(told))
        return 0
    for one in told:
        state = one["why_not"] or one["trouble"] or "on"
        print(f"{one['name']}: {one['kind']} {one['where']}, {state}; {one['waiting_for_you']} wait for you")
        for arrival in one["arrivals"][:5]:
            print(f"  {arrival['state']:<9} {arrival['name']} {arrival['reason']}")
    return 0


def _change(args: argparse.Namespace) -> int:
    from salesops.crm import watch_selectors, watch_services

    actor = actor_from(args)
    row = watch_selectors.watch_named(args.name)
    if row is None:
        message = f"There is no watch named {args.name!r}."
        raise LookupError(message)
    if args.watch_verb == "look":
        return _look(actor, row)
    if args.watch_verb == "remove":
        watch_services.watch_remove(actor=actor, row=row)
    else:
        watch_services.watch_switch(actor=actor, row=row, active=args.watch_verb == "resume")
    print("Done.")
    return 0


def _look(actor: Any, row: Any) -> int:
    """Look until nothing more comes of it; 0 only where all that came by these looks was taken well."""
    from salesops.crm import watch_selectors, watching
    from salesops.platform.job_states import JobState

    before = standing = watch_selectors.standing(row)
    job = _look_once(actor, row)
    # A file is known as whole when two looks apart saw it the same; files are imported one a look.
    pause = watching.SETTLES.total_seconds() + 0.5
    while job.state == JobState.DONE:
        time.sleep(pause)
        pause = 0.0
        job = _look_once(actor, row)
        was, standing = standing, watch_selectors.standing(row)
        if standing == was or not any(state == "waiting" for state, _ in standing.values()):
            break
    row.refresh_from_db()
    for arrival in watch_selectors.arrivals_of(row)[:20]:
        print(f"{arrival.get_state_display():<22} {arrival.name} {arrival.reason}".rstrip())
    wrong = [text for text in (row.trouble, (job.result or {}).get("note", "")) if text]
    if job.state != JobState.DONE and not wrong:
        wrong.append(job.message)
    for text in wrong:
        print(text, file=sys.stderr)
    touched = [state for pk, (state, reason) in standing.items() if before.get(pk) != (state, reason)]
    return 1 if wrong or "failed" in touched or "asking" in touched else 0


def _look_once(actor: Any, row: Any) -> Any:
    """One look and the imports that it starts, here or by a worker elsewhere; the job of the look."""
    from salesops.crm import watch_selectors
    from salesops.crm.watch_services import watch_look
    from salesops.platform import jobs
    from salesops.platform.job_states import JobState

    job = watch_look(actor=actor, row=row)
    while True:
        jobs.run_waiting()
        job.refresh_from_db()
        if job.state not in (JobState.QUEUED, JobState.RUNNING) and not watch_selectors.importing(row):
            return job
        time.sleep(0.5)  # a worker of this home took it
