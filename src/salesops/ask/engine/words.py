"""The words between the terms: conditions, comparisons, rankings, words that change nothing. Data, no code."""

from __future__ import annotations

from collections.abc import Mapping

PERIOD_KINDS: Mapping[str, str] = {
    "month": "month", "monthly": "month", "quarter": "quarter", "quarterly": "quarter", "year": "year",
    "yearly": "year", "annually": "year", "annual": "year", "month by month": "month",
    "quarter by quarter": "quarter", "year by year": "year",
}  # fmt: skip

LINES: Mapping[str, tuple[str, ...]] = {
    "stalled": ("stalled", "stuck", "stalled deals", "stuck deals", "that are stalled", "that are stuck"),
    "slipped": ("slipped", "slipping", "slipped deals", "that slipped", "that have slipped"),
    "overdue": (
        "overdue", "past due", "close date past", "past close date", "with a past close date",
        "past their close date",
        "with close date past", "with a close date in the past",
    ),
    "pushed": ("pushed too often", "pushed more than 3 times", "pushed more than three times"),
    "no_close_date": (
        "without a close date", "without close date", "with no close date", "no close date",
        "missing close date",
    ),
    "ghost": ("ghost", "ghost pipeline", "ghost deals"),
    "quiet_14": (
        "without activity", "without an activity", "with no activity", "no activity", "quiet",
        "without activity for 14 days",
        "no activity for 14 days", "with no activity for 14 days", "with no activity in 14 days",
        "no activity in 14 days",
        "without activity in 14 days", "no recent activity", "with no recent activity",
        "without recent activity",
    ),
    "quiet_30": (
        "without activity for 30 days", "no activity for 30 days", "with no activity for 30 days",
        "with no activity in 30 days", "no activity in 30 days", "without activity in 30 days",
    ),
    "no_next_step": (
        "without a next step", "without next step", "with no next step", "no next step", "missing next step",
        "missing a next step", "lacking a next step", "that have no next step",
    ),
    "single_threaded": (
        "single threaded", "single threaded deals", "with one contact", "with only one contact",
        "with a single contact",
    ),
    "owner_left": (
        "whose owner left", "whose owner has left", "owner left", "of owners who left", "whose rep left",
    ),
}  # fmt: skip
"""Line of the pipeline inspection -> how a question asks for its deals."""

FLAGS: Mapping[str, tuple[str, ...]] = {
    "DQ12": (
        "without an amount", "without amount", "with no amount", "no amount", "missing amount",
        "missing an amount",
    ),
    "DQ37N": ("without an owner", "without owner", "with no owner", "no owner", "unowned"),
    "DQ40": ("without an account", "without account", "with no account", "no account"),
    "DQ33": ("without a loss reason", "without loss reason", "with no loss reason", "no loss reason"),
}  # fmt: skip
"""Why-flag -> how a question asks for the deals that have it."""

DEALS = frozenset({"deal", "opportunity", "opp", "opps"})
SHOWING = (
    "show me", "show", "list", "find", "display", "give me", "which", "what are the", "open the list of",
    "get me",
    "i want to see", "i need", "i want to know", "i would like to know", "i'd like to know", "can i see",
)  # fmt: skip
STATUS: Mapping[str, tuple[str, ...]] = {
    "open": ("open", "still open", "that are open", "that are still open"),
    "won": ("that were won", "that we won", "we won", "that are won"),
    "lost": ("lost", "that were lost", "that we lost", "we lost", "that are lost"),
}
AS_STATUS: Mapping[str, str] = {
    "open_deals": "open",
    "won_deals": "won",
    "lost_deals": "lost",
    "won_value": "won",
}
"""Number whose words name a list's status where deals are listed."""

CLOSING = (
    "closing", "due", "expected to close", "that close", "due to close", "that are due", "closes", "to close",
    "with a close date in", "with close date in", "scheduled to close",
)  # fmt: skip
CLOSED = ("closed", "that closed", "that were closed")
CREATED = ("created", "opened", "that were created", "that were opened", "added", "that were added")

BY = (
    "by",
    "per",
    "for each",
    "for every",
    "split by",
    "broken down by",
    "grouped by",
    "across",
    "in each",
    "of each",
    "each",
)
OF_OWNER = ("owned by", "belonging to")
OF_MANAGER = ("managed by", "reporting to", "under manager")
AGAINST = (
    "vs", "versus", "against", "compared with", "compared to", "compare with", "compare to", "relative to",
    "in comparison with", "in comparison to",
)  # fmt: skip
AS_OF = ("as of the end of", "as of", "as at", "as it stood on", "as they stood on")
KNOWN = (
    "as known on", "as known at", "as known at the end of", "as known by", "as known as of", "as known in",
    "as it was known on", "as they were known on", "as was known on", "as we knew it on", "as we knew them on",
    "as we saw it on", "as we saw them on", "as reported on", "as it was reported on", "as we knew it at the end of",
    "as we saw it at the end of",
)  # fmt: skip
"""Before a day: with the facts and decisions that were recorded by the end of it."""
SINCE = ("since", "on or after")
BEFORE = ("before", "prior to", "earlier than")
AFTER = ("after", "later than")
UNTIL = (
    "to", "until", "through", "till", "up until", "until the end of", "till the end of", "through the end of",
    "up to the end of", "up to and including", "on or before", "no later than", "not later than",
)  # fmt: skip
"""Before the end of a range. All of them hold the day that is named; "until June" may or may not hold June."""
TREND = ("trend", "trend line", "trendline", "over time", "trend over time")
AGE: Mapping[str, tuple[str, ...]] = {
    "gt": ("older than", "aged over", "aged more than"),
    "lt": ("younger than", "newer than", "aged under", "aged less than"),
}
"""How an age is compared with days that follow."""
IN_STAGE = (
    "in stage for", "in the same stage for", "in their stage for", "in the stage for", "in this stage for",
    "in one stage for", "in its stage for", "in the current stage for", "in their current stage for",
)  # fmt: skip
MOST = ("highest", "most", "largest", "biggest", "greatest", "maximum", "max", "longest")
LEAST = ("lowest", "least", "smallest", "fewest", "minimum", "min", "shortest")
BY_AMOUNT = frozenset({*MOST, *LEAST, "top", "bottom"}) - {"longest", "shortest"}
"""Words that rank deals by their amounts."""
BEST = ("best", "strongest")
WORST = ("worst", "weakest")
TOP = ("top",)
BOTTOM = ("bottom",)

