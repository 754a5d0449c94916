"""The mail of a delivery: tables that read without scripts, style sheets or pictures, and the same in plain text."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string

from salesops.reports.contents import Content
from salesops.ui import formats
from salesops.ui.cells import NUMERIC, cells_of

TIMEOUT = 30
"""Seconds that a mail server may be silent."""


class RefusedError(Exception):
    """The mail server says never."""


class LaterError(Exception):
    """The mail server says not now."""


class UnreachableError(Exception):
    """The mail server can't be reached, does not greet or refuses the account: nobody else need be tried."""


@dataclass(frozen=True)
class Told:
    """What stands beside a delivery's tables.

    Attributes:
        name: of the subscription.
        open_url: where the recipient opens it in the application; "" where no address is known.
        manage_url: where it is unsubscribed.
        whose: whose rows these are, in words.
        finding: what goes with it, as (label, text); empty for none.
    """

    name: str
    open_url: str = ""
    manage_url: str = ""
    whose: str = ""
    finding: Sequence[tuple[str, str]] = ()


def subject_line(told: Told, content: Content) -> str:
    """Name of the subscription, and how much is left out where anything is."""
    text = " ".join(f"{told.name}: {content.title}".split())[:180]
    return f"{text} ({content.share_words})" if content.share_words else text


def said(content: Content, form: str) -> str:
    """What is delivered, in a sentence."""
    if content.left_out:
        return content.left_out
    if content.share_words:
        kept = (
            "are here" if form == "html" else "are in the attached file, which would be too large otherwise"
        )
        return f"{content.share_words} {kept}. Open the page for all of them."
    if form == "html":
        return f"All {content.rows_of:,} rows are here."
    return f"All {content.rows_of:,} rows are in the attached file {content.file_name}."


def _context(told: Told, content: Content, form: str) -> dict[str, Any]:
    return {
        "told": told,
        "content": content,
        "said": said(content, form),
        "data_on": formats.day(content.data_on) if content.data_on else "",
        "tables": [
            {
                "name": table.name,
                "heads": [(c.heading, c.kind in NUMERIC) for c in table.columns],
                "rows": cells_of(table.columns, table.rows),
                "shown": len(table.rows),
                "total": table.total,
            }
            for table in content.tables
        ],
    }


def html_of(told: Told, content: Content, form: str) -> str:
    """The mail as HTML."""
    return render_to_string("reports/letter.html", _context(told, content, form))


def plain_of(told: Told, content: Content, form: str) -> str:
    """The mail as plain text: what it is, what it brings, and its first rows."""
    lines = [content.title, "", said(content, form)]
    lines += [f"{label}: {text}" for label, text in content.filters]
    if content.data_on:
        lines.append(f"Data of {formats.day(content.data_on)}")
    lines += [told.whose] if told.whose else []
    lines += ["", *(f"{label}: {text}" for label, text in told.finding)] if told.finding else []
    for table in content.tables:
        lines += [
            "",
            table.name
            + (f" ({len(table.rows):,} of {table.total:,} rows)" if len(table.rows) < table.total else ""),
        ]
        lines += [" | ".join(c.heading for c in table.columns)]
        lines += [" | ".join(text for text, _ in row) for row in cells_of(table.columns, table.rows)]
    lines += ["", *content.notes] if content.notes else []
    lines += ["", f"Open it: {told.open_url}"] if told.open_url else []
    lines += [f"Unsubscribe: {told.manage_url}"] if told.manage_url else []
    return "\n".join(lines)


def send(address: str, message_id: str, told: Told, content: Content, form: str) -> None:
    """One transaction with the mail server, for one recipient.

    Raises:
        RefusedError: this recipient is refused for good.
        LaterError: this recipient is refused for now, or the server broke off.
        UnreachableError: the server is away, hangs, or refuses the account.
    """
    headers = {"Message-ID": message_id, "Auto-Submitted": "auto-generated"}
    if told.manage_url:
        headers["List-Unsubscribe"] = f"<{told.manage_url}>"
    server = get_connection(settings.SMTP_BACKEND, timeout=TIMEOUT)
    letter = EmailMultiAlternatives(
        subject=subject_line(told, content),
        body=plain_of(told, content, form),
        to=[address],
        headers=headers,
        connection=server,
    )
    letter.attach_alternative(html_of(told, content, form), "text/html")
    if content.data:
        letter.attach(content.file_name, content.data, _plain_type(content.content_type))
    try:
        _open(server)
        letter.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise _sorted(code, words) from error
    except smtplib.SMTPResponseException as error:
        raise _sorted(error.smtp_code, error.smtp_error) from error
    except (smtplib.SMTPException, OSError) as error:
        raise LaterError(f"The mail server broke off: {str(error) or type(error).__name__}") from error
    finally:
        with suppress(OSError):  # what was taken is sent, however the farewell goes
            server.close()


def _open(server: Any) -> None:
    """Reach the mail server, be greeted and sign in."""
    try:
        server.open()
    except smtplib.SMTPAuthenticationError as error:
        raise UnreachableError(f"The mail server refuses the account: {_words(error.smtp_error)}") from error
    except OSError as error:
        raise UnreachableError(
            f"The mail server can't be reached: {str(error) or type(error).__name__}"
        ) from error


def _plain_type(content_type: str) -> str:
    """A type under which the bytes are attached as they are: text would be decoded and encoded anew."""
    kind = content_type.partition(";")[0].strip()
    return "application/octet-stream" if kind.startswith("text/") else kind


def _sorted(code: int, words: bytes | str) -> Exception:
    """4xx means later, 5xx means never."""
    return (RefusedError if code >= 500 else LaterError)(f"{code} {_words(words)}")


def _words(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
