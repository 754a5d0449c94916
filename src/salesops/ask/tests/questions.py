"""Questions in words and what they ask for: each understood, asked back, or refused. Today is 31 October 2026.

Of a question that is understood: the fields of its query that are not the usual ones, filters as
``column:op:value|value``, periods by label. ``unknown``: words told as left out. ``problem``: part of the reason.
"""

from __future__ import annotations

from typing import Any

U = dict[str, Any]


def q(text: str, **wanted: Any) -> tuple[str, U]:
    """One question."""
    return text, wanted


NUMBERS: tuple[tuple[str, U], ...] = (
    q("win rate", kpi="win_rate_count"),
    q("What is our win rate?", kpi="win_rate_count"),
    q("WIN RATE THIS QUARTER", kpi="win_rate_count", period="2026-Q4"),
    q("win_rate_value last quarter", kpi="win_rate_value", period="2026-Q3"),
    q("win rate by value", kpi="win_rate_value"),
    q("closed won this year", kpi="won_value", period="2026"),
    q("bookings in fiscal 2025", kpi="won_value", period="2025"),
    q("bookings FY2025", kpi="won_value", period="2025"),
    q("how much did we win last month?", kpi="won_value", period="2026-09"),
    q("how many deals did we win last month?", kpi="won_deals", period="2026-09"),
    q("how many deals did we lose in Q2", kpi="lost_deals", period="2026-Q2"),
    q("pipeline", kpi="open_pipeline"),
    q("how much pipeline do we have", kpi="open_pipeline"),
    q("number of open deals", kpi="open_deals"),
    q("coverage next quarter", kpi="coverage", period="2027-Q1"),
    q("median sales cycle", kpi="sales_cycle_median"),
    q("average sales cycle in 2025", kpi="sales_cycle", period="2025"),
    q("average deal size", kpi="average_deal_size"),
    q("churn", kpi="customer_churn"),
    q("cost to acquire a customer", kpi="cac"),
    q("stalled pipeline", kpi="stalled_pipeline"),
    q("share of stalled deals", kpi="stalled_share"),
    q("slippage", kpi="slip_rate"),
    q("activities per won deal", kpi="activities_per_won_deal"),
    q("how many calls last week", kpi="calls", period="2026-W43"),
    # Periods.
    q("won value in March", kpi="won_value", period="2026-03"),
    q("won value in December", kpi="won_value", period="2025-12"),
    q("won value last March", kpi="won_value", period="2026-03"),
    q("won value June 2025", kpi="won_value", period="2025-06"),
    q("won value in Q2 2026", kpi="won_value", period="2026-Q2"),
    q("won value 2026-Q2", kpi="won_value", period="2026-Q2"),
    q("won value in the second quarter of 2025", kpi="won_value", period="2025-Q2"),
    q("won value Q3 last year", kpi="won_value", period="2025-Q3"),
    q("won value first half of 2026", kpi="won_value", period="2026-H1"),
    q("won value year to date", kpi="won_value", period="2026-01-01..2026-10-31"),
    q("won value QTD", kpi="won_value", period="2026-10-01..2026-10-31"),
    q("won value since 1 June", kpi="won_value", period="2026-06-01..2026-10-31"),
    q("won value since March", kpi="won_value", period="2026-03-01..2026-10-31"),
    q("won value from January to March 2026", kpi="won_value", period="2026-01-01..2026-03-31"),
    q("won value between 1 May 2026 and 15 June 2026", kpi="won_value", period="2026-05-01..2026-06-15"),
    q("won value last 30 days", kpi="won_value", period="2026-10-02..2026-10-31"),
    q("won value last 3 months", kpi="won_value", period="2026-07-01..2026-09-30"),
    q("won value in the last two quarters", kpi="won_value", period="2026-04-01..2026-09-30"),
    q("won value over the last 4 quarters", kpi="won_value", period="2025-10-01..2026-09-30"),
    q("won value on 15 October", kpi="won_value", period="2026-10-15..2026-10-15"),
    q("won value yesterday", kpi="won_value", period="2026-10-30..2026-10-30"),
    q("won value of all time", kpi="won_value", period="all"),
    q("open pipeline as of 1 June", kpi="open_pipeline", as_of="2026-06-01"),
    q("open pipeline as of June 1, 2025", kpi="open_pipeline", as_of="2025-06-01"),
    q("open pipeline as of the end of last quarter", kpi="open_pipeline", as_of="2026-09-30"),
    q("won value last month as of 10 June 2026", kpi="won_value", period="2026-05", as_of="2026-06-10"),
    # Splits.
    q("won value by region", kpi="won_value", by=("region",)),
    q("Won by rep in Q2 2026", kpi="won_value", period="2026-Q2", by=("owner_name",)),
    q("win rate per sales rep", kpi="win_rate_count", by=("owner_name",)),
    q("win rate for each segment", kpi="win_rate_count", by=("segment",)),
    q("pipeline by stage", kpi="open_pipeline", by=("stage",)),
    q("won value by source and segment", kpi="won_value", by=("lead_source", "segment")),
    q("won value by month this year", kpi="won_value", period="2026", by=("closed_month",)),
    q("monthly pipeline generated", kpi="pipeline_generation", by=("created_month",)),
    q("won value by channel partner", kpi="won_value", by=("x_channel_partner",)),
    # Filters.
    q("win rate in EMEA", kpi="win_rate_count", filters=("region:eq:EMEA",)),
    q("win rate for Enterprise in emea", kpi="win_rate_count", filters=("segment:eq:Enterprise", "region:eq:EMEA")),
    q("win rate for Enterprise customers", kpi="win_rate_count", filters=("segment:eq:Enterprise",)),
    q("mid-market win rate", kpi="win_rate_count", filters=("segment:eq:Mid-Market",)),
    q("won value in EMEA and APAC", kpi="won_value", filters=("region:in:EMEA|APAC",)),
    q("won value in EMEA or North America", kpi="won_value", filters=("region:in:EMEA|North America",)),
    q("pipeline in stage Proposal", kpi="open_pipeline", filters=("stage:eq:Proposal",)),
    q("win rate in the West region", kpi="win_rate_count", filters=("region:eq:West",)),
    q("win rate of team West", kpi="win_rate_count", filters=("team:eq:West",)),
    q("win rate owned by Anna Berg", kpi="win_rate_count", filters=("owner_name:eq:Anna Berg",)),
    q("Anna Berg's win rate", kpi="win_rate_count", filters=("owner_name:eq:Anna Berg",)),
    q("won by rep Ben Okoro", kpi="won_value", filters=("owner_name:eq:Ben Okoro",)),
    q("win rate managed by Ben Okoro", kpi="win_rate_count", filters=("manager_name:eq:Ben Okoro",)),
    q("win rate for Lopez", kpi="win_rate_count", filters=("owner_name:eq:Anna Lopez",)),
    q("won value with Acme, Inc.", kpi="won_value", filters=("account_name:eq:Acme, Inc.",)),
    q('won value for "Last Quarter Ltd"', kpi="won_value", filters=("account_name:eq:Last Quarter Ltd",)),
    q("won value for Win Rate Partners", kpi="won_value", filters=("account_name:eq:Win Rate Partners",)),
    q("won value of R&D services", kpi="won_value", filters=("industry:eq:R&D services",)),
    q("win rate for owner Won Park", kpi="win_rate_count", filters=("owner_name:eq:Won Park",)),
    q("win rate except EMEA", kpi="win_rate_count", filters=("region:ne:EMEA",)),
    q("win rate not in EMEA or APAC", kpi="win_rate_count", filters=("region:not_in:EMEA|APAC",)),
    q("open deals over 50k", kpi="open_deals", filters=("amount:gt:50000",)),
    q("open deals worth at least $1.5m", kpi="open_deals", filters=("amount:ge:1500000",)),
    q("won deals between 10k and 50,000", kpi="won_deals", filters=("amount:between:10000|50000",)),
    q("won deals over 2000", kpi="won_deals", filters=("amount:gt:2000",)),
    q("open pipeline closing this quarter", kpi="open_pipeline",
      filters=("expected_close_on:between:2026-10-01|2026-12-31",)),
    q("win rate of deals created in Q1", kpi="win_rate_count", filters=("created_on:between:2026-01-01|2026-03-31",)),
    # Comparisons and rankings.
    q("win rate compared with last quarter", kpi="win_rate_count", against="2026-Q3"),
    q("win rate this quarter vs last year", kpi="win_rate_count", period="2026-Q4", against="2025-Q4"),
    q("win rate in March vs the same month last year", kpi="win_rate_count", period="2026-03", against="2025-03"),
    q("won value this year vs last year", kpi="won_value", period="2026", against="2025"),
    q("won value year to date vs last year", kpi="won_value", period="2026-01-01..2026-10-31",
      against="2025-01-01..2025-10-31"),
    q("won value yoy", kpi="won_value", against="2025-Q4"),
    q("EMEA vs APAC win rate", kpi="win_rate_count", by=("region",), filters=("region:in:EMEA|APAC",)),
    q("top 5 reps by won value", kpi="won_value", by=("owner_name",), rank=(5, "most")),
    q("bottom three regions by win rate", kpi="win_rate_count", by=("region",), rank=(3, "least")),
    q("which rep has the highest win rate", kpi="win_rate_count", by=("owner_name",), rank=(1, "most")),
    q("best regions by median sales cycle", kpi="sales_cycle_median", by=("region",), rank=(5, "least")),
    q("who sold the most this year", kpi="won_value", period="2026", by=("owner_name",), rank=(1, "most")),
    # Words that change nothing and are not known are told.
    q("glorious win rate", kpi="win_rate_count", unknown=["glorious"]),
    q("win rate pretty please", kpi="win_rate_count", unknown=["pretty"]),
)  # fmt: skip

