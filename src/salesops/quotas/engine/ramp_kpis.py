"""KPIs on newcomers: ramp, share of them who are there, time to productivity."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.catalogue.parts import OWNER, mean_of, ratio_of_counts, value_of
from salesops.analytics.engine.kpi import Context, Flag, Kpi, Measure, Requirement, Side

FRAME = "ramp"
NOBODY = "nobody who started in this period has a quota and a whole month since"
TOO_FEW = (
    "fewer than half of those who started in this period are known to be fully productive yet, or nobody started: "
    "ask for an earlier or a longer period"
)


def started(t: ir.Table, context: Context) -> ir.BooleanValue:
    """People who started in the period and were watched for a month at least."""
    return c.within("hired_on", t, context) & t["months"].notnull()


def productive(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Those of them who reached full productivity."""
    return started(t, context) & t["reached"]


def _no_quota(t: ir.Table, context: Context) -> ir.BooleanValue:
    return c.within("hired_on", t, context) & ~t["before_data"] & t["full_quota"].isnull()


def _before(t: ir.Table, context: Context) -> ir.BooleanValue:
    return c.within("hired_on", t, context) & t["before_data"]


_HIRED = Requirement(
    "hired_on",
    c.everything,
    "no start date of anybody is known: export users with the day they were hired",
    frame=FRAME,
)
_FLAGS = (
    Flag("without_quota", _no_quota, "People who started then and carry no quota, left out: {n}.", FRAME),
    Flag(
        "before_data",
        _before,
        "People who started before the first deal known, left out as nobody saw their first months: {n}.",
        FRAME,
    ),
)
_CONVENTION = (
    "Those who started in the period, by the start date of the users. Full productivity is reached in the first "
    "month since the start whose won amount, with the two months before, is on average 80 % of full quota: one lucky "
    "month does not count. Full quota of a month is the person's largest monthly quota of the fiscal year it ends in, "
    "so a higher one of a later year changes no earlier month; where all quotas of a year are lowered for the ramp it "
    "reads early, and a raise within a year reads as the end of a lowered one. Won amounts count for the owner of the "
    "deal. "
    "Months run from the start's day of the month; after 24 of them nobody is watched any longer."
)
_NEWCOMERS = Side("newcomers", "People who started", started, frame=FRAME)


def _of_newcomers(**more: Any) -> Kpi:
    """A number of the people who started in a period, watched on since."""
    return Kpi(
        owner=OWNER,
        grain="owner",
        frame=FRAME,
        dated_by="hired_on",
        ripens=True,
        requires=(_HIRED,),
        flags=_FLAGS,
        **more,
    )


KPIS: tuple[Kpi, ...] = (
    _of_newcomers(
        name="ramp",
        title="Ramp",
        sentence="After how many months half of those who started in the period are fully productive.",
        formula="Kaplan-Meier median of the months from the start to full productivity",
        unit="months",
        direction="down",
        convention=_CONVENTION
        + " Those still on the way, and leavers, count up to the month they were seen in; a mean of those who are "
        "there reads short.",
        sides=(
            Side(
                "ramping",
                "People who started, to the month of full productivity or so far",
                started,
                Measure("survival", column="months", event="reached"),
                frame=FRAME,
            ),
        ),
        combine=value_of("ramping", TOO_FEW),
        sample="ramping",
    ),
    _of_newcomers(
        name="ramped_share",
        title="Newcomers fully productive",
        sentence="The share of those who started in the period who have reached full productivity so far.",
        formula="people who reached full productivity / people who started",
        unit="ratio",
        direction="up",
        convention=_CONVENTION,
        sides=(Side("productive", "Fully productive", productive, frame=FRAME), _NEWCOMERS),
        combine=ratio_of_counts("productive", "newcomers", NOBODY),
        sample="newcomers",
        wilson=("productive", "newcomers"),
    ),
    _of_newcomers(
        name="time_to_productivity",
        title="Time to productivity",
        sentence="The mean month of full productivity of those who started in the period and are there.",
        formula="sum of the months to full productivity / people who reached it",
        unit="months",
        direction="down",
        convention=_CONVENTION
        + " Those still on the way are not in it, so it reads short; ramp is the number that counts them.",
        sides=(
            Side(
                "productive",
                "Fully productive",
                productive,
                Measure("total", column="months"),
                frame=FRAME,
            ),
        ),
        combine=mean_of(
            "productive", "nobody who started in this period is known to be fully productive yet"
        ),
        sample="productive",
    ),
)
