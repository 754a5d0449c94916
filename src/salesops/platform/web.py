"""What every page shares: the permission at its door, the 403 page, and services' errors at form fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import wraps
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string

from salesops.facts.errors import EngineError
from salesops.platform import second_person, selectors
from salesops.platform.access import NotAllowedError, require
from salesops.platform.actors import Actor, actor_of
from salesops.platform.reading import one_state

View = Callable[..., HttpResponseBase]

WAITING_HEADER = "X-Salesops-Waiting"
"""Header of an answer: how many decisions of the request wait for a second person."""


def allowed(permission: str, *, post: str = "") -> Callable[[View], View]:
    """A view that only roles with a permission may open; it is called as ``view(request, actor, ...)``.

    Args:
        permission: needed to open the page.
        post: needed as well to send its form; the services check again what they write.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            actor = actor_of(request.user)
            require(actor, permission)
            if post and request.method == "POST":
                require(actor, post)
            return view(request, actor, *args, **kwargs)

        return guarded

    return decorate


class RefusalMiddleware:
    """Stands around every view: one state for what reads, one page for what is refused, a word on what waits.

    It turns :class:`NotAllowedError`, wherever a view or service raised it, into the 403 page, and
    :class:`EngineError`, where numbers can't be computed just now, into a 503 page that says why.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; one that only reads sees one state of facts and decisions throughout.

        One that decides is told what waits for a second person.
        """
        if request.method in ("GET", "HEAD"):
            with one_state():
                return self.get_response(request)
        with second_person.noted() as waiting:
            answer = self.get_response(request)
        if waiting:
            answer[WAITING_HEADER] = str(len(waiting))
            if not request.path.startswith("/api/"):
                messages.warning(request, second_person.words(len(waiting)))
        return answer

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a refusal, leave every other exception alone."""
        if isinstance(exception, EngineError):
            said = {"title": "The engine does not answer", "why": str(exception)}
            return HttpResponse(render_to_string("503.html", said), status=503)
        if not isinstance(exception, NotAllowedError):
            return None
        return render(
            request, "platform/refused.html", {"title": "Not allowed", "why": str(exception)}, status=403
        )


def ways_to_sign_in(request: HttpRequest) -> dict[str, Any]:
    """Context processor: what the sign-in page offers."""
    provider = settings.OIDC_NAME if settings.OIDC_ISSUER and settings.OIDC_CLIENT_ID else ""
    return {"identity_provider": provider, "provider_only": settings.SSO_ONLY}


def apply_errors(form: forms.Form, error: ValidationError, names: Mapping[str, str] | None = None) -> None:
    """Show what a service refused at the form's own fields; what has no field goes above the form.

    Args:
        form: a bound, cleaned form.
        error: from the service.
        names: the service's field names -> the form's, where they differ.
    """
    by_field = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
    for field, found in by_field.items():
        known = (names or {}).get(field, field)
        for message in found:
            if known in form.fields:
                form.add_error(known, message)
            else:
                form.add_error(
                    None, message if field == "__all__" else f"{field.replace('_', ' ')}: {message}"
                )


def warn_overtaken(request: HttpRequest, kind: str, subjects: Sequence[str], starts_on: date | None) -> None:
    """Say so where a decision that starts later makes what was just recorded end soon."""
    later = selectors.overtaken(kind, subjects, starts_on)
    if later:
        whom = f" for {len(later)} of the {len(subjects)}." if len(subjects) > 1 else "."
        first = min(later.values()).isoformat()
        messages.warning(
            request, f"A decision recorded earlier starts on {first} and holds from then on{whom}"
        )


def sent_anew(request: HttpRequest) -> Any:
    """What was sent to decide something new; None for opening the page and for ending a decision."""
    return request.POST if request.method == "POST" and "end" not in request.POST else None


def decided(
    request: HttpRequest, actor: Actor, kind: str, form: forms.Form, decide: Callable[..., Any]
) -> bool:
    """Decide what was sent with a form. True where it was, and the page should be opened anew.

    Args:
        request: of a page of settings.
        actor: who decides.
        kind: of the decision.
        form: bound where this form was sent; what is refused is shown at its fields.
        decide: the service, which takes the form's fields.
    """
    if not form.is_bound or not form.is_valid():
        return False
    try:
        row = decide(actor=actor, **form.cleaned_data)
    except ValidationError as error:
        apply_errors(form, error)
        return False
    if not row.draft:  # what waits for a second person is told by RefusalMiddleware
        messages.success(request, "Recorded.")
    warn_overtaken(request, kind, [row.subject], form.cleaned_data["starts_on"])
    return True


def ended(request: HttpRequest, actor: Actor, end: Callable[..., Any]) -> bool:
    """End the decision whose subject was sent as ``end``. True where the page should be opened anew."""
    if request.method != "POST" or "end" not in request.POST:
        return False
    try:
        row = end(
            actor=actor,
            subject=request.POST["end"],
            starts_on=selectors.data_day(),
            reason=request.POST.get("reason", ""),
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        if row is None or not row.draft:
            messages.success(request, "Ended." if row else "That was not in force any more.")
    return True
