"""Which stage means won, lost or open: proposed from names and flags, left open where unsure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from salesops.crm.engine.formats import ColumnProfile

StageClass = Literal["won", "lost", "open", "ignored"]

_WON = (
    r"closed won|\bwon\b|\bwin\b|gewonnen|gagne|ganad|ganho|vint[ao]|gewonnen|vunnet|vundet|"
    r"wygran|выигран|закрыт.*успе|成約|受注|赢|成交|contract signed|deal signed|\bsold\b|order "
    r"received|auftrag erhalten|closed.*(?:success|sale)|\bclosed ?w\b|purchase order "
    r"received|erfolgreich|signed"
)
_LOST = (
    r"closed lost|\blost\b|\bloss\b|verloren|perdu|perdid|perso\b|persa\b|verlor|tapt|tabt|"
    r"forlorad|przegran|проигран|失注|丢单|输|\bdead\b|disqualif|no decision|rejected|abandon|"
    r"cancel|storniert|abgelehnt|abgesagt|\bdropped\b|no sale|withdrawn|unsuccess|"
    r"closed.*(?:no|lose)\b|declined|out.?sold|\bduplicate\b"
)
_OPEN = (
    r"prospect|qualif|discover|propos|negotiat|demo\b|engag|develop|contact|meeting|present|"
    r"evaluat|review|quote|commit|verbal|pipeline|\bnew\b|\bopen\b|lead\b|need|analysis|"
    r"perception|decision|appointment|scheduled|bought.?in|solution|technical|trial|poc|pilot|"
    r"legal|procure|contract sent|\bstage \d|angebot|verhandl|erstkontakt|bedarf|analyse|"
    r"entscheid|offen|neu\b|negoci|proposition|decouverte|devis|contacto|propuesta|oferta|"
    r"prospeccion|qualificacao|proposta|trattativa|offerte|onderhandel|\bhot\b|\bwarm\b|"
    r"\bcold\b|nurtur|intro|identif|interest|short.?list|working|in progress|initiat|validat|"
    r"explor|build|submitted|\bpaper"
)
_UNDECIDED = (
    r"^closed$|geschlossen$|^cerrad[oa]$|^ferme$|on hold|paused|stalled|postponed|\bhold\b|"
    r"invoic|billed|paid\b|deliver|onboard|implementation|renewal|archiv|test\b"
)

_won, _lost, _open, _undecided = (re.compile(p) for p in (_WON, _LOST, _OPEN, _UNDECIDED))


@dataclass(frozen=True)
class StageProposal:
    """What one stage means.

    Attributes:
        stage: as the source spells it.
        stage_class: won, lost, open or ignored; None where the user must say.
        confidence: 0 to 1.
        why: the evidence in words.
        order: position in the pipeline as far as names tell, open stages first; 0 unknown.
        records: rows that carry it.
    """

    stage: str
    stage_class: StageClass | None
    confidence: float
    why: str
    order: int = 0
    records: int = 0


@dataclass(frozen=True)
class StageEvidence:
    """Rows seen with one stage: how many, and how their flags and statuses read."""

    stage: str
    records: int = 0
    won_flags: int = 0
    closed_flags: int = 0
    flagged: int = 0
    statuses: tuple[tuple[str, int], ...] = ()
    with_close_date: int = 0
    with_amount: int = 0
    probability: float | None = None


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKD", text)
    text = (
        "".join(c for c in text if not unicodedata.combining(c))
        .lower()
        .replace("_", " ")
        .replace("closedwon", "closed won")
    )
    text = text.replace("closedlost", "closed lost").replace("-", " ").replace("/", " ")
    return " ".join(text.split())


def name_class(stage: str) -> tuple[StageClass | None, float, str]:
    """What a stage's name alone says: (class or None, confidence, why)."""
    plain = _plain(stage)
    if not plain:
        return None, 0.0, "the stage is empty"
    won, lost = _won.search(plain), _lost.search(plain)
    if _undecided.search(plain) and not (won or lost):
        return None, 0.3, f"'{stage}' does not say how the deal stands"
    if won and lost:
        return None, 0.3, "the name speaks of won and of lost"
    if re.search(r"\bnot won\b|\bno win\b", plain):
        return "lost", 0.85, "the name says not won"
    if won:
        sure = bool(re.search(r"closed won|^won$|gewonnen|^gagne|^ganad|^ganho|^vint|受注|^win$", plain))
        return "won", 0.98 if sure else 0.75, f"the name says '{won.group(0)}'"
    if lost:
        sure = bool(re.search(r"\blost\b|verloren|perdu|perdid|^pers[oa]|失注", plain))
        return "lost", 0.98 if sure else 0.7, f"the name says '{lost.group(0)}'"
    found = _open.search(plain)
    if found:
        return "open", 0.85, f"'{found.group(0)}' is a step of an open deal"
    return None, 0.2, "the name says nothing known"


