"""A small vocabulary for tests that need no data: the catalogue's numbers, and the values of a made-up firm."""

from __future__ import annotations

from datetime import date

from salesops.analytics.engine.catalogue import FAMILIES
from salesops.analytics.selectors import ALIASES
from salesops.ask.engine.items import Lexicon
from salesops.ask.engine.naming import dimensions_of, numbers_of
from salesops.ask.engine.query import Vocabulary
from salesops.core.calendars import FiscalCalendar
from salesops.quotas.engine import kpis as quota_kpis
from salesops.quotas.engine import ramp_kpis

TODAY = date(2026, 10, 31)
ASKED_ON = date(2026, 11, 22)
COLUMNS = {
    "region": "Region",
    "owner_name": "Owner",
    "manager_name": "Manager",
    "team": "Team",
    "segment": "Segment",
    "industry": "Industry",
    "stage": "Stage",
    "lead_source": "Lead source",
    "product_name": "Product",
    "account_name": "Account",
    "deal_kind": "New or renewal",
    "loss_reason": "Loss reason",
    "x_channel_partner": "Channel partner",
}
VALUES = {
    "region": ("APAC", "EMEA", "North America", "West"),
    "owner_name": ("Anna Berg", "Anna Lopez", "Ben Okoro", "May Sands", "Won Park"),
    "manager_name": ("Ben Okoro",),
    "team": ("North", "West"),
    "segment": ("Enterprise", "Mid-Market", "SMB"),
    "industry": ("Retail", "R&D services"),
    "stage": ("Closed Won", "Discovery", "Proposal"),
    "lead_source": ("Partner referral", "Web"),
    "product_name": ("Atlas Core", 'Quote "Plus"'),
    "account_name": ("Acme, Inc.", "Last Quarter Ltd", "Win Rate Partners"),
    "deal_kind": ("new business", "renewal"),
    "loss_reason": ("Price",),
    "x_channel_partner": ("Northwind",),
}


def vocabulary(calendar: FiscalCalendar | None = None, me: str = "") -> Vocabulary:
    """The vocabulary on the last day of October 2026."""
    kpis = [kpi for family in FAMILIES.values() for kpi in family]
    kpis += [*quota_kpis.KPIS, *ramp_kpis.KPIS]  # what the rooms of this one's numbers register
    return Vocabulary(
        numbers_of(kpis),
        dimensions_of(COLUMNS, ALIASES),
        VALUES,
        calendar or FiscalCalendar(),
        TODAY,
        me,
        ASKED_ON,
    )


def lexicon(calendar: FiscalCalendar | None = None, me: str = "") -> Lexicon:
    """The phrases of that vocabulary."""
    return Lexicon(vocabulary(calendar, me))


def small_words() -> Lexicon:
    """The phrases of that vocabulary with values that are small words of a question, too."""
    plain = vocabulary()
    values = {
        **VALUES, "country": ("AT", "IN", "NO", "US"), "x_tier": ("A", "B"), "lead_source": ("All", "Web"),
        "x_partner": ("no", "yes"), "owner_name": (*VALUES["owner_name"], "Will Smith"),
    }  # fmt: skip
    columns = {**COLUMNS, "country": "Country", "x_tier": "Tier", "x_partner": "Partner"}
    return Lexicon(
        Vocabulary(plain.numbers, dimensions_of(columns, ALIASES), values, plain.calendar, plain.today)
    )
