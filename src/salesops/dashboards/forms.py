"""Forms of a dashboard and of its tiles: everything is chosen, nothing is written as code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from salesops.analytics.addresses import OPERATOR_WORDS, AddressError, filter_from, text_of
from salesops.analytics.choices import columns_to_filter
from salesops.analytics.engine.filters import OPERATORS, Filter
from salesops.analytics.selectors import OpenQuestion, catalogue, dimension_names
from salesops.analytics.shown import column_title, family_of
from salesops.dashboards.engine.definition import (
    FORMS,
    MOST_KPIS,
    MOST_PERIODS,
    MOST_ROWS,
    MOST_TEXT,
    MOST_TITLE,
    USUAL_WIDTH,
    WIDTHS,
    Tile,
)
from salesops.platform.roles import Role
from salesops.platform.saved_views import View

FILTERS = 3
"""Conditions that the form of a tile offers at once."""

WIDTH_WORDS = {3: "A quarter", 4: "A third", 6: "Half", 12: "The whole width"}


class DashboardForm(forms.Form):
    """What it is called, and whom it is shared with."""

    name = forms.CharField(max_length=120, error_messages={"required": "Give the dashboard a name."})
    description = forms.CharField(
        max_length=1_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What it is for.",
    )
    roles = forms.MultipleChoiceField(
        label="Share with",
        required=False,
        choices=Role.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text="Whoever has one of these roles sees the tiles over their own rows. None: only you.",
    )

    def __init__(self, *args: Any, may_share: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_share:
            del self.fields["roles"]

    def lines(self) -> list[forms.BoundField]:
        """The fields that are no list of boxes."""
        return [bound for bound in self if bound.name != "roles"]


class TileForm(forms.Form):
    """One tile; the fields are those of its kind."""

    title = forms.CharField(max_length=MOST_TITLE, required=False, help_text="Empty: the usual one.")
    width = forms.TypedChoiceField(coerce=int, choices=[(w, WIDTH_WORDS[w]) for w in WIDTHS])

    def __init__(
        self, *args: Any, kind: str, asked: OpenQuestion | None, views: Sequence[View], tile: Tile | None, **kwargs: Any
    ) -> None:  # fmt: skip
        kwargs.setdefault("initial", _initial(kind, tile))
        super().__init__(*args, **kwargs)
        self.kind = kind
        if kind == "text":
            self.fields["text"] = forms.CharField(
                max_length=MOST_TEXT,
                widget=forms.Textarea(attrs={"rows": 6}),
                error_messages={"required": "Write a text."},
                help_text="An empty line parts paragraphs; # heading, - list, **bold**, *italic*, [words](https://...).",
            )
            return
        dimensions = [("", "Nothing"), *_dimensions(asked, tile)]
        if kind == "table":
            self.fields["view"] = forms.TypedChoiceField(
                label="Show the list of",
                coerce=int,
                empty_value=0,
                required=False,
                choices=[("", "Numbers, chosen below"), *((one.id, one.name) for one in views)],
                help_text="A saved view of Pipeline shows its first rows; its deals are each reader's own.",
            )
            self.fields["kpis"] = forms.MultipleChoiceField(
                label="Numbers",
                required=False,
                choices=_numbers(tile),
                widget=forms.SelectMultiple(attrs={"size": 8}),
                help_text=f"Up to {MOST_KPIS}; hold Ctrl or Cmd to choose several.",
            )
            self.fields["rows"] = forms.IntegerField(label="Rows", min_value=1, max_value=MOST_ROWS)
        else:
            self.fields["kpis"] = forms.ChoiceField(
                label="Number",
                choices=[("", "Choose"), *_numbers(tile)],
                error_messages={"required": "Choose a number."},
            )
        if kind in ("chart", "table"):
            self.fields["by"] = forms.ChoiceField(label="Split by", required=False, choices=dimensions)
        if kind == "chart":
            self.fields["over"] = forms.TypedChoiceField(
                label="Or over the last",
                coerce=int,
                required=False,
                empty_value=0,
                choices=[("", "No periods"), *((n, f"{n} periods") for n in range(2, MOST_PERIODS + 1))],
            )
            self.fields["form"] = forms.ChoiceField(
                label="Drawn as",
                choices=list(FORMS.items()),
                help_text="Bars of a split; columns or a line of periods.",
            )
        self.fields["period"] = forms.ChoiceField(
            label="Over",
            required=False,
            choices=_periods(tile),
            help_text="A period of its own stands on the tile and stays when the dashboard's is changed.",
        )
        if kind == "kpi":
            self.fields["spark"] = forms.BooleanField(
                label="Show its last periods as a small line", required=False
            )
        columns = [("", "No condition"), *_columns(asked, tile)]
        for place in range(1, FILTERS + 1):
            self.fields[f"f{place}_column"] = forms.ChoiceField(
                label="Only where", required=False, choices=columns
            )
            self.fields[f"f{place}_op"] = forms.ChoiceField(
                label="Condition", required=False, choices=list(OPERATOR_WORDS.items())
            )
            self.fields[f"f{place}_value"] = forms.CharField(
                label="Value", required=False, max_length=200, help_text="a|b for several"
            )

    def plain(self) -> list[forms.BoundField]:
        """The fields that are no conditions."""
        return [bound for bound in self if not bound.name.startswith(("f1_", "f2_", "f3_"))]

    def conditions(self) -> list[list[forms.BoundField]]:
        """Column, operator and value of each condition."""
        if self.kind == "text":
            return []
        places = range(1, FILTERS + 1)
        return [[self[f"f{place}_{part}"] for part in ("column", "op", "value")] for place in places]

    def values(self, tile: Tile | None) -> dict[str, Any]:
        """What was chosen, as the plain values of a tile; conditions beyond those of the form are kept."""
        data = dict(self.cleaned_data)
        found: dict[str, Any] = {"kind": self.kind, "title": data["title"], "width": data["width"]}
        if self.kind == "text":
            return found | {"text": data["text"]}
        chosen = data["kpis"]
        found["kpis"] = [chosen] if isinstance(chosen, str) else list(chosen)
        for name in ("by", "over", "form", "view", "rows", "spark", "period"):
            if name in data:
                found[name] = data[name]
        if found.get("view"):
            found |= {"kpis": [], "by": "", "period": ""}
        made = [self._condition(place) for place in range(1, FILTERS + 1)]
        rest = list(tile.filters[FILTERS:]) if tile else []
        found["filters"] = [text for text in made if text] + rest
        return found

    def _condition(self, place: int) -> str:
        column = self.cleaned_data.get(f"f{place}_column") or ""
        op = self.cleaned_data.get(f"f{place}_op") or "eq"
        value = (self.cleaned_data.get(f"f{place}_value") or "").strip()
        if not column:
            return ""
        if OPERATORS[op][0] == 0:
            return text_of(Filter(column, op))
        if op in ("eq", "ne") and not value:
            return text_of(Filter(column, "is_null" if op == "eq" else "not_null"))
        parts = value.split("|") if op in ("in", "not_in", "between") else [value]
        return text_of(Filter(column, op, tuple(part.strip() for part in parts)))


def _initial(kind: str, tile: Tile | None) -> dict[str, Any]:
    if tile is None:
        return {"width": USUAL_WIDTH[kind], "rows": 10, "form": "bars"}
    found: dict[str, Any] = {
        "title": tile.title, "width": tile.width, "text": tile.text, "by": tile.by, "over": tile.over or "",
        "form": tile.form, "view": tile.view or "", "rows": tile.rows, "spark": tile.spark,
        "period": tile.period,
        "kpis": list(tile.kpis) if kind == "table" else (tile.kpis[0] if tile.kpis else ""),
    }  # fmt: skip
    for place, item in enumerate(_filters(tile)[:FILTERS], start=1):
        found[f"f{place}_column"] = item.column
        found[f"f{place}_op"] = item.op
        found[f"f{place}_value"] = "|".join(str(value) for value in item.values)
    return found


PERIODS = {
    "": "The dashboard's period",
    "week": "This week",
    "month": "This month",
    "quarter": "This quarter",
    "half": "This half-year",
    "year": "This year",
    "all": "All data",
}
"""A tile's own period -> what it is called."""


