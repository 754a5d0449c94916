"""Home and Numbers before the first import, after a second one, and on the public export."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from salesops.analytics import selectors
from salesops.analytics.selectors import Question
from salesops.analytics.tests.firm import DEALS, PAGES, exported, import_deals, signed_in, sums, text
from salesops.crm import services as crm
from salesops.platform.actors import LOCAL_ADMINISTRATOR
from salesops.platform.roles import Role

pytestmark = pytest.mark.django_db


def test_before_the_first_import_every_page_says_to_drop_the_file() -> None:
    analyst, rep = signed_in(), signed_in(Role.REP, "Ada North")
    for address in PAGES:
        assert "Start with the file you have" in text(analyst, address)
        assert "Start with the file you have" not in text(rep, address)


def test_as_reported_before_keeps_the_first_figure(tmp_path: Path) -> None:
    import_deals(tmp_path)
    later = DEALS.replace("Closed Won,4000.00", "Closed Won,4500.00")
    import_deals(tmp_path, later, "later.csv", data_on=selectors.date(2026, 9, 27))
    page = text(signed_in(), "/numbers/won_value/?period=2026-Q3&reported=1")
    told = page[page.index("As reported before") :]
    assert "8,000.50" in told
    assert "7,500.50" in told
    changed = text(signed_in(name="vp", role=Role.OPS_VP), "/")
    assert "since the data of Sep 20" in changed


def test_mavens_figures_on_every_page_are_those_of_the_selectors(shared_data: Path) -> None:
    crm.import_now(actor=LOCAL_ADMINISTRATOR, paths=[shared_data / "maven_crm"])
    client = signed_in()
    home = text(client, "/?period=all")
    for figure in ("10,005,534", "63.2%", "2,089", "1,589", "500"):
        assert figure in home
    names = [kpi.name for kpi in selectors.catalogue()]
    answer = selectors.numbers(LOCAL_ADMINISTRATOR, names, Question(period="all"))
    values = {v.name: v for v in answer.values}
    assert values["won_value"].value == 10_005_534
    from salesops.analytics.shown import value_text

    catalogue = text(client, "/numbers/?period=all")
    for kpi in selectors.catalogue():
        shown = value_text(kpi, values[kpi.name].value, answer.currency)
        assert (shown or values[kpi.name].reason) in catalogue, kpi.name
    rows = exported(client, "/numbers/won_value/rows/?period=all&freeze=csv")
    assert len(rows) == 4238
    assert sums(rows) == 10_005_534
    assert len(exported(client, "/numbers/win_rate_count/rows/?period=all&side=decided&freeze=csv")) == 6711
    west = selectors.numbers(LOCAL_ADMINISTRATOR, ["won_value"], Question(period="all", by=("region",)))
    for value in west.values:
        found = exported(
            client, f"/numbers/won_value/rows/?period=all&by=region&group={value.group['region']}&freeze=csv"
        )
        assert sums(found) == value.value


def test_without_a_change_of_a_close_date_pushes_are_unknown_and_not_none(tmp_path: Path) -> None:
    def pushes() -> tuple[int | Decimal | None, str]:
        found = selectors.numbers(LOCAL_ADMINISTRATOR, ["pushes"], Question(period="all")).values[0]
        return found.value, found.reason

    import_deals(tmp_path)
    staged = DEALS.replace("Prospecting,6000.00", "Negotiation,6000.00")
    assert staged != DEALS
    import_deals(tmp_path, staged, "staged.csv", data_on=selectors.date(2026, 9, 27))
    value, reason = pushes()
    assert value is None
    assert "no change of a close date" in reason
    moved = staged.replace("2026-12-01", "2027-02-01")
    assert moved != staged
    import_deals(tmp_path, moved, "moved.csv", data_on=selectors.date(2026, 9, 28))
    assert pushes() == (1, "")
