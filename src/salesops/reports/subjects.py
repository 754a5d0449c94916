"""What can be subscribed to: pages that answer with a file, each at an address that the page itself reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.urls import Resolver404, resolve

from salesops.analytics.freezing import Frozen
from salesops.platform import page_files, selectors
from salesops.platform.access import NotAllowedError

SUBJECTS: Mapping[str, str] = {
    "pipeline": "Deals",
    "number": "A number",
    "number_rows": "Rows of a number",
    "numbers": "Numbers",
    "home": "Home",
    "changes": "What changed",
    "monday": "Monday",
    "one_to_one": "One-to-one",
    "waterfall": "Waterfall",
    "waterfall_deals": "Deals of a waterfall's bar",
    "inspection": "Inspection",
    "inspection_deals": "Deals of an inspection's line",
    "moved": "What moved",
    "pipeline_accounts": "Accounts",
    "dashboard": "Dashboard",
    "qbr": "Business review",
}
"""Route -> what people call the page, where it is not the route's own name."""

WITHOUT_FIGURES = frozenset({"fault_rows"})
"""Routes that answer with a file of their own making, not with what their page shows."""

WITH_PDF = frozenset({"qbr"})
"""Routes that answer with a PDF too."""

NOT_KEPT = ("freeze", "export", "format", "later", "page", "panel")
"""Parts of an address that say how a page is looked at, not what it asks."""

MOST_QUERY = 8_000


@dataclass(frozen=True)
class Subject:
    """A page with its question.

    Attributes:
        path, query: its address, without what is not kept.
        name: what people call it.
        pdf: whether it answers with a PDF.
    """

    path: str
    query: str
    name: str
    pdf: bool = False

    @property
    def address(self) -> str:
        """The page as people open it."""
        return f"{self.path}?{self.query}" if self.query else self.path


class NoRowsError(ValidationError):
    """The page is there and has nothing to send, because there is no data yet."""


def subject_at(address: str) -> Subject:
    """The subject of an address.

    Raises:
        ValidationError: it is no address here, or no page that can be sent.
    """
    parts = urlsplit(address.strip())
    if parts.scheme or parts.netloc or not parts.path.startswith("/"):
        raise ValidationError({"page": "Give the address of a page here, such as /pipeline/?status=open."})
    try:
        found = resolve(parts.path)
    except Resolver404:
        raise ValidationError({"page": f"There is no page {parts.path:.200}."}) from None
    route = found.url_name or ""
    if not route or route in WITHOUT_FIGURES or not getattr(found.func, "makes_files", False):
        raise ValidationError({"page": f"The page {parts.path:.200} can't be sent."})
    query = QueryDict(parts.query, mutable=True)
    for key in NOT_KEPT:
        query.pop(key, None)
    text = query.urlencode()
    if len(text) > MOST_QUERY:
        raise ValidationError({"page": "The filters are too long to be kept."})
    name = SUBJECTS.get(route) or route.replace("_", " ").capitalize()
    return Subject(parts.path, text, name, route in WITH_PDF)


def shown(user_id: int, subject: Subject) -> tuple[Frozen, Any]:
    """The page as an account would see it now: what its file says and holds, and its answer, not yet drawn.

    The page's own view reads the address, so whatever it refuses is refused here.

    Raises:
        ValidationError: the account is gone or switched off, or the page refuses; the message says why.
        NoRowsError: there is no data yet.
    """
    user = selectors.account(user_id)
    if user is None or not user.is_active:
        raise ValidationError("The account is switched off or gone.")
    try:
        answer = page_files.answer(user, subject.path, subject.query)
    except NotAllowedError as error:
        raise ValidationError(str(error)) from error
    frozen = getattr(answer, "frozen", None)
    if frozen is None:
        raise NoRowsError("The page has nothing to send: there is no data yet.")
    return frozen, answer


def file_of(user_id: int, subject: Subject, form: str) -> page_files.MadeFile:
    """The page's file as an account would download it at this moment, with what the page says of it.

    Raises:
        ValidationError: as :func:`shown`.
    """
    user = selectors.account(user_id)
    if user is None or not user.is_active:
        raise ValidationError("The account is switched off or gone.")
    query = f"{subject.query}&freeze={form}".lstrip("&")
    try:
        made = page_files.made(user, subject.path, query)
    except NotAllowedError as error:
        raise ValidationError(str(error)) from error
    if made.frozen is None:
        raise ValidationError("The page answers with a file of its own, which can't be sent.")
    return made


def checked(user_id: int, address: str) -> Subject:
    """A subject that an account may see now.

    Raises:
        ValidationError: at ``page``: the address can't be read, or the page is not the account's to see.
    """
    subject = subject_at(address)
    try:
        shown(user_id, subject)
    except NoRowsError:
        return subject
    except ValidationError as error:
        raise ValidationError({"page": error.messages}) from error
    return subject