AMOUNT = ("with an amount", "amount", "with amount", "worth", "with a value", "valued", "of")
COMPARED: Mapping[str, tuple[str, ...]] = {
    "gt": (
        "over", "above", "more than", "greater than", "larger than", "bigger than", "exceeding", "higher than",
        ">",
    ),
    "ge": ("at least", "no less than", "not less than", "from at least", ">=", "minimum of"),
    "lt": ("under", "below", "less than", "smaller than", "lower than", "<"),
    "le": ("at most", "up to", "no more than", "not more than", "<=", "maximum of"),
}  # fmt: skip

NOT = (
    "not in", "not from", "not for", "not", "except for", "except", "excluding", "other than", "outside of",
    "outside",
    "without", "but not", "apart from", "leaving out", "minus", "!=", "non", "aside from", "besides", "isn't",
    "aren't", "excl", "excluded", "ex", "ignoring", "omitting", "sans", "skipping", "exclusive of", "barring", "w/o",
)  # fmt: skip

FILL = frozenset({
    "a", "an", "the", "is", "are", "was", "were", "be", "been", "am", "do", "does", "did", "has", "have", "had",
    "what", "what's", "whats", "how", "much", "many", "please", "tell", "can", "you",
    "i'd", "to", "know", "see", "get", "want", "me", "it", "its", "there", "then", "current",
    "currently", "right", "now", "our", "ours", "we", "us", "so", "far", "of", "in", "on", "at", "for", "with",
    "value", "number", "figure", "total", "overall", "do's", "hi", "hello", "hey", "ok", "okay", "question",
    "answer", "just", "deal", "opportunity", "look", "going", "doing", "that", "which", "this", "and", "all",
    "i'm", "calculate", "compute", "report",
})  # fmt: skip
"""Words that change nothing."""
POLITE = ("could you", "would you", "will you")
"""Phrases that change nothing, of words that alone would."""

MINE = ("my own", "my", "mine", "i", "myself")

CHANGING = frozenset({
    "not", "except", "excluding", "exclude", "without", "unless", "if", "only", "but", "never", "no", "none",
    "nor", "neither", "or", "either", "than", "before", "after", "until", "till", "by", "per", "over", "under",
    "above", "below", "between", "least", "most", "top", "bottom", "less", "more", "fewer", "greater", "minus",
    "plus", "times", "versus", "vs", "against", "since", "as", "from", "where", "whose", "who", "when", "why",
    "compared", "compare", "relative", "change", "changed", "growth", "grew", "grow", "increase", "decrease",
    "decline", "drop", "rise", "up", "down", "difference", "delta", "ratio", "share", "percent", "percentage",
    "trend", "forecast", "predict", "average", "mean", "median", "max", "min", "maximum", "minimum", "sum",
    "highest", "lowest", "best", "worst", "each", "every", "any", "some", "same", "other",
    "another", "older", "newer", "earlier", "later", "last", "next", "previous", "first", "second", "third",
    "half", "double", "ahead", "behind", "similar", "like", "about", "around", "roughly", "approximately",
    "nearly", "almost", "exactly", "both", "together", "combined", "running", "rolling", "cumulative", "should",
    "need", "needed", "will", "would", "could", "might", "may", "must", "recent", "recently", "latest", "earliest",
    "oldest", "newest", "old", "soonest", "fastest", "slowest", "quickest", "avg", "daily", "hourly", "biweekly",
    "rising", "risen", "rose", "fell", "fallen",
})  # fmt: skip
"""Words that change what is asked: where one is left over, there is no answer that passes it by."""
CHANGING_STEMS = (
    "weight", "unweight", "project", "averag", "increas", "decreas", "declin", "grow", "dropp", "predict", "forecast",
    "expect", "estimat", "weekl", "opposit", "invers", "revers", "exclu", "ignor", "omit", "skip", "compar", "chang",
    "differ", "improv", "worsen", "shrink", "annuali", "adjust", "normali", "percent", "proportion", "probab",
    "trend",
)  # fmt: skip
"""Beginnings of words that change what is asked."""

EXAMPLES = (
    "win rate this quarter",
    "won value by region last quarter",
    "pipeline compared with last quarter",
    "top 5 reps by won value this year",
    "median sales cycle by segment",
    "show open deals over 50k closing this quarter",
    "deals without next step",
)
"""Questions that can be answered in any firm."""

SMALL = (
    FILL
    | CHANGING
    | {w for phrases in (NOT, BY, AGAINST, AS_OF, KNOWN, AMOUNT, MINE) for p in phrases for w in p.split()}
    | {"to", "through", "and", "on", "of"}
)
"""Words of our own that a value of the data may be, too: a country IN, a tier A, "All"."""
