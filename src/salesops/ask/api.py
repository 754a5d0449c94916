"""REST: a question in words."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema

from salesops.analytics.api import KnownAt
from salesops.ask.answers import answer
from salesops.ask.documents import document
from salesops.ask.engine.tokens import MOST_CHARACTERS
from salesops.org import known as known_at
from salesops.platform.rest import actor_of_request, reply, scoped, token_of
from salesops.platform.token_scopes import covers

router = Router(tags=["numbers"])


class AskOut(Schema):
    """How a question was understood, and its answer; what was not understood stands beside it."""

    question: str
    answered: bool
    problem: str
    known_at: datetime | None
    understood: list[dict[str, Any]]
    not_understood: list[str]
    choices: list[dict[str, Any]]
    number: dict[str, Any] | None
    deals: dict[str, Any] | None
    records: dict[str, Any] | None


Words = Annotated[
    str,
    Query(
        description=f"the question in words, at most {MOST_CHARACTERS} characters", max_length=MOST_CHARACTERS
    ),
]


@router.get("/ask", **scoped("numbers.read", AskOut), summary="A question in words")
def ask(request: HttpRequest, q: Words, known: KnownAt = "") -> HttpResponse:
    """Answer a question over the rows that the token's account may see.

    The question is read by fixed rules. Where it can't be told what is asked, ``answered`` is false and
    ``problem`` says why. Lists of deals and records need the scope ``records.read`` as well. ``known_at`` is
    the instant whose knowledge the answer rests on, which a question may also say: "as known on 1 June".
    """
    actor, token = actor_of_request(request), token_of(request)
    may_list = token is not None and covers(token.scopes, "records.read")
    return reply(document(answer(actor, q, may_list=may_list, known=known_at.read(known))))
