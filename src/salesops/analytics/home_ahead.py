"""Home asked ahead: a new facts version is shown once those who look at Home will find it answered."""

from __future__ import annotations

import logging
from time import monotonic, sleep

from salesops.analytics import home
from salesops.analytics.addresses import DEFAULT_PERIOD
from salesops.analytics.choices import extent
from salesops.analytics.selectors import Question, ask
from salesops.core.lately import Lately
from salesops.platform.actors import Actor
from salesops.platform.reading import one_state
from salesops.platform.roles import Role

FIRST_QUESTION = Question(period=DEFAULT_PERIOD)
"""What Home asks of whoever opens it without choosing anything."""

READERS = 32
"""Readers of Home whose answers are asked ahead for a new facts version."""

AWAY = 3600.0
"""Seconds after which a reader who did not come back is no longer thought of."""

AHEAD = 30.0
"""Seconds after which asking ahead begins with no further reader: a new version waits for the one begun."""

_came: Lately[Actor, float] = Lately(READERS)
_log = logging.getLogger(__name__)


def reader_came(actor: Actor) -> None:
    """Home was opened: when new facts come, it is asked ahead for this reader, too."""
    _came.keep(actor, monotonic())


def warm_up(actor: Actor) -> None:
    """Ask what Home asks by itself, so that the first readers of a new facts version find it answered.

    First for ``actor``, then for those who opened Home lately, one after the other: else all of them would ask
    for their own rows at the same moment, and wait for each other.
    """
    with one_state():
        _ask_all(actor)
    began = monotonic()
    for reader, came in _came.newest():
        now = monotonic()
        if began - came > AWAY or now - began > AHEAD:
            return
        try:
            with one_state():
                _ask_all(reader)
        except Exception:  # noqa: BLE001 - whoever lost his rights since must not keep others waiting
            _log.info("Home could not be asked ahead for an account", exc_info=True)
        sleep(
            min(monotonic() - now, 2.0)
        )  # those at pages meanwhile have the processor at least half the time


def _ask_all(actor: Actor) -> None:
    """Everything that Home asks for a reader, which is kept."""
    order = home.ORDER[actor.role]
    own = actor.role == Role.REP
    with ask(actor, FIRST_QUESTION) as asked:
        found = extent(asked.frames)
        asked.values(home.TILES)
        home.before(asked)
        home.past(asked, (*home.FLOWS, *home.STOCKS), found)
        if not own:
            asked.over(asked.period, home.split_column(found, "", home.split_order(actor))).values(
                ["won_value", "quota"]
            )
        asked.over(asked.period, "stage").values(["open_deals", "open_pipeline"])
        home.deals_that_matter(asked, own=own)
        if "changes" in order:
            home.change_counts(asked, home.window(asked))
        if home.sees_data(actor):
            home.top_faults(asked)
