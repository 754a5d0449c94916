"""The dated, append-only base of every decision, and the one service that writes them.

A decision is a *subject* (which stage, whose quota), the values decided, the day they start
and when they were recorded. Nothing is ever changed or removed: a decision is succeeded by a
later start, or by a later record with the same start (a correction). The end of one is the
start of the next; ``ended`` marks a subject that has nothing in force from that day.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from salesops.core.lately import Lately
from salesops.platform import audit, second_person
from salesops.platform.access import require
from salesops.platform.actors import Actor
from salesops.platform.models import AuditEvent
from salesops.platform.reading import is_one_state, once
from salesops.platform.registries import decision_kinds
from salesops.platform.store import fact_store


class DatedDecision(models.Model):
    """Abstract base of decision tables. Subclasses set ``KIND``, ``FIELDS`` and their columns.

    ``NEEDS_REASON``, ``PERMISSION`` and ``SHAPES_RECORDS`` are theirs to set, too.
    """

    KIND: ClassVar[str] = ""
    FIELDS: ClassVar[tuple[str, ...]] = ()
    NEEDS_REASON: ClassVar[bool] = False
    PERMISSION: ClassVar[str] = "decision.write"
    SHAPES_RECORDS: ClassVar[bool] = True
    """Whether what records look like rests on it: a stage's meaning, an owner's name, the amount that counts.

    What a kind decides that says no stands beside them (quotas, targets), or narrows who sees them, which
    every reader's scope tells: what was made of records alone stays good when one is written.
    """

    subject = models.CharField(max_length=300, db_index=True)
    starts_on = models.DateField(null=True, blank=True, help_text="First day in force; empty means always.")
    recorded_at = models.DateTimeField(db_index=True)
    author_name = models.CharField(max_length=200)
    author_user_id = models.BigIntegerField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")
    draft = models.BooleanField(default=False)
    ended = models.BooleanField(default=False)

    class Meta:
        abstract = True
        ordering = ("subject", "starts_on", "recorded_at", "id")

    def __str__(self) -> str:
        return f"{self.KIND}:{self.subject} from {self.starts_on or 'always'}"

    def values(self) -> dict[str, Any]:
        """The decided values by field name."""
        return {name: getattr(self, name) for name in self.FIELDS}

    @classmethod
    def subject_of(cls, values: dict[str, Any]) -> str:
        """The subject that plain values belong to; decision tables whose values name it override this.

        Raises:
            ValidationError: the kind needs a subject of its own.
        """
        raise ValidationError({"subject": f"A {cls.KIND} decision needs a subject."})

    @classmethod
    def parse(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Plain values (YAML, forms) as the columns' types.

        Raises:
            ValidationError: a value does not fit its field; the message names the field.
        """
        if not isinstance(values, dict):
            raise ValidationError({"values": "A mapping of field to value is needed."})
        parsed: dict[str, Any] = {}
        for name, value in values.items():
            if name not in cls.FIELDS:
                raise ValidationError({name: f"Unknown field; a {cls.KIND} has {', '.join(cls.FIELDS)}."})
            try:
                parsed[name] = cls._meta.get_field(name).to_python(value)
            except ValidationError as error:
                raise ValidationError({name: error.messages}) from error
        return parsed


NO_MARK = "none"
"""The mark while nothing was decided."""

OVERLAPPING = 1_000
"""Audit events that may be under way at once, counted with the newest one."""

D = TypeVar("D", bound=DatedDecision)
T = TypeVar("T")


@dataclass(frozen=True)
class Difference:
    """One field that two decisions on a subject decide differently."""

    field: str
    before: Any
    after: Any


def register(model: type[DatedDecision]) -> None:
    """Make a decision table known to the shared services (YAML, history pages)."""
    decision_kinds.register(model.KIND, model)


def _order(row: DatedDecision) -> tuple[date, datetime, int]:
    return (row.starts_on or date.min, row.recorded_at, row.pk or 0)


