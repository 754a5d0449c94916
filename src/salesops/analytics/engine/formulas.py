"""Calculators: numbers from given inputs rather than from rows of deals.

Each entry is the very function a page or command calls; the inputs come from a form, from the spend
and revenue tables, or from a worked case. Numbers that are counted from rows are KPIs instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from salesops.analytics.engine.conversion import funnel_conversion, stage_conversion_cohort
from salesops.analytics.engine.forecast_accuracy import forecast_category_rollup, forecast_error
from salesops.analytics.engine.lead_sla import lead_compliance, lead_due
from salesops.analytics.engine.outcomes import (
    competitor_win_rates,
    market_matrix,
    reason_agreement,
    scorecard,
    velocity_levers,
)
from salesops.analytics.engine.ramp import kaplan_meier, time_to_productivity
from salesops.analytics.engine.response import lead_response
from salesops.analytics.engine.retention import revenue_retention
from salesops.analytics.engine.time_spent import deal_cost, selling_time
from salesops.analytics.engine.unit_economics import (
    cac,
    cac_payback_months,
    close_rate_of,
    cost_of_sales_ratio,
    ltv,
    ltv_cac,
    magic_number,
)
from salesops.analytics.engine.velocity import sales_velocity


@dataclass(frozen=True)
class Formula:
    """One calculator.

    Attributes:
        name: snake_case name.
        title: short label.
        sentence: what it says.
        formula: how it is computed.
        convention: the choice made where the field is ambiguous.
        call: the function; its parameters are the inputs.
    """

    name: str
    title: str
    sentence: str
    formula: str
    convention: str
    call: Callable[..., Any]


_ALL = (
    Formula(
        "sales_velocity",
        "Sales velocity",
        "How much money the pipeline turns into sales per day.",
        "open qualified deals x win rate x average won deal / mean cycle in days",
        "Win rate by count; the KPI of the same name takes the four factors from the deals.",
        sales_velocity,
    ),
    Formula(
        "cac",
        "Customer acquisition cost",
        "What it costs to win one customer.",
        "sales and marketing spend / new customers",
        "Spend and customers of the same period, blended over paid and unpaid channels.",
        cac,
    ),
    Formula(
        "cac_payback_months",
        "CAC payback",
        "Months until a new customer's margin has paid its acquisition.",
        "CAC / (revenue per account and month x gross margin)",
        "Months of margin, not of revenue.",
        cac_payback_months,
    ),
    Formula(
        "ltv",
        "Lifetime value",
        "What a customer is worth over the whole relation.",
        "revenue per account x gross margin / churn",
        "Without a margin the plain revenue / churn. Cap it at 60 months where monthly churn is under 1 %.",
        ltv,
    ),
    Formula(
        "ltv_cac",
        "LTV : CAC",
        "Lifetime value per unit of acquisition cost.",
        "LTV / CAC",
        "With margin where one is known.",
        ltv_cac,
    ),
    Formula(
        "magic_number",
        "Magic number",
        "Yearly recurring revenue gained per unit of last quarter's spend.",
        "(revenue of the quarter - of the one before) x 4 / spend of the one before",
        "Recurring revenue.",
        magic_number,
    ),
    Formula(
        "cost_of_sales_ratio",
        "Cost of sales ratio",
        "Selling cost per unit of revenue booked.",
        "selling cost / revenue",
        "Sales only; marketing is not in it.",
        cost_of_sales_ratio,
    ),
    Formula(
        "close_rate_of",
        "Close rate from counts",
        "Sales per people pitched.",
        "won / pitched",
        "From two counts; the KPI close_rate_pitched takes them from the deals.",
        close_rate_of,
    ),
    Formula(
        "forecast_category_rollup",
        "Forecast categories",
        "Cumulative forecast columns from the amount in each category.",
        "closed + commit; + most likely; + best case; + pipeline",
        "Cumulative; closed means won only; omitted never counts.",
        forecast_category_rollup,
    ),
    Formula(
        "forecast_error",
        "Forecast error",
        "How far forecasts were off, and to which side.",
        "WAPE = sum |F - A| / sum A; bias = (sum F - sum A) / sum A; accuracy = 1 - WAPE, not below 0",
        "Positive bias = over-forecast. Never a mean of percentages.",
        forecast_error,
    ),
    Formula(
        "revenue_retention",
        "Revenue retention",
        "What is left of the start cohort's recurring revenue, with and without expansion.",
        "NRR = end / start; GRR = sum of min(end, start) / start, over the start cohort",
        "No revenue at the start = outside; a reactivated customer is new.",
        revenue_retention,
    ),
    Formula(
        "stage_conversion_cohort",
        "Stage conversion",
        "Share of the deals that entered a stage and went on to the next or a later one.",
        "reached a later stage / entered the stage",
        "A skipped stage counts as reached; deals still open there stay in and are told as undecided.",
        stage_conversion_cohort,
    ),
    Formula(
        "lead_response",
        "Lead response",
        "How fast a person first answers a lead.",
        "first human touch - created; share of all leads within the limit",
        "Automatic replies are ignored; an untouched lead is a miss and stays out of the median.",
        lead_response,
    ),
    Formula(
        "funnel_conversion",
        "Funnel conversion",
        "Rates along the lead funnel.",
        "reached the next status / reached this one",
        "Cohort by lead creation; furthest status; skips count.",
        funnel_conversion,
    ),
    Formula(
        "lead_due",
        "When a lead is due",
        "By when a lead is to be answered, in business time.",
        "received + business minutes allowed",
        "Minutes run only in working hours, holidays left out; what comes outside hours starts at the next opening.",
        lead_due,
    ),
    Formula(
        "lead_compliance",
        "Leads answered in time",
        "Of the leads that were due, the share answered in time.",
        "met / (met + late + open and overdue)",
        "A lead never answered and overdue is a breach; one not yet due is left out.",
        lead_compliance,
    ),
    Formula(
        "competitor_win_rates",
        "Win rate by competitor",
        "How often deals are won against each competitor, and whether the order can be trusted.",
        "won / (won + lost to that competitor), Wilson 95 % interval",
        "No decision is told apart; ranked only where no two intervals overlap.",
        competitor_win_rates,
    ),
    Formula(
        "reason_agreement",
        "Agreement on reasons",
        "Whether the reason the rep recorded is the one the buyer gave, beyond chance.",
        "Cohen's kappa = (agreement - chance) / (1 - chance)",
        "Rows are the rep's reasons, columns the buyer's.",
        reason_agreement,
    ),
    Formula(
        "kaplan_meier",
        "Ramp",
        "After how many months half of the newcomers are fully productive.",
        "Kaplan-Meier; the first month at which at most half are not there yet",
        "Those still on the way, and leavers, count up to where they were seen; a mean of the finished reads short.",
        kaplan_meier,
    ),
    Formula(
        "time_to_productivity",
        "Time to productivity",
        "In which month since hire a rep reached full productivity.",
        "first month whose mean attainment with the two months before is at the threshold",
        "One lucky month does not count; never reached is undefined.",
        time_to_productivity,
    ),
    Formula(
        "selling_time",
        "Selling time of a day",
        "The share of working time spent with customers.",
        "(meetings and calls, overlap once + mails at so many minutes) / (working hours - time off)",
        "Cut to working time; mails at most what was not booked.",
        selling_time,
    ),
    Formula(
        "deal_cost",
        "Cost of a deal",
        "What a deal costs to sell, and what the firm gives in all.",
        "(hours x rate + travel + tools) / revenue; with the discount on top",
        "Loaded hourly rate; only costs booked on the deal.",
        deal_cost,
    ),
    Formula(
        "market_matrix",
        "Segments and motions",
        "Where a customer pays back what he cost to win, segment by segment.",
        "CAC; CAC / (revenue a year x margin / 12); revenue x margin / churn; LTV : CAC",
        "LTV:CAC with margin; too few customers give no verdict; the blended CAC hides the cells.",
        market_matrix,
    ),
    Formula(
        "velocity_levers",
        "Levers of sales velocity",
        "Which factor of sales velocity brings most if it alone gets better.",
        "velocity with one factor better by the share - velocity",
        "The cycle is cut by the share, the others grow by it.",
        velocity_levers,
    ),
    Formula(
        "scorecard",
        "Four outcomes",
        "Whether forecast error, cycle, productivity and clean records got better.",
        "after - before",
        "Error and cycle should fall, the others rise; equal is not better.",
        scorecard,
    ),
)

FORMULAS: Mapping[str, Formula] = MappingProxyType({formula.name: formula for formula in _ALL})
"""Calculators by name."""
