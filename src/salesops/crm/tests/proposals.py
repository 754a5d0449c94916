"""Files made up from headers, and their proposals, for the tests of mapping."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from salesops.crm.engine.formats import profile_columns
from salesops.crm.engine.mapping import propose
from salesops.crm.engine.proposals import Proposal

STAGES = ["Closed Won", "Closed Lost", "Negotiation", "Proposal"]
PEOPLE = ["Anna Snelling", "Cecily Lampkin", "Moses Frase"]


def a_date(i: int) -> str:
    """Some day of 2024."""
    return f"2024-{i % 12 + 1:02d}-{i % 28 + 1:02d}"


MADE_UP: list[tuple[str, Callable[[int], str]]] = [
    (r"probab|certainty", lambda i: str((i * 10) % 101)),
    (r"date[ _]entered", lambda i: f"2024-02-{i % 28 + 1:02d} 10:00:00"),
    (r"^(?:is|has)|hs is closed won|^active$", lambda i: "1" if i % 2 else "0"),
    (r"^(?!.*date).*(?:stage|phase|step ?name)", lambda i: STAGES[i % 4]),
    (r"status|statecode", lambda i: ["Open", "Won", "Lost"][i % 3]),
    (r"(?:owner|agent|assigned to)$", lambda i: PEOPLE[i % 3]),
    (r"(?:id|\) opportunity|\) account)$", lambda i: f"R{i:07d}"),
    (r"currency", lambda i: "USD"),
    (r"amount|value|revenue|price|^forecast$", lambda i: f"{1000 + i * 7}.50"),
    (r"employees", lambda i: str(10 + i)),
    (r"date|created|\bon$|time$|stamp$|^opened$|^closed$", a_date),
    (r"mail", lambda i: f"p{i}@example.org"),
    (r"name|title|^topic$|^organization$|^account$|^company$|customer", lambda i: f"Name no {i}"),
]
"""What the cells under a header look like, by the first pattern it fits."""


def made_up(header: str, i: int) -> str:
    """A plausible cell for a header."""
    low = header.lower().replace("_", " ").replace(" - ", " ")
    found = next((make for pattern, make in MADE_UP if re.search(pattern, low)), None)
    return found(i) if found else f"text {i % 5}"


def proposal_for(
    headers: Sequence[str],
    name: str = "export.csv",
    n: int = 40,
    cells: Mapping[str, Sequence[str]] | None = None,
) -> Proposal:
    """The proposal for made-up rows under given headers."""
    data = {h: [made_up(h, i) for i in range(n)] for h in headers}
    data.update({h: list(v) for h, v in (cells or {}).items()})
    return propose_data(data, name)


def propose_data(data: Mapping[str, Sequence[str]], name: str) -> Proposal:
    """The proposal for columns of texts."""
    table = pa.table({h: pa.array(v, pa.string()) for h, v in data.items()})
    profiles = profile_columns(list(data), table.to_batches())
    return propose(name, list(data), profiles, data=table)


def targets(proposal: Proposal) -> dict[str, str]:
    """header -> target of the mapped columns."""
    return {c.header: c.target for c in proposal.columns if c.target}
