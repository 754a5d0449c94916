"""Import: inspect files, confirm what they mean, land them. The only writers of imports."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from salesops.crm import quarantine, selectors
from salesops.crm.decision_services import amount_rule_decide
from salesops.crm.engine.linking import IMPLIED, Names
from salesops.crm.files import FileChangedError, Limits, RawTable, open_source, passes
from salesops.crm.landing import Landed, incoming_of, land, link_all
from salesops.crm.models import Import, ImportState
from salesops.crm.models import Mapping as MappingDecision
from salesops.crm.planner import plan_files, with_data_dates, with_key_shown
from salesops.crm.plans import RECORDS, FilePlan, apply_mapping, in_order, mapping_of, mapping_subject
from salesops.crm.sources import foreign_owners, refuse_foreign
from salesops.facts.errors import LockTimeout, MergeCancelled, is_full
from salesops.facts.locks import FileLock
from salesops.facts.merge import merge
from salesops.facts.tables import TABLES
from salesops.platform import audit, jobs
from salesops.platform.access import require
from salesops.platform.actors import Actor
from salesops.platform.decisions import decision_record
from salesops.platform.documents import plain
from salesops.platform.jobs import CancelledError, LostError
from salesops.platform.registries import import_summaries
from salesops.platform.store import fact_store

Progress = Callable[[int, int, str], None]

CRM = "crm"
"""The source of files that name no other system."""

MOST_SOURCE = 60
PASSES = "_passes"
"""Folder below ``FILES_PATH`` of what was read of large files and will be read again."""


def _quiet(done: int, total: int, message: str) -> None:
    """Progress that nobody watches."""


def import_inspect(
    *,
    actor: Actor,
    paths: Sequence[Path],
    name: str = "",
    source: str = "crm",
    data_on: date | None = None,
    complete: bool = False,
    mapping: Mapping[str, Any] | None = None,
    created: Callable[[Import], None] | None = None,
) -> Import:
    """Look at files and propose what they are; nothing is imported yet.

    Args:
        actor: who imports.
        paths: files, archives or folders.
        name: shown name; made of the files' names where empty.
        source: name of the system they come from.
        data_on: the day the files show, where known; else proposed per file.
        complete: whether every file holds all records of its table.
        mapping: a mapping in the YAML form, put over the file it matches.
        created: called in the transaction that puts the import on record.

    Raises:
        FileNotFoundError: a path does not exist.
        ValidationError: a file was written to while it was read.
        NotAllowedError: the actor may not import.
    """
    require(actor, "import.run")
    try:
        tables = _open(paths, keep=True)
        plans = plan_files(tables, source=source)
    except FileChangedError as error:
        raise ValidationError(str(error)) from None
    confirmed = {row.subject: row for row in selectors.mappings(date.max).values()}
    plans = [
        _with_confirmed(plan, table, confirmed, source) for plan, table in zip(plans, tables, strict=True)
    ]
    if mapping is not None:
        plans = _with_given(plans, mapping)
    plans = with_data_dates(plans, tables, data_on)
    if complete:
        plans = [replace(p, complete=p.kind == RECORDS) for p in plans]
    with transaction.atomic():
        row = Import.objects.create(
            name=name or ", ".join(Path(p).name for p in paths)[:300],
            created_at=timezone.now(),
            created_by_id=actor.user_id,
            actor_name=actor.name,
            folder="\n".join(str(Path(p).resolve()) for p in paths),
            plan={"files": [p.to_dict() for p in plans]},
        )
        audit.record(
            actor=actor, action="import.inspect", subject=f"import:{row.pk}", after={"name": row.name}
        )
        if created is not None:
            created(row)
    return row


def _open(paths: Sequence[Path], *, keep: bool = False) -> list[RawTable]:
    """The tables of some files; with ``keep``, what is read of them waits for the landing."""
    limits = Limits(keep_in=Path(settings.FILES_PATH) / PASSES if keep else None)
    tables: list[RawTable] = []
    taken: set[str] = set()
    for path in paths:
        for table in open_source(Path(path), limits=limits):
            # Files of one name from different folders are different files.
            own, number = table.name, 2
            while table.name in taken:
                table.name = f"{own} ({number})"
                number += 1
            taken.add(table.name)
            tables.append(table)
    return tables


def open_files(row: Import) -> list[RawTable]:
    """The tables of an import's files.

    Raises:
        FileNotFoundError: they are no longer where they were.
    """
    return _open([Path(p) for p in row.folder.split("\n")])


def _with_confirmed(
    plan: FilePlan, raw: RawTable, confirmed: Mapping[str, MappingDecision], source: str
) -> FilePlan:
    """A plan with the mapping confirmed for these headers: of the same source, else of the CRM."""
    headers = [c.header for c in plan.columns]
    for table in dict.fromkeys([plan.table, *TABLES]):
        row = None
        if table:
            row = confirmed.get(mapping_subject(table, headers, source))
            row = row or confirmed.get(mapping_subject(table, headers))
        if row is not None:
            document = {
                "object": row.table,
                "source": row.source if source == CRM else source,
                "key": row.key,
                "columns": row.columns,
                **row.options,
            }
            return with_key_shown(apply_mapping(plan, document, by=row.author_name), raw)
    return plan


def _with_given(plans: Sequence[FilePlan], mapping: Mapping[str, Any]) -> list[FilePlan]:
    wanted = {h.strip().casefold() for h in mapping.get("match", {}).get("headers", ()) or mapping["columns"]}
    matched = [p for p in plans if wanted <= {c.header.strip().casefold() for c in p.columns}]
    if not matched:
        raise ValidationError("No file has the columns that the mapping names.")
    return [apply_mapping(p, mapping, by="the mapping file") if p in matched else p for p in plans]


def plans_of(row: Import) -> list[FilePlan]:
    """The file plans of an import."""
    return [FilePlan.from_dict(f) for f in row.plan.get("files", ())]


@transaction.atomic
def import_confirm(*, actor: Actor, row: Import, plans: Sequence[FilePlan]) -> Import:
    """Confirm what the files mean. Checks the plan and keeps it; the mapping is kept as a decision when it lands.

    Raises:
        ValidationError: two headers feed one column, a taken file has no key or no data date, the
            import has begun already.
    """
    require(actor, "import.run")
    row = Import.objects.select_for_update().get(pk=row.pk)
    if row.state != ImportState.INSPECTED:
        raise ValidationError("This import has begun already.")
    problems = [text for plan in plans if plan.taken for text in plan_problems(plan)]
    if problems:
        raise ValidationError(problems)
    row.plan = {**row.plan, "files": [p.to_dict() for p in plans]}
    row.save(update_fields=["plan"])
    after = {
        p.name: {"table": p.table, "data_on": plain(p.data_on), "complete": p.complete}
        for p in plans
        if p.taken
    }
    audit.record(actor=actor, action="import.confirm", subject=f"import:{row.pk}", after=after)
    return row


def plan_problems(plan: FilePlan) -> list[str]:
    """Why a plan can't land, in words; empty where it can."""
    problems = []
    if plan.table not in TABLES:
        problems.append(f"{plan.name}: choose what the rows are.")
        return problems
    targets: dict[str, list[str]] = {}
    for column in plan.mapped():
        targets.setdefault(column.to, []).append(column.header)
    problems += [
        f"{plan.name}: {' and '.join(headers)} can't both become {to}."
        for to, headers in targets.items()
        if len(headers) > 1
    ]
    if plan.kind == RECORDS and "id" not in targets and not plan.key:
        problems.append(
            f"{plan.name}: choose the column that identifies a row, or the columns that do so together."
        )
    if plan.data_on is None:
        problems.append(f"{plan.name}: say which day the file shows.")
    if not plan.source.strip() or len(plan.source) > MOST_SOURCE:
        problems.append(f"{plan.name}: name the system it comes from, in {MOST_SOURCE} characters at most.")
    return problems