def in_force(
    model: type[D], on: date, *, known_at: datetime | None = None, subjects: Iterable[str] | None = None
) -> dict[str, D]:
    """Decisions in force on a day, by subject.

    Args:
        model: the decision table.
        on: the day asked about.
        known_at: only what was recorded by then; None for everything recorded so far.
        subjects: only these, or None for all.
    """
    rows = model._default_manager.filter(draft=False).filter(
        models.Q(starts_on__isnull=True) | models.Q(starts_on__lte=on)
    )
    if known_at is not None:
        rows = rows.filter(recorded_at__lte=known_at)
    if subjects is not None:
        rows = rows.filter(subject__in=list(subjects))
    best: dict[str, D] = {}
    for row in rows:
        if row.subject not in best or _order(row) > _order(best[row.subject]):
            best[row.subject] = row
    return {subject: row for subject, row in best.items() if not row.ended}


def history(model: type[D], subject: str) -> list[D]:
    """Every decision on a subject, oldest start first; drafts included."""
    return sorted(model._default_manager.filter(subject=subject), key=_order)


def difference(before: DatedDecision | None, after: DatedDecision | None) -> list[Difference]:
    """Fields that two decisions decide differently."""
    left = before.values() if before and not before.ended else {}
    right = after.values() if after and not after.ended else {}
    names = [*left, *(n for n in right if n not in left)]
    return [Difference(n, left.get(n), right.get(n)) for n in names if left.get(n) != right.get(n)]