LISTS: tuple[tuple[str, U], ...] = (
    q("show deals", kind="list", status="open"),
    q("show open deals over 50k closing this month", kind="list", status="open", period="2026-10",
      filters=("amount:gt:50000",)),
    q("deals without next step", kind="list", status="open", flags=("DQ07",)),
    q("stalled deals", kind="list", status="open", line="stalled"),
    q("which deals are stalled in EMEA", kind="list", status="open", line="stalled", filters=("region:eq:EMEA",)),
    q("overdue deals of Anna Berg", kind="list", status="open", line="overdue",
      filters=("owner_name:eq:Anna Berg",)),
    q("show won deals in March", kind="list", status="won", period="2026-03"),
    q("show deals closed in March", kind="list", status="all", period="2026-03",
      filters=("stage_class:in:won|lost",)),
    q("show deals created last week", kind="list", status="all", created="2026-W43"),
    q("opportunities due next quarter without an amount", kind="list", status="open", period="2027-Q1",
      flags=("DQ12",)),
    q("how many deals over 50k are closing in December", kind="list", status="open", period="2026-12",
      filters=("amount:gt:50000",)),
    q("EMEA", kind="list", status="all", filters=("region:eq:EMEA",)),
    q("deals in EMEA", kind="list", status="all", filters=("region:eq:EMEA",)),
    q("top 10 open deals", kind="list", status="open", rank=(10, "most"), sort="-amount"),
    q("5 largest open deals for SMB", kind="list", status="open", rank=(5, "most"), sort="-amount",
      filters=("segment:eq:SMB",)),
)  # fmt: skip