def import_run(
    *, actor: Actor, row: Import, progress: Progress = _quiet, recorded_at: datetime | None = None
) -> Import:
    """Land a confirmed import: all files, oldest data date first, each date one version of the facts.

    One process lands an import at a time. An import whose process died is taken up after the last
    date it had finished.

    Raises:
        ValidationError: the plan can't land, or it has landed already.
        CancelledError: somebody cancelled; the dates landed so far stay, nothing of the rest is written.
    """
    require(actor, "import.run")
    with landing_lock(row):
        return _run(actor, row, progress, recorded_at)


def landing_lock(row: Import, timeout: float = 24 * 3600.0) -> FileLock:
    """The lock that the process holds which lands an import."""
    return FileLock(Path(settings.FILES_PATH) / "_locks" / f"import-{row.pk}.lock", timeout=timeout)


def is_landing(row: Import) -> bool:
    """Whether a live process is landing an import at this moment."""
    try:
        with landing_lock(row, timeout=0):
            return False
    except LockTimeout:
        return True


def _run(actor: Actor, row: Import, progress: Progress, recorded_at: datetime | None) -> Import:
    row.refresh_from_db()
    if row.state == ImportState.DONE:
        raise ValidationError("This import is done.")
    plans = plans_of(row)
    problems = [text for plan in plans if plan.taken for text in plan_problems(plan)]
    if problems:
        raise ValidationError(problems)
    if row.state != ImportState.RUNNING:
        row.report = {}
    row.state, row.finished_at = ImportState.RUNNING, None
    row.save(update_fields=["state", "report", "finished_at"])
    _clear_up(row)
    try:
        _land_all(actor, row, plans, progress, recorded_at)
        _finish(actor, row, plans)
    except (CancelledError, MergeCancelled):
        _stop(actor, row, ImportState.CANCELLED, "import.cancel")
        raise CancelledError from None
    except LostError:
        raise  # the worker that took the job over goes on with the import
    except KeyboardInterrupt:
        _stop(actor, row, ImportState.CANCELLED, "import.cancel")
        raise
    except Exception as error:
        told = _told(error)
        _stop(actor, row, ImportState.FAILED, "import.fail", told)
        if told is error:
            raise
        raise told from error
    finally:
        passes.done()
    return row