def plain(value: Any) -> Any:
    """A value as JSON and YAML hold it: money as a string, dates as ISO."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def _check(model: type[DatedDecision], actor: Actor, reason: str) -> None:
    require(actor, model.PERMISSION)
    if model.NEEDS_REASON and not reason.strip():
        raise ValidationError(
            {"reason": "A reason is needed: this decision touches money, locks or permissions."}
        )


def decision_record(
    model: type[D],
    *,
    actor: Actor,
    subject: str,
    values: dict[str, Any],
    starts_on: date | None = None,
    reason: str = "",
    draft: bool = False,
) -> D:
    """Decide: succeed what is in force for a subject from ``starts_on`` on, or draft it.

    Recording what is already in force from that very day is a no-op and returns it. Where the kind takes
    two people, it is drafted: :mod:`salesops.platform.second_person`.

    Raises:
        ValidationError: a value is missing or wrong, or a needed reason is empty.
        NotAllowedError: the actor's role may not decide this.
    """
    _check(model, actor, reason)
    unknown = set(values) - set(model.FIELDS)
    if unknown:
        raise ValidationError(dict.fromkeys(sorted(unknown), "Unknown field."))
    waits = not draft and second_person.needed(model)
    with transaction.atomic():
        current = in_force(model, starts_on or date.min, subjects=[subject]).get(subject)
        row = _row(model, actor, subject, values, starts_on, reason, draft=draft or waits)
        row.full_clean()
        if current is not None and not draft and not difference(current, row):
            return current
        return _waiting(row, current, actor) if waits else _written(row, current, actor)


def _row(
    model: type[D],
    actor: Actor,
    subject: str,
    values: dict[str, Any],
    starts_on: date | None,
    reason: str,
    **more: bool,
) -> D:
    return model(
        subject=subject,
        starts_on=starts_on,
        recorded_at=timezone.now(),
        author_name=actor.name,
        author_user_id=actor.user_id,
        reason=reason,
        **more,
        **values,
    )


def _written(row: D, current: D | None, actor: Actor, drafted: D | None = None) -> D:
    """Insert a decision with its audit event; ``drafted`` is the draft it was published from."""
    row.save(force_insert=True)
    after = {"ended_from": row.starts_on} if row.ended else {"starts_on": row.starts_on, **row.values()}
    if drafted is not None:
        after |= {"drafted_by": drafted.author_name, "draft": drafted.pk}
    audit.record(
        actor=actor,
        action="decision.draft" if row.draft else "decision.end" if row.ended else "decision.record",
        subject=f"{row.KIND}:{row.subject}",
        before=plain(current.values()) if current else None,
        after=plain(after),
        reason=row.reason,
    )
    return row


def _waiting(row: D, current: D | None, actor: Actor) -> D:
    """Draft a decision that takes two people; what the same person recorded last, unchanged, is not repeated."""
    drafts = type(row)._default_manager.filter(subject=row.subject, draft=True).order_by("-id")
    last = drafts.first()
    newer = last is not None and (current is None or last.recorded_at > current.recorded_at)
    same = newer and (last.author_user_id, last.starts_on, last.ended, last.values()) == (
        row.author_user_id, row.starts_on, row.ended, row.values(),
    )  # fmt: skip
    found: D = last if same else _written(row, current, actor)
    second_person.note(found)
    return found


def open_drafts(model: type[D]) -> models.QuerySet[D]:
    """Drafts that wait: nothing was decided on the same subject from the same day after them."""
    begins = Coalesce("starts_on", models.Value(date.min), output_field=models.DateField())
    rows = model._default_manager.annotate(begins=begins)
    later = rows.filter(
        draft=False,
        subject=models.OuterRef("subject"),
        begins=models.OuterRef("begins"),
        recorded_at__gt=models.OuterRef("recorded_at"),
    )
    return rows.filter(~models.Exists(later), draft=True)


def decision_publish(row: D, *, actor: Actor, reason: str = "") -> D:
    """Put a draft in force: recorded anew, so that the draft itself stays as it was.

    Raises:
        ValidationError: it is no draft, no longer waits, a needed reason is empty, or a second person has
            to do this.
        NotAllowedError: the actor's role may not decide this.
    """
    if not row.draft:
        raise ValidationError("Only a draft can be published.")
    model, reason = type(row), reason or row.reason
    _check(model, actor, reason)
    second_person.require_another(row, actor)
    with transaction.atomic():
        # Locked, so that of two who publish it at once the second is told.
        list(model._default_manager.select_for_update().filter(pk=row.pk).values_list("pk"))
        if not open_drafts(model).filter(pk=row.pk).exists():
            raise ValidationError("This draft was put in force already, or overtaken by a later decision.")
        current = in_force(model, row.starts_on or date.min, subjects=[row.subject]).get(row.subject)
        new = _row(model, actor, row.subject, row.values(), row.starts_on, reason, ended=row.ended)
        new.full_clean()
        if current is not None and not row.ended and not difference(current, new):
            return current
        if current is None and row.ended:
            raise ValidationError("Nothing is in force that this could end.")
        return _written(new, current, actor, row)


def decision_end(
    model: type[D], *, actor: Actor, subject: str, starts_on: date | None, reason: str = ""
) -> D | None:
    """Leave a subject with nothing in force from a day on. Returns None if nothing was.

    Where the kind takes two people, the end is drafted.
    """
    _check(model, actor, reason)
    waits = second_person.needed(model)
    with transaction.atomic():
        current = in_force(model, starts_on or date.min, subjects=[subject]).get(subject)
        if current is None:
            return None
        row = _row(model, actor, subject, current.values(), starts_on, reason, ended=True, draft=waits)
        return _waiting(row, current, actor) if waits else _written(row, current, actor)


def high_water_mark() -> str:
    """A mark that moves with every writing of a decision, since each is audited in its own transaction."""
    return once("mark of the decisions", _read_mark)


def mark_of_records() -> str:
    """As :func:`high_water_mark`, but unmoved by decisions of kinds that shape no records."""
    return once("mark of what shapes records", _mark_of_records)


def _mark_of_records() -> str:
    # It moves only where the whole mark does, which is found fast; itself it is looked for among all decisions.
    whole = high_water_mark()
    beside = [kind for kind, model in decision_kinds.items() if not model.SHAPES_RECORDS]
    if whole == NO_MARK or connection.in_atomic_block:
        return _read_mark(beside)
    key = (str(fact_store().address), whole)
    if known := _marks.get(key, ""):
        return known
    found = _read_mark(beside)
    if _read_mark() != whole:
        # Something was decided since this state read the whole mark, under which it may have read decisions
        # already: what it makes of them must not be found under the new mark.
        return f"{found} under {whole}"
    return _marks.keep(key, found)


_marks: Lately[Hashable, str] = Lately(16)


KEPT = 256
"""Readings of decisions kept by :func:`kept`; each is a few rows."""

_kept: Lately[Hashable, Any] = Lately(KEPT)


def kept(key: Hashable, read: Callable[[], T], among: Lately[Hashable, Any] | None = None) -> T:
    """What ``read`` makes of decisions, kept across requests until any decision is written anywhere.

    Only where :func:`~salesops.platform.reading.one_state` holds, outside a transaction: nothing that is
    not committed can be kept. The mark is read first, so what is kept under it may be newer, never older.
    The value is shared: nobody may change it. ``among`` keeps what is large apart from the others.
    """
    mark = high_water_mark()
    if mark == NO_MARK or not is_one_state() or connection.in_atomic_block:
        return read()
    full = (str(fact_store().address), mark, key)
    found: T = (_kept if among is None else among).made(full, read)
    return found


def _read_mark(without: Iterable[str] = ()) -> str:
    written = AuditEvent.objects.filter(action__in=("decision.record", "decision.end"))
    for kind in without:
        written = written.exclude(subject__startswith=f"{kind}:")
    newest = models.Subquery(written.order_by("-id").values("id")[:1])
    found = written.filter(id__gt=newest - OVERLAPPING).aggregate(
        last=models.Max("id"), at=models.Max("at"), near=models.Count("id")
    )
    # Where transactions overlap, a lower id may become visible after a higher one: it moves the count.
    return f"{found['last']}@{found['at'].isoformat()}+{found['near']}" if found["near"] else NO_MARK


def export_documents(kinds: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Every published decision as plain documents, ready for YAML, in the order recorded."""
    rows: list[DatedDecision] = []
    for kind, model in decision_kinds.items():
        if kinds is None or kind in kinds:
            rows.extend(model._default_manager.filter(draft=False))
    documents = []
    for row in sorted(rows, key=lambda r: (r.recorded_at, r.KIND, r.pk)):
        document: dict[str, Any] = {"kind": row.KIND, "subject": row.subject}
        if row.starts_on:
            document["from"] = row.starts_on.isoformat()
        if row.ended:
            document["ended"] = True
        if row.reason:
            document["reason"] = row.reason
        documents.append(document | {"values": plain(row.values())})
    return documents


