"""The panel: one record's flags, next steps and numbers, for a frame in a tab of the CRM.

It is the only page that another site may frame, and only the sites that a setting names. It reads, and
sends nothing: there is no button in it that a site around it could trick somebody into pressing. Who reads
it is who is signed in here, with his own rights; the address holds no secret.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from csp.decorators import csp_replace
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from salesops.analytics.engine.filters import FilterError
from salesops.feeds import panels
from salesops.platform.actors import actor_of
from salesops.process.inputs import NoDataError

MOST_CHARACTERS = 300


@login_not_required
@never_cache
@require_safe
def panel(request: HttpRequest) -> HttpResponse:
    """The panel of ``?record=<id of an opportunity or account in the CRM>``."""
    if not settings.PANEL_ORIGINS:
        return _panel(request)
    answer: HttpResponse = csp_replace({"frame-ancestors": settings.PANEL_ORIGINS})(_panel)(request)
    answer.xframe_options_exempt = True  # type: ignore[attr-defined]  # it knows no list of origins
    return answer


def _panel(request: HttpRequest) -> HttpResponse:
    record = request.GET.get("record", "").strip()
    again = f"{reverse('panel')}?{urlencode({'record': record})}"
    if not request.user.is_authenticated:
        sign_in = f"{reverse(settings.LOGIN_URL)}?{urlencode({'next': again})}"
        return _said(request, 401, "Sign in to salesops to see this record.", sign_in=sign_in, again=again)
    if not record or len(record) > MOST_CHARACTERS:
        return _said(request, 400, "The address of this panel names no record: ?record=<id in the CRM>.")
    try:
        found = panels.panel(actor_of(request.user), record, timezone.now())
    except NoDataError:
        return _said(request, 404, "Nothing has been imported into salesops yet.")
    except LookupError as error:
        return _said(request, 404, str(error))
    except FilterError as error:  # a field that the panel narrows by is hidden from the reader
        return _said(request, 403, f"This panel can't be shown: {error}")
    return render(request, "feeds/panel.html", {"title": found.title, "panel": found})


def _said(request: HttpRequest, status: int, sentence: str, **more: Any) -> HttpResponse:
    context = {"title": "salesops", "sentence": sentence, **more}
    return render(request, "feeds/panel_said.html", context, status=status)
