"""Owner, target and review of a number: what its page shows of them, and where they are decided."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.views.decorators.http import require_POST

from salesops.analytics import stewardship as kept
from salesops.analytics.addresses import Address, read, reads_address
from salesops.analytics.engine.kpi import Kpi, KpiValue
from salesops.analytics.page_parts import kpi_named
from salesops.analytics.selectors import OpenQuestion
from salesops.analytics.shown import value_text
from salesops.platform.access import may, require
from salesops.platform.actors import Actor

FEW = 6
WORDS = {
    "reached": ("target reached", "ok"),
    "missed": ("target missed", "bad"),
    "unknown": ("no value to compare", "neutral"),
}


class DecideForm(forms.Form):
    """Owner, target and review, from a day on."""

    owner = forms.CharField(max_length=200, required=False, label="Who answers for it")
    target = forms.CharField(max_length=40, required=False)
    review_on = forms.DateField(required=False, label="Review on")
    starts_on = forms.DateField(required=False, label="In force from")
    note = forms.CharField(max_length=2000, required=False)
    reason = forms.CharField(max_length=2000, required=False)


def card(actor: Actor, asked: OpenQuestion, address: Address, kpi: Kpi, total: KpiValue) -> dict[str, Any]:
    """What the page of a number shows: what is in force on the day asked for, and how the number stands to it."""
    frames = asked.frames
    on: date = frames.as_of
    found = kept.stewardship(kpi.name, on, frames.known_at)
    words, tone = WORDS.get(kept.standing(kpi, total.value, found.target), ("", ""))

    def text(target: Any) -> str:
        return value_text(kpi, target, frames.currency, to_the_cent=True)

    return {
        "found": found,
        "target": text(found.target),
        "target_plain": "" if found.target is None else f"{found.target.normalize():f}",
        "standing": words,
        "tone": tone,
        "overdue": found.overdue(on),
        "past": [
            {
                "row": row,
                "target": text(row.target),
                "from": row.starts_on,
                "words": "nothing in force" if row.ended else row.owner,
            }
            for row in kept.past_decisions(kpi.name, frames.known_at)[:FEW]
        ],
        "href": address.to("number_decide", kpi.name)
        if may(actor, "decision.write") and address.known.now
        else "",
        "is_share": kpi.unit == "ratio",
    }


@require_POST
@reads_address
def number_decide(request: HttpRequest, actor: Actor, name: str) -> HttpResponseBase:
    """Decide owner, target and review of a number; back to its page."""
    require(actor, "decision.write")
    kpi, address = kpi_named(name), read(request.GET)
    form = DecideForm(request.POST)
    if not form.is_valid():
        _complain(request, form.errors.as_data().values())
        return HttpResponseRedirect(address.to("number", name))
    given = form.cleaned_data
    try:
        kept.kpi_decide(
            actor=actor,
            kpi=name,
            owner=given["owner"],
            target=kept.read_target(given["target"], kpi),
            review_on=given["review_on"],
            note=given["note"],
            starts_on=given["starts_on"],
            reason=given["reason"],
        )
    except ValidationError as error:
        _complain(request, [[error]])
    else:
        messages.success(request, f"Decided for {kpi.title}.")
    return HttpResponseRedirect(address.to("number", name))


def _complain(request: HttpRequest, errors: Any) -> None:
    said = dict.fromkeys(message for group in errors for error in group for message in error.messages)
    messages.error(request, " ".join(said))
