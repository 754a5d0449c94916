"""Customers and money: acquisition cost, lifetime value, retention, magic number, cost of sales."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import ibis
import ibis.expr.types as ir

from salesops.analytics.engine import conditions as c
from salesops.analytics.engine.catalogue.parts import OWNER, WON_AMOUNT, Sides, amount, count_of
from salesops.analytics.engine.figure import Figure, exact, quotient, undefined
from salesops.analytics.engine.kpi import Condition, Context, Flag, Kpi, Measure, Requirement, Side
from salesops.analytics.engine.unit_economics import cac, cost_of_sales_ratio, ltv, ltv_cac, magic_number

CUSTOMERS, SPEND, REVENUE = "customers", "spend", "revenue"
DAYS_A_YEAR = Fraction(1461, 4)
LONGEST_LIFE = 5 * DAYS_A_YEAR
"""Days an account is taken to stay at most, where fewer leave a month than :data:`SLOW_CHURN`."""
SLOW_CHURN = Fraction(1, 100)

NOW, BEFORE, KEPT = (Measure("sum", column=f"revenue_{name}") for name in ("now", "before", "kept"))
SPENT = Measure("sum", column="spent")

NEEDS_FIRST_WIN = Requirement(
    "first_won_on",
    c.everything,
    "your data has no won deal with an account and a close date: export the account with the opportunities",
    frame=CUSTOMERS,
)
NEEDS_SPEND = Requirement(
    "spent", c.everything, "your data has no amount of spend: bring a table of sales and marketing spend by month",
    frame=SPEND,
)  # fmt: skip
NEEDS_SALES_SPEND = Requirement(
    "spent",
    lambda t, context: t["function"] == "sales",
    "your data has no spend whose function is sales: say in the table of spend which rows are sales",
    frame=SPEND,
)
NEEDS_REVENUE = Requirement(
    "revenue_now",
    c.everything,
    "your data has no invoice or order with account, date and amount: export invoices, or orders",
    frame=REVENUE,
)

NO_START = "no account was billed anything in the period before"
NO_QUARTER = "the magic number compares two quarters: choose a quarter"
STILL_BILLED = "the period is not over: who is still to be billed in it is not known; choose one that is over"
STILL_SPENT = "the period is not over: what is spent and won in it is not all known; choose one that is over"
CUTS_A_MONTH = (
    "spend is kept by calendar month, and this period begins or ends within one: choose whole months"
)


def unfit_for_billing(context: Context) -> str:
    """A period that is still running: an account that was not billed yet has not left."""
    return STILL_BILLED if context.running else ""


def unfit_for_spend(context: Context) -> str:
    """A period that spend kept by month can't be summed for: still running, or not of whole months."""
    if context.running:
        return STILL_SPENT
    period = context.period
    if period is None or (period.first.day == 1 and (period.last + timedelta(days=1)).day == 1):
        return ""
    return CUTS_A_MONTH


def _unfit_for_magic(context: Context) -> str:
    if context.period is None or context.period.kind != "quarter":
        return NO_QUARTER
    return unfit_for_spend(context)


