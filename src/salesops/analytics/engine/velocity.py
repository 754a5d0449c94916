"""Sales velocity: how much the pipeline turns into sales per day."""

from __future__ import annotations

from salesops.analytics.engine.figure import Figure, Number, exact, to_decimal, undefined


def sales_velocity(
    open_deals: Number | None,
    win_rate: Number | None,
    average_deal: Number | None,
    cycle_days: Number | None,
) -> Figure:
    """Open qualified deals x win rate by count x average won deal / mean cycle days.

    Args:
        open_deals: number of open qualified deals.
        win_rate: fraction, by count.
        average_deal: money per won deal.
        cycle_days: mean days from creation to close of won deals.

    Returns:
        Money per day; undefined where a factor is, or where the mean cycle is not above 0.
    """
    if open_deals is None:
        return undefined("the number of open deals is not known")
    if win_rate is None:
        return undefined("the win rate is undefined: no deal was won or lost")
    if average_deal is None:
        return undefined("the average deal size is undefined: no won deal has an amount")
    if cycle_days is None:
        return undefined("the sales cycle is undefined: no won deal has both dates")
    if exact(cycle_days) <= 0:
        return undefined("the mean sales cycle is not above zero days")
    return Figure(to_decimal(exact(open_deals) * exact(win_rate) * exact(average_deal) / exact(cycle_days)))