def propose_stages(evidence: Iterable[StageEvidence]) -> list[StageProposal]:
    """A class for every stage. Flags and statuses outweigh names; contradictions are left to the user."""
    found = [_judge(e) for e in evidence]
    ranked = sorted(range(len(found)), key=lambda i: _position(found[i]))
    order = {i: n for n, i in enumerate(ranked, start=1)}
    return [
        StageProposal(p.stage, p.stage_class, p.confidence, p.why, order[i], p.records)
        for i, p in enumerate(found)
    ]


def _judge(e: StageEvidence) -> StageProposal:
    named, confidence, why = name_class(e.stage)
    by_flag: StageClass | None = None
    if e.flagged:
        won_share, closed_share = e.won_flags / e.flagged, e.closed_flags / e.flagged
        if won_share >= 0.98:
            by_flag = "won"
        elif closed_share >= 0.98 and won_share <= 0.02:
            by_flag = "lost"
        elif closed_share <= 0.02 and won_share <= 0.02:
            by_flag = "open"
        else:
            return StageProposal(
                e.stage, None, 0.3, "the won and closed flags differ between its records", 0, e.records
            )
    status = _status_class(e.statuses)
    by_flag = by_flag or status
    source = "the source's won and closed flags say so" if e.flagged else "the status beside it says so"
    if by_flag and named and by_flag != named and confidence >= 0.8:
        return StageProposal(e.stage, None, 0.4, f"{source} ({by_flag}), but {why}", 0, e.records)
    if by_flag:
        return StageProposal(e.stage, by_flag, 0.97 if named == by_flag else 0.9, source, 0, e.records)
    if named is None and e.probability is not None:
        if e.probability >= 0.999:
            return StageProposal(e.stage, "won", 0.6, "all its records stand at 100 %", 0, e.records)
        if 0 < e.probability < 0.999:
            return StageProposal(e.stage, "open", 0.65, "its records stand between 0 and 100 %", 0, e.records)
    return StageProposal(e.stage, named, confidence, why, 0, e.records)


def _status_class(statuses: tuple[tuple[str, int], ...]) -> StageClass | None:
    classes = {name_class(s)[0] for s, n in statuses if n and s.strip()}
    if len(classes) == 1:
        return classes.pop()
    return None


_STEPS = (
    r"prospect|\bnew\b|lead|identif|erstkontakt|intro|neu\b|cold|contact|interest",
    r"qualif|engag|discover|appointment|scheduled|meeting|warm|decouverte|bedarf|need",
    r"develop|analysis|present|demo|solution|evaluat|technical|perception|value|trial|poc|pilot|validat",
    r"propos|quote|angebot|devis|offer|bought.?in|hot|decision",
    r"negotiat|verhandl|negoci|contract sent|review|legal|commit|verbal|procure|paper",
)


def _position(p: StageProposal) -> tuple[int, int, str]:
    group = {"open": 0, None: 1, "won": 2, "lost": 3, "ignored": 4}[p.stage_class]
    number = re.match(r"^\D*?(\d+)", p.stage)
    if number and group < 2:
        return group, int(number[1]), p.stage
    plain = _plain(p.stage)
    step = next((i for i, pattern in enumerate(_STEPS) if re.search(pattern, plain)), len(_STEPS) // 2)
    return group, step, p.stage


def stage_share(profile: ColumnProfile) -> float:
    """Share of a column's example values that read like stages."""
    if profile.distinct > 60 or not profile.examples:
        return 0.0
    values = [v for v, _ in profile.examples]
    named = [name_class(v) for v in values]
    decided = sum(1 for c, _, _ in named if c)
    closed = any(c in ("won", "lost") and confidence >= 0.9 for c, confidence, _ in named)
    return decided / len(values) if closed else 0.5 * decided / len(values)


@dataclass
class _Tally:
    records: int = 0
    won: int = 0
    closed: int = 0
    flagged: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    dated: int = 0
    valued: int = 0
    probability: Decimal = Decimal(0)
    stated: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one record."""
        self.records += 1
        won, closed = row.get("is_won"), row.get("is_closed")
        if won is not None or closed is not None:
            self.flagged += 1
            self.won += bool(won)
            self.closed += bool(closed) or bool(won)
        if row.get("status"):
            self.statuses[str(row["status"])] += 1
        self.dated += row.get("close_on") is not None
        self.valued += row.get("amount") is not None
        if row.get("probability") is not None:
            self.probability += Decimal(str(row["probability"]))
            self.stated += 1


def evidence_from_rows(rows: Iterable[Mapping[str, Any]]) -> list[StageEvidence]:
    """Evidence per stage from typed rows with stage, status, is_won, is_closed, close_on, amount, probability."""
    tallies: dict[str, _Tally] = {}
    for row in rows:
        if row.get("stage"):
            tallies.setdefault(str(row["stage"]), _Tally()).add(row)
    return [
        StageEvidence(
            stage,
            t.records,
            t.won,
            t.closed,
            t.flagged,
            tuple(t.statuses.items()),
            t.dated,
            t.valued,
            float(t.probability / t.stated) if t.stated else None,
        )
        for stage, t in tallies.items()
    ]
