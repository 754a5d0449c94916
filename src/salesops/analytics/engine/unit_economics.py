"""Unit economics: cost of acquiring a customer, its payback, lifetime value, magic number.

Every function takes exact numbers and returns a figure: undefined, with a reason, where an input is
missing or a denominator is zero.
"""

from __future__ import annotations

from salesops.analytics.engine.figure import Figure, Number, exact, quotient, to_decimal, undefined


def cac(spend: Number | None, new_customers: Number | None) -> Figure:
    """Customer acquisition cost: sales and marketing spend of a period / new customers of it (money)."""
    return quotient(
        spend,
        new_customers,
        unknown="the spend or the number of new customers is not known",
        zero="no customer was won in the period",
    )


def cac_payback_months(
    spend: Number | None, new_customers: Number | None, arpa_month: Number | None, gross_margin: Number | None
) -> Figure:
    """Months until a new customer's margin has paid its acquisition: CAC / (ARPA per month x margin).

    Args:
        spend: sales and marketing spend of the period.
        new_customers: customers won in it.
        arpa_month: average revenue per account and month.
        gross_margin: fraction.
    """
    cost = cac(spend, new_customers)
    if cost.value is None or spend is None or new_customers is None:
        return cost
    if arpa_month is None or gross_margin is None:
        return undefined("the revenue per account or the gross margin is not known")
    margin = exact(arpa_month) * exact(gross_margin)
    if margin <= 0:
        return undefined("an account earns no margin, so its cost is never paid back")
    return Figure(to_decimal(exact(spend) / exact(new_customers) / margin))


def ltv(
    arpa: Number | None,
    churn: Number | None,
    gross_margin: Number | None = None,
    cap_periods: Number | None = None,
) -> Figure:
    """Lifetime value: ARPA x gross margin / churn; without a margin the plain ARPA / churn.

    Args:
        arpa: average revenue per account and period.
        churn: share of customers lost per period, a fraction.
        gross_margin: fraction; None = no margin taken off.
        cap_periods: longest lifetime believed, in periods. The house rule caps at 5 years where the
            monthly churn is under 1 %: pass 60.
    """
    if arpa is None or churn is None:
        return undefined("the revenue per account or the churn is not known")
    if exact(churn) <= 0:
        return undefined("no customer churns, so the lifetime has no end")
    lifetime = 1 / exact(churn)
    if cap_periods is not None:
        lifetime = min(lifetime, exact(cap_periods))
    margin = exact(1) if gross_margin is None else exact(gross_margin)
    return Figure(to_decimal(exact(arpa) * margin * lifetime))


def ltv_cac(
    spend: Number | None,
    new_customers: Number | None,
    arpa: Number | None,
    churn: Number | None,
    gross_margin: Number | None = None,
    cap_periods: Number | None = None,
) -> Figure:
    """Lifetime value per unit of acquisition cost. Arguments as :func:`ltv` and :func:`cac`."""
    value, cost = ltv(arpa, churn, gross_margin, cap_periods), cac(spend, new_customers)
    if value.value is None:
        return value
    if cost.value is None:
        return cost
    if spend is None or new_customers is None or exact(spend) == 0:
        return undefined("the acquisition cost is zero")
    return Figure(to_decimal(exact(value.value) * exact(new_customers) / exact(spend)))


def magic_number(
    revenue: Number | None, revenue_before: Number | None, spend_before: Number | None
) -> Figure:
    """Yearly recurring revenue gained per unit of last quarter's spend.

    (revenue of the quarter - revenue of the one before) x 4 / sales and marketing spend of the one
    before.
    """
    if revenue is None or revenue_before is None:
        return undefined("the revenue of one of the two quarters is not known")
    return quotient(
        (exact(revenue) - exact(revenue_before)) * 4,
        spend_before,
        unknown="the spend of the quarter before is not known",
        zero="nothing was spent in the quarter before",
    )


def cost_of_sales_ratio(selling_cost: Number | None, revenue: Number | None) -> Figure:
    """Selling cost per unit of revenue booked; sales only, marketing is not in it."""
    return quotient(
        selling_cost,
        revenue,
        unknown="the selling cost or the revenue is not known",
        zero="there is no revenue",
    )


def close_rate_of(won: Number | None, pitched: Number | None) -> Figure:
    """Sales per people pitched, from two counts (see the KPI ``close_rate_pitched`` for rows)."""
    return quotient(won, pitched, unknown="the number won or pitched is not known", zero="nobody was pitched")