def _clear_up(row: Import) -> None:
    """Remove what processes left that died while they landed an import."""
    for folder in Path(settings.FILES_PATH).glob("import-*-*"):
        number = folder.name.split("-")[1]
        dead = number.isdigit() and (int(number) == row.pk or not is_landing(Import(pk=int(number))))
        if dead:
            shutil.rmtree(folder, ignore_errors=True)


def _told(error: Exception) -> Exception:
    """The error as a user can act on it: a file that changed, a disk without space; any other as it is."""
    if isinstance(error, FileChangedError):
        return ValidationError(str(error))
    text = str(error).lower()
    full = isinstance(error, OSError) and is_full(error)
    if full or "no space left" in text or "file too large" in text or "disk quota" in text:
        return ValidationError(
            "There is no space left on the disk. Nothing of this day's files was taken; what had landed "
            f"before stays as it is. Make space and import the files again. ({error})"
        )
    return error


@transaction.atomic
def _finish(actor: Actor, row: Import, plans: Sequence[FilePlan]) -> None:
    row.state, row.finished_at = ImportState.DONE, timezone.now()
    row.report = {k: v for k, v in row.report.items() if k != "landed"}
    row.save(update_fields=["state", "finished_at", "report", "manifest_id"])
    _keep_mappings(actor, plans)
    if amount := row.plan.get("amount"):
        amount_rule_decide(
            actor=actor, deal_kind="all", column=amount, reason=f"Chosen when {row.name} was imported."[:500]
        )
    audit.record(
        actor=actor, action="import.run", subject=f"import:{row.pk}", after=row.report.get("tables", {})
    )


