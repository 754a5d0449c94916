"""Writes that are asked for under a key run once: asked again, they answer what they answered.

The key is claimed in a transaction of its own before the work begins (the unique constraint decides
between two at once, on every database), and the answer is stored after it. So a repeat after a lost
connection, and two at the same moment, do the work once. Work that ended in an error of the server
frees its key. A claim whose process died stays: nobody can know what became of its work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from salesops.platform.documents import to_json
from salesops.platform.models import IdempotencyKey, User

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEPT = timedelta(hours=24)
MOST_CHARACTERS = 200
NOT_KEPT = "idempotency_body_not_kept"
"""Attribute of an answer whose body must not be stored, because it holds a secret shown once."""

_NO_ANSWER = frozenset({401, 403, 429})
"""Refusals that say nothing of the work: the key stays free."""


def once(
    user: User, request: HttpRequest, work: Callable[[], HttpResponse], powers: str = ""
) -> HttpResponse:
    """Answer a write under its key.

    Args:
        user: whose key it is.
        request: what is asked.
        work: does it.
        powers: of the token that asks; one of other powers does not get the answer.

    Returns:
        What ``work`` answers, or what it answered before (with the header ``Idempotent-Replayed``); 400 for a key
        that is none, 409 while the first is at work, 422 for a key that was used for something else.
    """
    key = request.headers.get(HEADER, "")
    if not key.isascii() or not key.isprintable() or not 0 < len(key) <= MOST_CHARACTERS:
        return _refused(400, f"{HEADER} is 1 to {MOST_CHARACTERS} characters of plain text.")
    digest = digest_of(request, powers)
    row = _claim(user, key, digest)
    if row is None:
        return _earlier(user, key, digest)
    try:
        answer = work()
    except BaseException:
        row.delete()
        raise
    if answer.status_code >= 500 or answer.status_code in _NO_ANSWER or answer.streaming:
        row.delete()
        return answer
    row.status = answer.status_code
    row.body = "" if getattr(answer, NOT_KEPT, False) else answer.content.decode()
    row.save(update_fields=["status", "body"])
    return answer


def digest_of(request: HttpRequest, powers: str = "") -> str:
    """SHA-256 over powers, method, address, query and body; of a form, over its fields and files."""
    total = hashlib.sha256()
    for part in chain([powers.encode()], _parts(request)):
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


def _parts(request: HttpRequest) -> Iterator[bytes]:
    yield f"{request.method} {request.get_full_path()}".encode()
    if not (request.content_type or "").startswith("multipart/"):
        yield request.body
        return
    for name in sorted(request.POST):
        yield name.encode()
        for value in request.POST.getlist(name):
            yield value.encode(errors="surrogatepass")
    for name in sorted(request.FILES):
        for file in request.FILES.getlist(name):
            yield f"{name}/{file.name}".encode(errors="surrogatepass")
            yield from file.chunks()
            file.seek(0)


def _claim(user: User, key: str, digest: str) -> IdempotencyKey | None:
    now = timezone.now()
    IdempotencyKey.objects.filter(created_at__lt=now - KEPT).delete()
    try:
        with transaction.atomic():
            return IdempotencyKey.objects.create(user=user, key=key, request_digest=digest, created_at=now)
    except IntegrityError:
        return None


def _earlier(user: User, key: str, digest: str) -> HttpResponse:
    row = IdempotencyKey.objects.filter(user=user, key=key).first()
    if row is not None and row.request_digest != digest:
        return _refused(422, "This key was used for another request. Take a new key for each write.")
    if row is None or row.status is None:
        answer = _refused(
            409, "The first request with this key is at work, or its outcome is unknown. Ask again."
        )
        answer["Retry-After"] = "1"
        return answer
    if not row.body:
        return _refused(409, "This was done already. Its answer held a secret that is shown once.")
    answer = HttpResponse(row.body, content_type="application/json", status=row.status)
    answer[REPLAYED] = "true"
    return answer


def _refused(status: int, why: str) -> HttpResponse:
    return HttpResponse(to_json({"detail": why}), content_type="application/json", status=status)
