"""Every decision of every room: what is in force, how it came to be, drafts, and YAML in and out."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from salesops.platform import decisions as service
from salesops.platform import second_person, selectors
from salesops.platform.access import may, require
from salesops.platform.actors import Actor, actor_of
from salesops.platform.decisions import DatedDecision
from salesops.platform.forms import YamlForm
from salesops.platform.web import allowed, apply_errors
from salesops.platform.yaml_documents import read_documents, write_documents

_ROWS = 50


def _kind(key: str) -> type[DatedDecision]:
    model = selectors.kind(key)
    if model is None:
        raise Http404
    return model


@require_GET
@allowed("decision.view")
def decisions(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The kinds of decisions there are."""
    context = {
        "title": "Decisions",
        "kinds": selectors.kinds(selectors.data_day()),
        "may_write": may(actor, "decision.write"),
        "today": selectors.data_day(),
    }
    return render(request, "platform/decisions.html", context)


@require_GET
@allowed("decision.view")
def decision_kind(request: HttpRequest, actor: Actor, kind: str) -> HttpResponse:
    """Decisions of one kind in force on the data's own date, and the drafts that wait."""
    model = _kind(kind)
    two = second_person.needed(model)
    today = selectors.data_day()
    wanted = request.GET.get("q", "").strip()
    rows = sorted(service.in_force(model, today).values(), key=lambda row: row.subject.casefold())
    if wanted:
        rows = [row for row in rows if wanted.casefold() in row.subject.casefold()]
    page = Paginator(rows, _ROWS).get_page(request.GET.get("page"))
    context = {
        "title": selectors.kind_title(model),
        "kind": kind,
        "rows": [{"row": row, "values": _shown(row), "href": history_url(kind, row.subject)} for row in page],
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "drafts": [
            {
                "row": row,
                "values": _shown(row),
                "href": history_url(kind, row.subject),
                "own": two and row.author_user_id == actor.user_id,
            }
            for row in selectors.open_drafts(model)
        ],
        "two": two,
        "may_publish": may(actor, model.PERMISSION),
        "needs_reason": model.NEEDS_REASON,
        "today": today,
        "q": wanted,
    }
    return render(request, "platform/decision_kind.html", context)


@require_GET
def decision_history(request: HttpRequest, kind: str) -> HttpResponse:
    """Every decision on one subject, and what each changed; also for who decides this kind as an area."""
    actor = actor_of(request.user)
    model = _kind(kind)
    if not may(actor, model.PERMISSION):
        require(actor, "decision.view")
    subject = request.GET.get("subject", "")
    today = selectors.data_day()
    versions = selectors.versions(model, subject, today)
    if not versions:
        raise Http404
    context = {
        "title": subject,
        "kind": kind,
        "kind_title": selectors.kind_title(model),
        "versions": versions,
        "today": today,
    }
    return render(request, "platform/decision_history.html", context)


@require_POST
@allowed("decision.view")
def decision_publish(request: HttpRequest, actor: Actor, kind: str, pk: int) -> HttpResponse:
    """Put a draft in force."""
    model = _kind(kind)
    row = selectors.draft(model, pk)
    if row is None:
        raise Http404
    try:
        service.decision_publish(row, actor=actor, reason=request.POST.get("reason", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"{row.subject} {'is ended' if row.ended else 'is in force'}.")
    return redirect("decision_kind", kind=kind)


@require_GET
@allowed("decision.view")
def decisions_export(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Published decisions as a YAML file, of one kind or all."""
    kind = request.GET.get("kind", "")
    kinds = None
    if kind:
        _kind(kind)
        kinds = [kind]
    text = write_documents(service.export_documents(kinds))
    name = f"decisions-{kind or 'all'}.yaml"
    return HttpResponse(
        text,
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_http_methods(["GET", "POST"])
@allowed("decision.write")
def decisions_import(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Record decisions from YAML, all or none."""
    form = YamlForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["file"] or form.cleaned_data["text"]
        field = "file" if form.cleaned_data["file"] else "text"
        try:
            documents = read_documents(text)
            changed = service.import_documents(documents, actor=actor, reason=form.cleaned_data["reason"])
        except ValidationError as error:
            apply_errors(form, ValidationError({field: error.messages}))
        else:
            same = len(documents) - changed
            messages.success(request, f"{changed} decisions recorded, {same} already in force.")
            return redirect("decisions")
    return render(request, "platform/decisions_import.html", {"title": "Import decisions", "form": form})


def _shown(row: DatedDecision) -> list[tuple[str, object]]:
    return [
        (name.replace("_", " "), value)
        for name, value in row.values().items()
        if value not in ("", None, [], {})
    ]


def history_url(kind: str, subject: str) -> str:
    """The page of a subject's history."""
    return reverse("decision_history", args=[kind]) + "?" + urlencode({"subject": subject})