@transaction.atomic
def import_documents(documents: Iterable[dict[str, Any]], *, actor: Actor, reason: str = "") -> int:
    """Record decisions from plain documents, all or none. Returns how many changed something.

    Raises:
        ValidationError: a document is malformed; the message names its position and field.
    """
    changed = 0
    for number, document in enumerate(documents, start=1):
        try:
            model = decision_kinds.get(str(document.get("kind", "")))
        except KeyError as error:
            raise ValidationError(f"Decision {number}: {error.args[0]}") from error
        starts_on = document.get("from")
        if isinstance(starts_on, str):
            try:
                starts_on = date.fromisoformat(starts_on)
            except ValueError as error:
                raise ValidationError(
                    f"Decision {number}: 'from' must be a day such as 2026-01-31."
                ) from error
        elif starts_on is not None and (isinstance(starts_on, datetime) or not isinstance(starts_on, date)):
            raise ValidationError(f"Decision {number}: 'from' must be a day such as 2026-01-31.")
        subject = str(document.get("subject", ""))
        why = str(document.get("reason", "")) or reason
        before = model._default_manager.count()
        values = document.get("values", {})
        if not isinstance(values, dict):
            raise ValidationError(f"Decision {number}: 'values' must be a mapping of field to value.")
        try:
            subject = subject or model.subject_of(values)
            if document.get("ended"):
                decision_end(model, actor=actor, subject=subject, starts_on=starts_on, reason=why)
            else:
                decision_record(
                    model,
                    actor=actor,
                    subject=subject,
                    values=model.parse(values),
                    starts_on=starts_on,
                    reason=why,
                )
        except ValidationError as error:
            raise ValidationError(
                f"Decision {number} ({document.get('kind')}): {'; '.join(error.messages)}"
            ) from error
        changed += model._default_manager.count() - before
    return changed
