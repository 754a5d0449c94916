"""Between inspection and landing: editing a plan, mapping files, starting, and opening an import again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from salesops.crm import services, uploads
from salesops.crm.models import Import, ImportState
from salesops.crm.plan_edits import NUMBERS, FileEdit, edited, refit, retabled
from salesops.crm.planner import with_key_shown
from salesops.crm.plans import FilePlan, apply_mapping, check_mapping, mapping_of
from salesops.crm.services import import_confirm, import_inspect, import_start, plan_problems, plans_of
from salesops.facts.tables import TABLES
from salesops.platform import audit, jobs
from salesops.platform.access import require
from salesops.platform.actors import Actor
from salesops.platform.job_states import JobState
from salesops.platform.jobs import Job
from salesops.platform.yaml_documents import load_plain

MOST_YAML = 1024**2


class PlanError(ValidationError):
    """A plan can't land. ``by_file`` has the reasons by position of the file, -1 for the whole import."""

    def __init__(self, by_file: Mapping[int, Sequence[str]]) -> None:
        super().__init__([text for texts in by_file.values() for text in texts])
        self.by_file = {number: list(texts) for number, texts in by_file.items()}


def import_upload(
    *, actor: Actor, files: Sequence[tuple[str, Any]], pasted: str = "", source: str = "crm"
) -> Import | Job:
    """Keep what was uploaded or pasted and propose what it is; what is large is looked at by a job.

    Args:
        actor: who imports.
        files: names and chunks of bytes.
        pasted: a table as text, "" for none.
        source: name of the system they come from.

    Raises:
        ValidationError: nothing was given, or it is too large.
        NotAllowedError: the actor may not import.
    """
    require(actor, "import.run")
    given = list(files)
    if pasted.strip():
        given.append(("pasted table.txt", [pasted.encode("utf-8")]))
    if not given:
        raise ValidationError("Choose a file, or paste a table.")
    path = uploads.keep_all(given)
    names = ", ".join(Path(name.replace("\\", "/")).name for name, _ in given)
    source = source.strip() or "crm"
    if uploads.size_of(path) > settings.INSPECT_BYTES:
        params = {"path": str(path), "name": names[:300], "source": source}
        kept = path.relative_to(settings.UPLOADS_PATH).parts[0]
        return jobs.enqueue(
            "inspect", params, actor=actor, dedupe_key=f"inspect:{actor.user_id}:{kept}:{source}"[:200]
        )
    return import_inspect(actor=actor, paths=[path], name=names[:300], source=source)


def _open(row: Import) -> dict[str, Any]:
    try:
        return {t.name: t for t in services.open_files(row)}
    except FileNotFoundError as error:
        raise ValidationError("The files are no longer there. Import them again.") from error


def import_edit(*, actor: Actor, row: Import, edits: Mapping[int, FileEdit]) -> list[int]:
    """Keep what a person changed in the plan, right or wrong; nothing is imported.

    Returns:
        Positions of files whose columns were proposed anew because another table was named.

    Raises:
        PlanError: a change that can't be made; the others are kept.
        ValidationError: the import has begun, or its files are gone.
    """
    require(actor, "import.run")
    _check_open(row)
    plans = plans_of(row)
    raw = _open(row)
    anew: list[int] = []
    faults: dict[int, list[str]] = {}
    for number, edit in edits.items():
        if not 0 <= number < len(plans) or not plans[number].columns:
            continue
        plan = plans[number]
        if retabled(plan, edit):
            anew.append(number)
        try:
            plans[number] = edited(plan, edit, raw[plan.name])
        except ValidationError as error:
            faults[number] = list(error.messages)
    _keep(row, _dated(plans))
    if faults:
        raise PlanError(faults)
    return anew


def _dated(plans: Sequence[FilePlan]) -> list[FilePlan]:
    """A file taken after all has the day of the others, where nothing else says its own."""
    days = [(p.data_on, p.data_on_why) for p in plans if p.taken and p.data_on]
    if not days:
        return list(plans)
    day, why = max(days, key=lambda d: d[0] or date.min)
    return [replace(p, data_on=day, data_on_why=why) if p.taken and p.data_on is None else p for p in plans]


def _check_open(row: Import) -> None:
    if row.state != ImportState.INSPECTED or row.job_id is not None:
        raise ValidationError("This import has begun already.")


@transaction.atomic
def _keep(row: Import, plans: Sequence[FilePlan]) -> None:
    locked = Import.objects.select_for_update().get(pk=row.pk)
    _check_open(locked)
    row.plan = {**locked.plan, "files": [p.to_dict() for p in plans]}
    row.save(update_fields=["plan"])