def _stop(actor: Actor, row: Import, state: ImportState, action: str, error: Exception | None = None) -> None:
    """End an import that did not come to its end; what landed before stays, and is on record."""
    row.refresh_from_db()
    row.state, row.finished_at = state, timezone.now()
    row.report = {k: v for k, v in row.report.items() if k != "landed"}
    if error is not None:
        messages = (
            error.messages if isinstance(error, ValidationError) else [str(error) or type(error).__name__]
        )
        row.report["error"] = " ".join(messages)
    with transaction.atomic():
        row.save(update_fields=["state", "finished_at", "report"])
        audit.record(
            actor=actor,
            action=action,
            subject=f"import:{row.pk}",
            after=row.report.get("tables", {}),
            reason=str(row.report.get("error", "")),
        )


def _land_all(
    actor: Actor, row: Import, plans: Sequence[FilePlan], progress: Progress, recorded_at: datetime | None
) -> None:
    tables = {t.name: t for t in open_files(row)}
    missing = [p.name for p in plans if p.taken and p.name not in tables]
    if missing:
        raise ValidationError(f"The file is no longer there: {', '.join(missing)}. Import it again.")
    total = sum(p.rows for p in plans if p.taken)
    known = quarantine.known_names()
    report: dict[str, Any] = {"files": [], "tables": {}, "quarantined": 0, "landed": [], **row.report}
    done = 0
    for group in in_order(plans):
        day = group[0].data_on
        assert day is not None  # plan_problems() saw to it
        if day.isoformat() in report["landed"]:  # by a process that died later
            done += sum(p.rows for p in group)
            continue
        done = _land_day(row, group, tables, known, report, progress, done, total, recorded_at)
    latest = fact_store().manifests.latest()
    row.report = plain(
        {
            "import_id": row.pk,
            "manifest_id": row.manifest_id,
            "data_date": latest.data_on if latest else None,
            **report,
            "ignored": [
                {"file": p.name, "reason": p.ignored_reason, "rows": p.rows} for p in plans if not p.taken
            ],
            "known": {name: summary(actor) for name, summary in import_summaries.items()} if latest else {},
        }
    )