RECORDS: tuple[tuple[str, U], ...] = (
    q("Acme", kind="record", words=("Acme",), unknown=["Acme"]),
    q("Acme, Inc.", kind="record", words=("Acme,", "Inc")),
    q("Project Zeus", kind="record", words=("Project", "Zeus"), unknown=["Project Zeus"]),
)

REFUSED: tuple[tuple[str, U], ...] = (
    # Two numbers fit, or two are asked for.
    q("sales cycle for SMB", problem="may mean 2 numbers",
      choices=["mean sales cycle for SMB", "median sales cycle for SMB"]),
    q("revenue this year", problem="may mean 2 numbers"),
    q("conversion", problem="may mean 3 numbers"),
    q("win rate and average deal size", problem="are 2 numbers", choices=["win rate", "Average deal size"]),
    q("win rate for West", problem="several ways", choices=['win rate region "West"', 'win rate team "West"']),
    q("win rate for Anna", problem="several ways"),
    # Words that change the question and are not understood.
    q("win rate except Narnia", problem="“except Narnia”", choices=["win rate"]),
    q("win rate in Narnia", problem="“Narnia”"),
    q("win rate without discounts", problem="“without discounts”"),
    q("win rate not won", problem="“not won”"),
    q("win rate before June", problem="“before”"),
    q("win rate higher than last quarter", problem="“higher than last quarter”"),
    q("win rate if price drops", problem="did not understand"),
    q("average win rate", problem="“average”"),
    q("deals over 90 days", problem="“over 90 days”"),
    q("won deals over 90%", problem="“over 90%”"),
    q("win rate on 6/1/2026", problem="“6/1/”"),
    q("win rate or won value", problem="did not understand|are 2 numbers"),
    q("win rate of stalled deals", problem="can't be narrowed"),
    q("win rate by moon phase", problem="“by”"),
    q("win rate by region, segment and source", problem="at most 2"),
    q("win rate in Q1 in Q2", problem="2 periods"),
    q("win rate in EMEA for APAC", problem="can't both hold"),
    q("open pipeline as of 1 June 2030", problem="The data ends on 2026-10-31"),
    q("my win rate", problem="stands for no person"),
    q("win rate for region", problem="“region”"),
    q("show deals by region", problem="takes no “by region”"),
    q("top 5 win rate", problem="of what?"),
    # No number at all.
    q("how did we do", problem="No number could be told", choices=["win rate", "won value", "Open pipeline"]),
    q("winrat this quarter", problem="No number could be told"),
)  # fmt: skip

QUESTIONS = (*NUMBERS, *LISTS, *RECORDS, *REFUSED)