def read_mapping(text: str) -> dict[str, Any]:
    """A mapping file's content.

    Raises:
        ValidationError: no YAML, or not a mapping's form; the message says where.
    """
    if len(text) > MOST_YAML:
        raise ValidationError("A mapping file is never larger than 1 MB.")
    try:
        mapping = load_plain(text)
        check_mapping(mapping)
    except ValueError as error:
        raise ValidationError(f"This is no mapping file: {error}") from error
    mapping["columns"] = {str(header): rule for header, rule in mapping["columns"].items()}
    table = TABLES[mapping["object"]].by_name
    for header, rule in mapping["columns"].items():
        to = (rule if isinstance(rule, str) else rule.get("to")) or ""
        if to and not to.startswith("x_") and to not in table and mapping.get("kind") != "history":
            raise ValidationError(f"{header}: {mapping['object']} has no column {to!r}.")
    return mapping


def mapping_yaml(plan: FilePlan) -> str:
    """A plan's mapping as YAML."""
    return yaml.safe_dump(mapping_of(plan), sort_keys=False, allow_unicode=True)


def import_map(*, actor: Actor, row: Import, text: str) -> int:
    """Put a mapping file over every file of an import that has its columns. Returns how many.

    Raises:
        ValidationError: it can't be read, or fits no file.
    """
    require(actor, "import.run")
    _check_open(row)
    mapping = read_mapping(text)
    wanted = {h.strip().casefold() for h in mapping.get("match", {}).get("headers", ()) or mapping["columns"]}
    raw = _open(row)
    plans = plans_of(row)
    fitting = 0
    for number, plan in enumerate(plans):
        if not plan.columns or not wanted <= {c.header.strip().casefold() for c in plan.columns}:
            continue
        plans[number] = with_key_shown(
            _typed(apply_mapping(plan, mapping, by="the mapping file"), plan, raw), raw[plan.name]
        )
        fitting += 1
    if not fitting:
        raise ValidationError("No file has the columns that the mapping names.")
    _keep(row, _dated(plans))
    return fitting


def _typed(plan: FilePlan, before: FilePlan, raw: Mapping[str, Any]) -> FilePlan:
    """Columns with the type of the column they go to, read accordingly where that changed."""
    known = TABLES[plan.table].by_name
    columns = []
    for new, old in zip(plan.columns, before.columns, strict=True):
        kind = known[new.to].type if plan.kind == "records" and new.to in known else new.type
        new = replace(new, type=kind)
        if kind != old.type and new.format == old.format:
            new = refit(new, raw[plan.name])
        columns.append(new)
    return replace(plan, columns=tuple(columns))


def import_begin(*, actor: Actor, row: Import, amount: str = "") -> Import:
    """Confirm the plan as it is kept and hand it to the worker.

    Args:
        actor: who imports.
        row: the import.
        amount: stored column that counts as bookings, decided when the import has landed; "" to leave it open.

    Raises:
        PlanError: a file can't land as planned, by file.
        ValidationError: it has begun already.
    """
    plans = plans_of(row)
    faults = {n: plan_problems(p) for n, p in enumerate(plans) if p.taken and plan_problems(p)}
    if not any(plan.taken for plan in plans):
        faults[-1] = ["Nothing in these files can be imported: say what their rows are."]
    if faults:
        raise PlanError(faults)
    if amount:
        require(actor, "decision.write")
        known = {c.to: c for p in plans if p.taken and p.table == "opportunities" for c in p.mapped()}
        if amount not in known:
            raise ValidationError(f"No file brings a column {amount!r}.")
        if known[amount].type not in NUMBERS:
            raise ValidationError(
                f"{known[amount].header} can't be the amount that counts: it is read as {known[amount].type}, because "
                "some of its cells are no figures. Mend them, or choose another."
            )
    with transaction.atomic():
        row = import_confirm(actor=actor, row=row, plans=plans)
        row.plan = {**row.plan, "amount": amount}
        row.save(update_fields=["plan"])
        return import_start(actor=actor, row=row)


@transaction.atomic
def import_reopen(*, actor: Actor, row: Import) -> Import:
    """Let an import that failed or was cancelled be confirmed again; what has landed is recognised.

    Raises:
        ValidationError: it is done, or still at work.
    """
    require(actor, "import.run")
    row = Import.objects.select_for_update(of=("self",)).select_related("job").get(pk=row.pk)
    if not may_reopen(row):
        raise ValidationError("This import is done, or still at work.")
    before = row.state
    row.state, row.job, row.finished_at, row.report = ImportState.INSPECTED, None, None, {}
    row.save(update_fields=["state", "job", "finished_at", "report"])
    audit.record(actor=actor, action="import.reopen", subject=f"import:{row.pk}", before={"state": before})
    return row


def may_reopen(row: Import) -> bool:
    """Whether an import ended without being done."""
    if row.state in (ImportState.FAILED, ImportState.CANCELLED):
        return True
    if row.job is None:  # the command line's: its process died
        return row.state == ImportState.RUNNING and not services.is_landing(row)
    return row.state != ImportState.DONE and row.job.state in (JobState.CANCELLED, JobState.FAILED)