def _land_day(
    row: Import,
    group: Sequence[FilePlan],
    tables: Mapping[str, RawTable],
    known: Mapping[str, Names],
    report: dict[str, Any],
    progress: Progress,
    done: int,
    total: int,
    recorded_at: datetime | None,
) -> int:
    """Land the files of one date and write down what came of it; returns the rows read so far."""
    day = group[0].data_on
    assert day is not None  # plan_problems() saw to it
    settings.FILES_PATH.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"import-{row.pk}-", dir=settings.FILES_PATH))
    try:
        landed = land(
            group,
            tables,
            folder=folder,
            known=known,
            progress=progress,
            done=done,
            total=total,
            owners=foreign_owners(),
        )
        done += sum(item.read for item in landed)
        refuse_foreign(landed, tables)
        implied = link_all(landed, known)
        incoming = incoming_of(landed, implied, data_on=day, import_id=str(row.pk))
        progress(done, total, "Comparing with what is known")
        merged = merge(
            fact_store(),
            incoming,
            recorded_at=recorded_at or timezone.now(),
            published=None if recorded_at else timezone.now,
            note=row.name,
            progress=lambda *args: progress(done, total, "Writing"),
        )
        for table, records in implied.items():
            known[table].add(records.items(), IMPLIED)
        with transaction.atomic():
            report["quarantined"] += quarantine.keep(row, landed, merged.outcomes[: len(landed)], tables)
            for item, outcome in zip(landed, merged.outcomes, strict=False):
                report["files"].append(_file_report(item, outcome, day))
            for outcome in merged.outcomes[: len(landed)]:
                _add(report["tables"], outcome)
            report["landed"].append(day.isoformat())
            row.report = plain(report)
            row.manifest_id = int(merged.manifest.id) if merged.manifest else None
            row.save(update_fields=["report", "manifest_id"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return done


def _file_report(item: Landed, outcome: Any, day: date) -> dict[str, Any]:
    plan = item.plan
    return {
        "file": plan.name,
        "table": plan.table,
        "kind": plan.kind,
        "data_date": day,
        "rows": item.read,
        "mapped": {c.header: c.to for c in plan.mapped() if not c.to.startswith("x_")},
        "kept": {c.header: c.to for c in plan.mapped() if c.to.startswith("x_")},
        "left_out": [c.header for c in plan.columns if not c.to],
        "key": list(plan.key) or [c.header for c in plan.columns if c.to == "id"],
        "rounded": item.rounded,
        "ambiguous": item.ambiguous,
        "refused": len(item.refused) + len(outcome.duplicates) + len(outcome.keyless),
        "incomplete_because": item.incomplete_because,
        "rows_that_are_no_records": len(plan.dropped),
        "history_rows": outcome.history,
    }


def _add(outcomes: dict[str, dict[str, Any]], outcome: Any) -> None:
    found = outcomes.setdefault(
        outcome.table,
        {
            "read": 0,
            "added": 0,
            "changed": 0,
            "changed_by_field": {},
            "unchanged": 0,
            "not_in_file": 0,
            "deleted": 0,
            "undeleted": 0,
            "history": 0,
        },
    )
    for name in ("read", "added", "changed", "unchanged", "deleted", "undeleted", "history"):
        found[name] += getattr(outcome, name)
    found["not_in_file"] = outcome.not_in_file
    for column, count in outcome.changed_by_field.items():
        found["changed_by_field"][column] = found["changed_by_field"].get(column, 0) + count


def _keep_mappings(actor: Actor, plans: Sequence[FilePlan]) -> None:
    """Keep what was confirmed, so that the next file with these headers needs no question."""
    for plan in plans:
        if not plan.taken:
            continue
        document = mapping_of(plan)
        decision_record(
            MappingDecision,
            actor=actor,
            subject=mapping_subject(plan.table, document["match"]["headers"], plan.source),
            values={
                "table": plan.table,
                "source": plan.source,
                "headers": document["match"]["headers"],
                "columns": document["columns"],
                "key": document.get("key", []),
                "options": {
                    k: document[k] for k in ("kind", "joined", "stage_dates", "history") if k in document
                },
            },
        )


@transaction.atomic
def import_start(*, actor: Actor, row: Import) -> Import:
    """Hand a confirmed import to the worker.

    Raises:
        ValidationError: the plan can't land, or it has begun already.
    """
    require(actor, "import.run")
    row = Import.objects.select_for_update().get(pk=row.pk)
    if row.state != ImportState.INSPECTED or row.job_id is not None:
        raise ValidationError("This import has begun already.")
    plans = plans_of(row)
    problems = [text for plan in plans if plan.taken for text in plan_problems(plan)]
    if not any(plan.taken for plan in plans):
        problems.append("Nothing in these files can be imported: say what their rows are.")
    if problems:
        raise ValidationError(problems)
    row.job = jobs.enqueue("import", {"import_id": row.pk}, actor=actor)
    row.save(update_fields=["job"])
    audit.record(actor=actor, action="import.start", subject=f"import:{row.pk}", after={"job": row.job_id})
    return row


def import_now(
    *,
    actor: Actor,
    paths: Sequence[Path],
    progress: Progress = _quiet,
    recorded_at: datetime | None = None,
    **options: Any,
) -> Import:
    """Inspect and land in one go, taking every proposal: the command line's and the demo's way.

    Raises:
        ValidationError: a file can't be taken as proposed; the message says which and why.
    """
    row = import_inspect(actor=actor, paths=paths, **options)
    return import_run(actor=actor, row=row, progress=progress, recorded_at=recorded_at)
