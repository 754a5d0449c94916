"""What two homes must agree on: every KPI of the catalogue, by turns over periods and days, and more.

Run as a program in a home's environment it prints all of it as JSON. ``answers`` uses only what the
first release had, so that it also asks a home of that release.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import date, timedelta

PERIODS = ("", "2026-Q2", "2026-01-15..2026-09-15")
BEFORE = (0, 90)
"""Days before the data's own date that the state is read as of."""
SPLITS = ("owner_name",)


def answers() -> dict[str, list[object]]:
    """Question -> KPI, group, value, reason and count of every value."""
    from salesops.analytics import selectors
    from salesops.analytics.engine.catalogue import catalogue
    from salesops.platform.actors import LOCAL_ADMINISTRATOR
    from salesops.platform.manifests import DatabaseManifests
    from tests.some_kpis import in_turn

    everything = catalogue()
    newest = DatabaseManifests().latest()
    assert newest is not None
    assert newest.data_on is not None
    asked: dict[str, list[object]] = {}
    for period in PERIODS:
        for days in BEFORE:
            day: date | None = newest.data_on - timedelta(days=days) if days else None
            for by in ((), *((split,) for split in SPLITS)) if not days else ((),):
                names = in_turn(everything.values(), len(asked), 8) if asked else sorted(everything)
                question = selectors.Question(period=period, by=by, as_of=day)
                values = selectors.numbers(LOCAL_ADMINISTRATOR, names, question).values
                asked[f"{period or 'all'} as of {day or 'the newest'} by {by}"] = sorted(
                    ([v.name, str(dict(v.group)), str(v.value), v.reason, v.n] for v in values),
                    key=str,
                )
    return asked


def main() -> None:
    """Print what the home in the environment says."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "salesops.project.settings")
    import django

    django.setup()
    from salesops.crm.models import Import
    from salesops.platform import audit_verify
    from salesops.platform.safekeeping import tables

    chain = audit_verify.verify()
    assert chain.head is not None
    said = {
        "answers": answers(),
        "rows": {m._meta.label: tables.count(m) for m in tables.models_of()},
        "chain": [chain.holds, chain.head.number, chain.head.digest],
        "folders": [row.folder.split("\n") for row in Import.objects.order_by("id")],
    }
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
