"""Dashboards to start from: plain definitions, read by the same rules as everybody's own."""

from __future__ import annotations

from dataclasses import dataclass

from salesops.dashboards.engine.definition import Tile, tiles_of


@dataclass(frozen=True)
class Ready:
    """A dashboard to start from.

    Attributes:
        name: in addresses.
        title, description: for people.
        question: period and filters, as an address.
        tiles: in order.
    """

    name: str
    title: str
    description: str
    question: str
    tiles: tuple[Tile, ...]


READY = (
    Ready(
        "leader",
        "Leader",
        "Quota, closed, committed and open against the quarter, and where it is won.",
        "period=quarter",
        tiles_of(
            [
                {"kind": "kpi", "kpis": ["won_value"], "spark": True},
                {"kind": "kpi", "kpis": ["quota_attainment"]},
                {"kind": "kpi", "kpis": ["commit_forecast"]},
                {"kind": "kpi", "kpis": ["quota"]},
                {"kind": "kpi", "kpis": ["open_pipeline"], "spark": True},
                {"kind": "kpi", "kpis": ["coverage"]},
                {"kind": "kpi", "kpis": ["win_rate_count"], "spark": True},
                {"kind": "kpi", "kpis": ["average_deal_size"], "spark": True},
                {"kind": "chart", "kpis": ["won_value"], "over": 8, "form": "columns", "width": 4},
                {"kind": "chart", "kpis": ["win_rate_count"], "by": "region", "width": 4},
                {"kind": "chart", "kpis": ["won_value"], "by": "owner_name", "width": 4},
                {
                    "kind": "table",
                    "kpis": ["won_value", "won_deals", "win_rate_count", "open_pipeline"],
                    "by": "manager_name",
                },
            ]
        ),
    ),
    Ready(
        "effectiveness",
        "Effectiveness",
        "Win rate, deal size, cycle and effort, by rep and by segment.",
        "period=year",
        tiles_of(
            [
                {"kind": "kpi", "kpis": ["win_rate_count"], "spark": True},
                {"kind": "kpi", "kpis": ["average_deal_size"], "spark": True},
                {"kind": "kpi", "kpis": ["sales_cycle_median"], "spark": True},
                {"kind": "kpi", "kpis": ["activities_per_won_deal"]},
                {"kind": "chart", "kpis": ["win_rate_count"], "by": "owner_name"},
                {"kind": "chart", "kpis": ["win_rate_count"], "by": "segment"},
                {
                    "kind": "table",
                    "title": "By rep",
                    "kpis": [
                        "win_rate_count", "average_deal_size", "sales_cycle_median", "activities", "won_deals",
                    ],
                    "by": "owner_name",
                    "rows": 25,
                },
                {
                    "kind": "table",
                    "title": "By segment",
                    "kpis": ["win_rate_count", "average_deal_size", "sales_cycle_median", "won_deals"],
                    "by": "segment",
                    "rows": 25,
                },
                {"kind": "chart", "kpis": ["win_rate_count"], "over": 5, "form": "line", "width": 12},
            ]
        ),
    ),
)  # fmt: skip
"""In the order offered."""
