"""Faults as a reader may see them: counts, rows behind each, and likely repairs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher

import ibis
import ibis.expr.types as ir

from salesops.facts.scope import Scope
from salesops.platform.actors import Actor
from salesops.process.inputs import Frames, open_frames
from salesops.quality.engine import catalogue
from salesops.quality.engine.rules import Finding, Rule, RuleContext, counted, faulty_rows, findings


@dataclass(frozen=True)
class RepairProposal:
    """A value of a label column that names no record, and the record it probably means."""

    table: str
    column: str
    value: str
    replacement: str
    rows: int


@dataclass(frozen=True)
class OpenFaults:
    """Faults bound to open frames."""

    frames: Frames
    context: RuleContext
    tables: dict[str, ir.Table]

    def findings(self) -> list[Finding]:
        """Every rule's count over the reader's rows."""
        found: list[Finding] = []
        for name, rules in (
            ("deals", catalogue.DEALS),
            ("accounts", catalogue.ACCOUNTS),
            ("users", catalogue.USERS),
        ):
            row = self.frames.facts.execute(counted(self.tables[name], rules, self.context)).to_pylist()[0]
            found.extend(findings(rules, row))
        return found

    def rows(self, rule: Rule) -> ir.Table:
        """The rows at fault."""
        return faulty_rows(self.tables[rule.frame], rule, self.context)

    def repairs(self) -> list[RepairProposal]:
        """Product names of deals that differ from a catalogue name by case, spaces or a letter or two."""
        facts = self.frames.facts
        deals = self.tables["deals"]
        unknown = deals.filter(deals.product_implied.fill_null(ibis.literal(False)))
        counts = facts.execute(unknown.group_by("product_name").agg(n=unknown.count())).to_pylist()
        products = facts.read("products", Scope.all())
        known = facts.execute(
            products.filter(~products.implied.fill_null(ibis.literal(False))).select("name")
        )
        names = [row["name"] for row in known.to_pylist() if row["name"]]
        proposals = []
        for row in counts:
            best = max(names, key=lambda n, v=row["product_name"]: _alike(n, v), default=None)
            if best is not None and _alike(best, row["product_name"]) >= 0.85:
                proposals.append(
                    RepairProposal("opportunities", "product_name", row["product_name"], best, row["n"])
                )
        return sorted(proposals, key=lambda p: -p.rows)


def _alike(one: str, two: str) -> float:
    """Likeness of two names, 1 where they differ only in case, spaces or punctuation."""
    plain = ["".join(ch for ch in text.casefold() if ch.isalnum()) for text in (one, two)]
    return SequenceMatcher(None, *plain).ratio()


@contextmanager
def open_faults(actor: Actor) -> Iterator[OpenFaults]:
    """Faults as of the data's own date, over the rows an actor may see."""
    with open_frames(actor) as frames:
        deals = frames.deals
        closed = deals.filter(deals.closed_on.notnull() & deals.created_on.notnull())
        days = closed.agg(longest=closed.closed_on.delta(closed.created_on, unit="day").max())
        longest = frames.facts.execute(days).to_pylist()[0]["longest"]
        context = RuleContext(as_of=frames.as_of, longest_cycle=longest)
        yield OpenFaults(
            frames=frames,
            context=context,
            tables={
                "deals": deals,
                "accounts": frames.facts.read("accounts", frames.scope),
                "users": frames.facts.read("users", frames.scope),
            },
        )
