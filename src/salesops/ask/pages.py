"""The page that answers a question in words."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from salesops.analytics.addresses import reads_address
from salesops.ask import cards
from salesops.ask.answers import QuestionError, answer
from salesops.org.known import PARAMETER, read
from salesops.platform.actors import Actor


@require_safe
@reads_address
def ask(request: HttpRequest, actor: Actor) -> HttpResponseBase:
    """A question in words, how it was understood, and its answer over the reader's own rows."""
    known = read(request.GET.get(PARAMETER, ""))
    text = request.GET.get("q", "").strip()
    shared = {"title": "Ask", "search_query": text[:500], "asked": text, "known": known.text}
    if not text:
        return render(request, "ask/ask.html", {**shared, "examples": cards.examples(known.text)})
    try:
        told = cards.context(answer(actor, text, known=known), known.text)
    except QuestionError as error:
        refused = {
            "problem": str(error),
            "examples": cards.examples(known.text),
            "asked": "",
            "search_query": "",
        }
        return render(request, "ask/ask.html", {**shared, **refused}, status=400)
    return render(request, "ask/ask.html", {**shared, **told})
