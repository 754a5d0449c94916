"""Data pages: first run, confirming files, progress and report of an import, and what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from salesops.crm import confirm_view, confirming, import_report
from salesops.crm import import_selectors as selectors
from salesops.crm.forms import MappingForm, UploadForm, edits_of
from salesops.crm.services import plans_of
from salesops.platform.access import may
from salesops.platform.actors import Actor, actor_of
from salesops.platform.job_selectors import job_for
from salesops.platform.web import allowed, apply_errors

if TYPE_CHECKING:
    from salesops.crm.models import Import

_ROWS = 25


def first_run(request: HttpRequest) -> HttpResponse:
    """The answer of any page that has no data yet: the drop zone, or whom to ask for those who may not import."""
    if may(actor_of(request.user), "import.run"):
        return redirect("import_new")
    return render(request, "crm/nothing_yet.html", {"title": "Nothing here yet"})


def _import(pk: int) -> Import:
    row = selectors.import_of(pk)
    if row is None:
        raise Http404
    return row


@require_http_methods(["GET", "POST"])
@allowed("import.run")
def import_new(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Drop files, or paste a table."""
    form = UploadForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        files = [(file.name or "upload", file.chunks()) for file in request.FILES.getlist("files")]
        try:
            row = confirming.import_upload(
                actor=actor,
                files=files,
                pasted=form.cleaned_data["pasted"],
                source=form.cleaned_data["source"],
            )
        except ValidationError as error:
            apply_errors(form, error)
        else:
            # Of an import and of the job that looks at a large upload, each knows its own page.
            return redirect("import_confirm" if isinstance(row, confirming.Import) else "job", pk=row.pk)
    context = {
        "title": "Import",
        "form": form,
        "first": not selectors.has_data(),
        "unconfirmed": selectors.unconfirmed(),
    }
    return render(request, "crm/import_new.html", context, status=400 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
@allowed("file.read", post="import.run")
def import_confirm(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """What each file is taken for: corrected where it must be, and imported by one button."""
    row = _import(pk)
    if not row.unconfirmed:
        return redirect("import_detail", pk=pk)
    faults: dict[int, list[str]] = {}
    notes: list[str] = []
    if request.method == "POST":
        plans = plans_of(row)
        edits, faults = edits_of(request.POST, plans)
        try:
            anew = confirming.import_edit(actor=actor, row=row, edits=edits)
            if not faults and not anew and request.POST.get("do") == "import":
                amount = confirm_view.amount_of(plans_of(row), request.POST.get("amount", ""))
                confirming.import_begin(actor=actor, row=row, amount=amount)
                return redirect("import_detail", pk=pk)
        except confirming.PlanError as error:
            for number, texts in error.by_file.items():
                faults.setdefault(number, []).extend(texts)
        except ValidationError as error:
            faults[-1] = list(error.messages)
        else:
            notes = [f"The columns of {plans[n].name} are proposed anew: look at them." for n in anew]
            if not faults and not request.htmx:
                for note in notes:
                    messages.info(request, note)
                return redirect("import_confirm", pk=pk)
    return _confirm_page(request, actor, row, faults, notes)


def _confirm_page(
    request: HttpRequest, actor: Actor, row: Import, faults: dict[int, list[str]], notes: list[str]
) -> HttpResponse:
    plans = plans_of(row)
    context = {
        "title": "Confirm what the files mean",
        "row": row,
        "cards": confirm_view.cards(plans, faults),
        "summary": confirm_view.summary(plans),
        "errors": faults.get(-1, []),
        "faulty": bool(faults),
        "notes": notes,
        "amount": request.POST.get("amount", ""),
        "may_run": may(actor, "import.run"),
        "may_decide": may(actor, "decision.write"),
    }
    # htmx shows only answers of success; the page itself says what is wrong.
    return render(
        request, "crm/import_confirm.html", context, status=400 if faults and not request.htmx else 200
    )


@require_GET
@allowed("import.view")
def import_mapping(request: HttpRequest, actor: Actor, pk: int, number: int) -> HttpResponse:
    """The mapping of one file as YAML."""
    plans = plans_of(_import(pk))
    if number >= len(plans) or not plans[number].table:
        raise Http404
    name = "".join(ch if ch.isalnum() and ch.isascii() else "-" for ch in plans[number].name)[:80]
    return HttpResponse(
        confirming.mapping_yaml(plans[number]),
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="mapping-{name}.yaml"'},
    )


@require_POST
@allowed("import.run")
def import_map(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """Put an uploaded mapping file over the files that have its columns."""
    row = _import(pk)
    form = MappingForm(request.POST, request.FILES)
    try:
        if not form.is_valid():
            raise ValidationError("Choose a mapping file.")
        if form.cleaned_data["mapping"].size > confirming.MOST_YAML:
            raise ValidationError("A mapping file is never larger than 1 MB.")
        text = form.cleaned_data["mapping"].read().decode("utf-8-sig")
        fitting = confirming.import_map(actor=actor, row=row, text=text)
    except UnicodeDecodeError:
        messages.error(request, "This is no mapping file: it is no UTF-8 text.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, f"The mapping is put over {fitting} file{'' if fitting == 1 else 's'}.")
    return redirect("import_confirm", pk=pk)


@never_cache
@require_GET
@allowed("import.view")
def import_detail(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """How far an import is, then what came of it."""
    row = _import(pk)
    if row.unconfirmed:
        return redirect("import_confirm", pk=pk)
    seen = job_for(actor, row.job_id) if row.job_id else None
    done = row.done
    context = {
        "title": row.name,
        "row": row,
        "seen": seen,
        "job": seen.job if seen else None,
        "running": seen is not None and not seen.finished,
        "done": done,
        "report": import_report.of(row) if done else None,
        "error": row.report.get("error", ""),
        "reopen": selectors.reopenable(row) and may(actor, "import.run"),
        "may_run": may(actor, "import.run"),
    }
    request.nav_key = "data"
    return render(request, "crm/import_detail.html", context)


@require_POST
@allowed("import.run")
def import_reopen(request: HttpRequest, actor: Actor, pk: int) -> HttpResponse:
    """Confirm an import that failed or was cancelled once more."""
    try:
        confirming.import_reopen(actor=actor, row=_import(pk))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("import_detail", pk=pk)
    return redirect("import_confirm", pk=pk)


@require_GET
@allowed("import.view")
def data(request: HttpRequest, actor: Actor) -> HttpResponse:
    """What is known, how old it is, what waits."""
    known = selectors.known()
    page = Paginator(selectors.imports(), _ROWS).get_page(request.GET.get("page"))
    if known is None and not page.paginator.count:
        return first_run(request)
    context: dict[str, Any] = {
        "title": "Data",
        "known": known,
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
        "imports": [import_report.line_of(row) for row in page],
        "unconfirmed": selectors.unconfirmed(),
        "waiting": selectors.waiting(),
        "may_run": may(actor, "import.run"),
    }
    return render(request, "crm/data.html", context)
