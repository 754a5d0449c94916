"""Filling the confirm page's form as a browser does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from salesops.crm.models import Import
from salesops.platform import jobs

FORM = "application/x-www-form-urlencoded"


class Fields(HTMLParser):
    """What a browser would send of the form with an id, untouched."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form, self.inside = form, False
        self.pairs: list[tuple[str, str]] = []
        self.select: list[str] | None = None
        self.area: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.inside = given.get("id") == self.form
        if not self.inside or "disabled" in given:
            return
        if tag == "input" and "name" in given:
            ticked = given.get("type") not in ("checkbox", "radio") or "checked" in given
            if ticked:
                self.pairs.append((given["name"], given.get("value", "on")))
        elif tag == "select":
            self.select = [given["name"]]
        elif tag == "option" and self.select is not None:
            if len(self.select) == 1:
                self.select.append(given["value"])  # the first one, unless another is chosen
            if "selected" in given:
                self.select[1] = given["value"]
        elif tag == "textarea":
            self.area = given["name"]
            self.pairs.append((self.area, ""))

    def handle_data(self, data: str) -> None:
        if self.area is not None:
            self.pairs[-1] = (self.area, self.pairs[-1][1] + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select" and self.select is not None:
            self.pairs.append((self.select[0], self.select[1]))
            self.select = None
        elif tag == "textarea":
            self.area = None
        elif tag == "form":
            self.inside = False


def upload(client: Client, *files: tuple[str, str | bytes], **values: str) -> Import:
    """Drop files on the first-run page; returns the import that waits for confirmation."""
    given = [SimpleUploadedFile(n, c.encode() if isinstance(c, str) else c) for n, c in files]
    answer = client.post(reverse("import_new"), {"files": given, **values})
    assert answer.status_code == 302, answer.context["form"].errors
    row = Import.objects.latest("id")
    assert answer["Location"] == reverse("import_confirm", args=[row.pk])
    return row


def sent(
    client: Client, row: Import, changes: Mapping[str, Any] | None = None, drop: Iterable[str] = ()
) -> Any:
    """Send the confirm page as it stands with some fields changed; lists stand for ticked boxes."""
    fields = Fields("confirm")
    fields.feed(client.get(reverse("import_confirm", args=[row.pk])).content.decode())
    changed = {"do": "import", **(changes or {})}
    pairs = [(n, v) for n, v in fields.pairs if n not in changed and n not in set(drop)]
    for name, value in changed.items():
        pairs.extend((name, one) for one in (value if isinstance(value, list) else [value]))
    return client.post(reverse("import_confirm", args=[row.pk]), urlencode(pairs), content_type=FORM)


def imported(client: Client, *files: tuple[str, str | bytes], **changes: Any) -> Import:
    """Drop, confirm, run; returns the import as it ended."""
    row = upload(client, *files)
    answer = sent(client, row, changes)
    assert answer.status_code == 302, answer.content.decode()
    assert jobs.run_waiting() == 1
    row.refresh_from_db()
    return row


def place(row: Import, header: str, number: int = 0) -> int:
    """Position of a header in a file's plan."""
    return [c["header"] for c in row.plan["files"][number]["columns"]].index(header)
