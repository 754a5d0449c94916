"""The page that says what the imported data supports, and which report to export for the rest."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from salesops.analytics.support import data_support
from salesops.crm import export_guides
from salesops.crm.import_selectors import systems
from salesops.crm.pages import first_run
from salesops.platform.actors import Actor
from salesops.platform.web import allowed
from salesops.process.inputs import NoDataError

_TITLES = {
    "available": ("Available", "ok", "Everything they need is in the data."),
    "partial": ("Partial", "warn", "Computed, but some rows lack what they need."),
    "impossible": ("Not yet", "bad", "Something they need is missing."),
}


@never_cache
@require_GET
@allowed("import.view")
def supports(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Each number available, partial (why) or impossible (what to export)."""
    try:
        support = data_support(actor)
    except NoDataError:
        return first_run(request)
    known = export_guides.systems(systems())
    chosen = next((s for s in known if s.key == request.GET.get("system")), known[0])
    wanted = {m.report for n in support.numbers if n.state != "available" for m in n.missing if m.report}
    context = {
        "title": "What this data supports",
        "support": support,
        "groups": [(state, *_TITLES[state], support.of(state), support.reasons(state)) for state in _TITLES],
        "systems": known,
        "chosen": chosen,
        "guides": [(g, export_guides.WHAT[g.what]) for g in chosen.guides if g.what in wanted],
        "others": [(g, export_guides.WHAT[g.what]) for g in chosen.guides if g.what not in wanted],
        "what": dict(export_guides.WHAT),
    }
    return render(request, "analytics/supports.html", context)