def _periods(tile: Tile | None) -> list[tuple[str, str]]:
    """Periods to choose; one that was set otherwise stays to be chosen."""
    own = tile.period if tile else ""
    return [*PERIODS.items(), *([(own, own)] if own not in PERIODS else [])]


def _filters(tile: Tile | None) -> list[Filter]:
    found = []
    for text in tile.filters if tile else ():
        try:
            found.append(filter_from(text))
        except AddressError:
            continue
    return found


def _numbers(tile: Tile | None) -> list[tuple[str, Any]]:
    """Every number by family; one that the tile has and that is no more stays to be seen."""
    families: dict[str, list[tuple[str, str]]] = {}
    known = set()
    for kpi in catalogue():
        known.add(kpi.name)
        families.setdefault(family_of(kpi), []).append((kpi.name, kpi.title))
    found: list[tuple[str, Any]] = list(families.items())
    gone = [name for name in (tile.kpis if tile else ()) if name not in known]
    return [*found, *((name, f"{name} (no such number any more)") for name in gone)]


def _dimensions(asked: OpenQuestion | None, tile: Tile | None) -> list[tuple[str, str]]:
    names = dimension_names(asked.frames) if asked is not None else []
    names += [tile.by] if tile and tile.by and tile.by not in names else []
    return sorted(((name, column_title(name)) for name in names), key=lambda pair: pair[1].casefold())


def _columns(asked: OpenQuestion | None, tile: Tile | None) -> list[tuple[str, str]]:
    found = [(o.value, o.title) for o in columns_to_filter(asked.frames)] if asked is not None else []
    known = {name for name, _ in found}
    return found + [(f.column, column_title(f.column)) for f in _filters(tile) if f.column not in known]


def in_form(field: str, fields: Mapping[str, Any]) -> str:
    """The form's field that a refusal of a tile belongs to; "" where it has none of its own."""
    return field if field in fields else ("f1_column" if field == "filters" and "f1_column" in fields else "")