def new_customers(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Accounts whose first won deal closed in the period."""
    return c.within("first_won_on", t, context)


def spent_now(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Spend of the period."""
    return ~t["is_before"]


def spent_before(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Spend of the period before."""
    return t["is_before"]


def spent_on_sales(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Spend of the period whose function is sales."""
    return ~t["is_before"] & (t["function"] == "sales")


def billed(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Accounts billed something in the period."""
    return t["revenue_now"] > 0


def cohort(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Accounts billed something in the period before."""
    return t["revenue_before"] > 0


def gone(t: ir.Table, context: Context) -> ir.BooleanValue:
    """Those of them billed nothing in the period."""
    return cohort(t, context) & (t["revenue_now"] <= 0)


def _retained(part: str) -> object:
    def combine(sides: Sides) -> Figure:
        if not sides["before"].n:
            return undefined(NO_START)
        return quotient(amount(sides[part]), amount(sides["before"]), unknown=NO_START, zero=NO_START)

    return combine


def _churn(sides: Sides) -> Figure:
    return quotient(sides["gone"].n, sides["before"].n, unknown=NO_START, zero=NO_START)


def _arpa(sides: Sides) -> Figure:
    nothing = "no account was billed anything in the period"
    return quotient(amount(sides["revenue"]), sides["revenue"].n, unknown=nothing, zero=nothing)


def _per_account(sides: Sides) -> Fraction | None:
    revenue = sides["revenue"]
    return Fraction(exact(amount(revenue))) / revenue.n if revenue.n else None


def _lost_share(sides: Sides) -> Fraction | None:
    return Fraction(sides["gone"].n, sides["before"].n) if sides["before"].n else None


def _longest(sides: Sides) -> Fraction | None:
    """Periods an account is taken to stay at most; None where so many leave that no limit is needed."""
    churn, days = _lost_share(sides), sides["days"].n
    if churn is None or not days or churn * DAYS_A_YEAR / 12 / days >= SLOW_CHURN:
        return None
    return LONGEST_LIFE / days


def _ltv(sides: Sides) -> Figure:
    if not sides["before"].n:
        return undefined(NO_START)
    return ltv(_per_account(sides), _lost_share(sides), cap_periods=_longest(sides))


def _life_note(sides: Sides) -> tuple[str, ...]:
    if not sides["gone"].n or _longest(sides) is None:
        return ()
    return ("Fewer than 1% of the accounts leave in a month: they are taken to stay 5 years, no longer.",)


def _spend(sides: Sides, name: str = "spend") -> Fraction | None:
    side = sides[name]
    return exact(amount(side)) if side.n and side.value is not None else None


def _cac(sides: Sides) -> Figure:
    if _spend(sides) is None:
        return undefined("no spend is known for the period")
    return cac(_spend(sides), sides["customers"].n)


def _ltv_cac(sides: Sides) -> Figure:
    if _spend(sides) is None:
        return undefined("no spend is known for the period")
    if not sides["before"].n:
        return undefined(NO_START)
    return ltv_cac(
        _spend(sides),
        sides["customers"].n,
        _per_account(sides),
        _lost_share(sides),
        cap_periods=_longest(sides),
    )


def _magic(sides: Sides) -> Figure:
    return magic_number(amount(sides["revenue"]), amount(sides["before"]), _spend(sides, "spend_before"))


def _cost_of_sales(sides: Sides) -> Figure:
    if _spend(sides) is None:
        return undefined("no sales spend is known for the period")
    return cost_of_sales_ratio(_spend(sides), amount(sides["won_amount"]))


def _side(name: str, title: str, where: Condition, measure: Measure, frame: str) -> Side:
    return Side(name, title, where, measure, frame=frame)


_NEW = Side("customers", "New customers", new_customers, frame=CUSTOMERS)
_SPEND = _side("spend", "Sales and marketing spend", spent_now, SPENT, SPEND)
_BILLED = _side("revenue", "Accounts billed in the period", billed, NOW, REVENUE)
_COHORT = _side("before", "Accounts billed in the period before", cohort, BEFORE, REVENUE)
_COHORT_SIZE = Side("before", "Accounts billed in the period before", cohort, frame=REVENUE)
_GONE = Side("gone", "Accounts billed before and not in the period", gone, frame=REVENUE)

_DAYS = Side("days", "Days of the period", c.everything, frame="calendar", rows=False)
_SO_FAR = Flag(
    "running",
    lambda t, context: billed(t, context) & ibis.literal(context.running),
    "The period is not over: revenue so far, of the {n} accounts billed so far.",
    frame=REVENUE,
)

_BILLING = (
    "From invoices, or from orders where there are no invoices, in the firm's currency. The period is compared with "
    "the one before it: choose one at least as long as your billing cycle."
)
_OVER = " The period must be over."
_MONTHS = " Spend is kept by calendar month: the period must be of whole months, and over."
_RECURRING = _BILLING + _OVER + " Which revenue recurs is not known: everything billed counts."

KPIS: tuple[Kpi, ...] = (
    Kpi(
        name="new_customers",
        title="New customers",
        sentence="How many accounts won their first deal in the period.",
        formula="accounts whose first won deal closed in the period",
        unit="count",
        direction="up",
        owner=OWNER,
        convention="By the earliest won deal of the account that you may see; deals without an account are left out.",
        grain="account",
        frame=CUSTOMERS,
        dated_by="first_won_on",
        sides=(_NEW,),
        combine=count_of("customers"),
        sample="customers",
        requires=(NEEDS_FIRST_WIN,),
    ),
    Kpi(
        name="cac",
        title="Customer acquisition cost",
        sentence="What it cost to win one new customer.",
        formula="sales and marketing spend of the period / new customers of the period",
        unit="money",
        direction="down",
        owner=OWNER,
        convention=(
            "Blended over every channel; spend and customers of the same period, without a lag. Spend has no team or "
            "person, so it is told for the firm as a whole." + _MONTHS
        ),
        grain="account",
        frame=CUSTOMERS,
        dated_by="first_won_on",
        sides=(_SPEND, _NEW),
        combine=_cac,
        sample="customers",
        requires=(NEEDS_SPEND, NEEDS_FIRST_WIN),
        unfit=unfit_for_spend,
    ),
    Kpi(
        name="arpa",
        title="Revenue per account",
        sentence="The mean revenue of the accounts billed in the period.",
        formula="revenue of the period / accounts billed in it",
        unit="money",
        direction="up",
        owner=OWNER,
        convention=_BILLING,
        grain="account",
        frame=REVENUE,
        dated_by="",
        sides=(_BILLED,),
        combine=_arpa,
        sample="revenue",
        requires=(NEEDS_REVENUE,),
        flags=(_SO_FAR,),
    ),
    Kpi(
        name="customer_churn",
        title="Customer churn",
        sentence="Of the accounts billed in the period before, the share billed nothing in this one.",
        formula="accounts billed before and not now / accounts billed before",
        unit="ratio",
        direction="down",
        owner=OWNER,
        convention=_BILLING + _OVER,
        grain="account",
        frame=REVENUE,
        dated_by="",
        sides=(_GONE, _COHORT_SIZE),
        combine=_churn,
        sample="before",
        requires=(NEEDS_REVENUE,),
        wilson=("gone", "before"),
        unfit=unfit_for_billing,
    ),
    Kpi(
        name="ltv",
        title="Lifetime value",
        sentence="What an account brings in until it leaves, at the present revenue and churn.",
        formula="revenue per account and period / churn per period (5 years at most where churn is below 1% a month)",
        unit="money",
        direction="up",
        owner=OWNER,
        convention=(
            "No margin: it is revenue, not profit, since the facts hold no cost of delivery. Where fewer than 1% of "
            "the accounts leave in a month, they are taken to stay 5 years; undefined while no account leaves. "
            + _BILLING
            + _OVER
        ),
        grain="account",
        frame=REVENUE,
        dated_by="",
        sides=(_BILLED, _GONE, _COHORT_SIZE, _DAYS),
        combine=_ltv,
        sample="before",
        requires=(NEEDS_REVENUE,),
        notes=_life_note,
        unfit=unfit_for_billing,
    ),
    Kpi(
        name="ltv_cac",
        title="LTV : CAC",
        sentence="How many times an account brings in what it cost to win.",
        formula="lifetime value / customer acquisition cost",
        unit="number",
        direction="up",
        owner=OWNER,
        convention="Lifetime value without a margin, as in its own number; spend and customers of the same period."
        + _MONTHS,
        grain="account",
        frame=REVENUE,
        dated_by="",
        sides=(_BILLED, _GONE, _COHORT_SIZE, _SPEND, _NEW, _DAYS),
        combine=_ltv_cac,
        sample="before",
        requires=(NEEDS_REVENUE, NEEDS_SPEND, NEEDS_FIRST_WIN),
        notes=_life_note,
        unfit=unfit_for_spend,
    ),
    Kpi(
        name="nrr",
        title="Net revenue retention",
        sentence="What the accounts of the period before bring in now, against what they brought in then.",
        formula="revenue now of the accounts billed before / their revenue before",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention="Growth of these accounts counts; accounts billed nothing before are new and left out. "
        + _RECURRING,
        grain="account",
        frame=REVENUE,
        dated_by="",
        sides=(_side("now", "Accounts billed in the period before", cohort, NOW, REVENUE), _COHORT),
        combine=_retained("now"),  # type: ignore[arg-type]
        sample="before",
        requires=(NEEDS_REVENUE,),
        unfit=unfit_for_billing,
    ),
    Kpi(
        name="grr",
        title="Gross revenue retention",
        sentence="What is left now of the revenue of the period before, without any growth.",
        formula="sum of the lesser of revenue now and before / revenue before, over the accounts billed before",
        unit="ratio",
        direction="up",
        owner=OWNER,
        convention="No account counts for more than it brought in before. " + _RECURRING,
        grain="account",
        frame=REVENUE,
        dated_by="",
        sides=(_side("kept", "Accounts billed in the period before", cohort, KEPT, REVENUE), _COHORT),
        combine=_retained("kept"),  # type: ignore[arg-type]
        sample="before",
        requires=(NEEDS_REVENUE,),
        unfit=unfit_for_billing,
    ),
    Kpi(
        name="magic_number",
        title="Magic number",
        sentence="The yearly revenue gained per unit of the last quarter's spend.",
        formula="(revenue of the quarter - of the one before) x 4 / sales and marketing spend of the one before",
        unit="number",
        direction="up",
        owner=OWNER,
        convention="Quarters only. " + _RECURRING + _MONTHS,
        grain="account",
        frame=REVENUE,
        dated_by="",
        sides=(
            _side("revenue", "Revenue of the quarter", c.everything, NOW, REVENUE),
            _side("before", "Revenue of the quarter before", c.everything, BEFORE, REVENUE),
            _side("spend_before", "Spend of the quarter before", spent_before, SPENT, SPEND),
        ),
        combine=_magic,
        sample="revenue",
        requires=(NEEDS_REVENUE, NEEDS_SPEND),
        unfit=_unfit_for_magic,
    ),
    Kpi(
        name="cost_of_sales",
        title="Cost of sales",
        sentence="Selling cost per unit of amount won.",
        formula="sales spend of the period / amount won in the period",
        unit="ratio",
        direction="down",
        owner=OWNER,
        convention="Spend whose function is sales; marketing is not in it. Against bookings, not billing."
        + _MONTHS,
        grain="opportunity",
        frame="deals",
        sides=(_side("spend", "Sales spend", spent_on_sales, SPENT, SPEND), WON_AMOUNT),
        combine=_cost_of_sales,
        sample="won_amount",
        requires=(NEEDS_SALES_SPEND,),
        unfit=unfit_for_spend,
    ),
)
