"""Watched mailboxes over IMAP: mails of known senders, and their attachments."""

from __future__ import annotations

import email
import fnmatch
import hashlib
import imaplib
import re
import ssl
from collections.abc import Sequence
from email import policy
from email.message import EmailMessage
from email.utils import parseaddr, parsedate_to_datetime
from types import TracebackType
from typing import Self

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
KINDS = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".zip")
"""Attachments that may hold a report."""

SECONDS = 60
_SENDERS_AT_ONCE = 20
"""Senders named in one search: servers limit the length of a command."""

_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


class MailboxError(OSError):
    """The mailbox can't be read; the message says why."""


class LetterError(MailboxError):
    """The server refused one mail; the others can be read."""


class Mailbox:
    """An open mailbox. Reading marks nothing; :meth:`mark_seen` does.

    Args:
        host, port: of the IMAP server.
        tls: encrypted from the first byte; plain is for this machine only.
        user, password: the account.
        folder: usually INBOX.
    """

    def __init__(
        self, host: str, port: int, *, tls: bool, user: str, password: str, folder: str = "INBOX"
    ) -> None:
        if not tls and host not in LOOPBACK:
            raise MailboxError("A mailbox on another machine is read over TLS only.")
        self.address = (host, port)
        self.tls, self.user, self.password, self.folder = tls, user, password, folder

    def __enter__(self) -> Self:
        host, port = self.address
        try:
            if self.tls:
                context = ssl.create_default_context()
                self.server: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                    host, port, ssl_context=context, timeout=SECONDS
                )
            else:
                self.server = imaplib.IMAP4(host, port, timeout=SECONDS)
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxError(f"The mail server {host}:{port} can't be reached: {error}") from error
        try:
            self._ask("login", _quoted(self.user), self.password)
            self._ask("select", _quoted(self.folder))
        except MailboxError:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        try:
            self.server.logout()
        except (OSError, imaplib.IMAP4.error):
            return

    def _ask(self, command: str, *arguments: str) -> list[object]:
        try:
            status, answer = getattr(self.server, command)(*arguments)
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxError(f"The mail server answered: {error}") from error
        if status != "OK":
            raise MailboxError(f"The mail server answered: {_said(status, answer)}")
        return list(answer)

    def unseen(self, senders: Sequence[str]) -> list[str]:
        """Numbers of the mails that nobody has read and that may be of these senders, oldest first.

        The server looks for the senders, so that the mails of others are not even asked for. What it finds
        may be more than what :func:`wanted` takes: it compares parts of texts.

        Args:
            senders: addresses, or @domain.
        """
        found: set[int] = set()
        for start in range(0, len(senders), _SENDERS_AT_ONCE):
            answer = self._ask("uid", "SEARCH", "UNSEEN", *_of(senders[start : start + _SENDERS_AT_ONCE]))
            found |= {int(number) for part in answer if isinstance(part, bytes) for number in part.split()}
        return [str(number) for number in sorted(found)]

    def _fetch(self, number: str, what: str) -> tuple[bytes, bytes]:
        try:
            status, parts = self.server.uid("FETCH", number, what)
        except (OSError, imaplib.IMAP4.error) as error:
            raise MailboxError(f"The mail server answered: {error}") from error
        if status != "OK":
            raise LetterError(f"The mail server answered: {_said(status, parts)}")
        told, content = b"", b""
        for part in parts:
            if isinstance(part, tuple):
                told, content = told + part[0], part[1]
            elif isinstance(part, bytes):
                told += part  # some servers say the size after the text
        return told, content

    def head(self, number: str) -> tuple[EmailMessage, int]:
        """A mail's header and its size in bytes."""
        told, content = self._fetch(number, "(RFC822.SIZE BODY.PEEK[HEADER])")
        size = _SIZE.search(told)
        return _message(content), int(size[1]) if size else 0

    def letter(self, number: str) -> EmailMessage:
        """A whole mail."""
        return _message(self._fetch(number, "(BODY.PEEK[])")[1])

    def mark_seen(self, number: str) -> None:
        """Say that a mail was dealt with."""
        self._ask("uid", "STORE", number, "+FLAGS", r"(\Seen)")


def _said(status: str, answer: Sequence[object]) -> str:
    first = answer[0] if answer else None
    return first.decode(errors="replace") if isinstance(first, bytes) else status


def _of(senders: Sequence[str]) -> list[str]:
    """Search keys for mails of any of these senders; none, for all mails, where IMAP's ASCII can't name one.

    A domain is named without its @: some servers look for whole words.
    """
    if not all(one.isascii() for one in senders):
        return []
    keys = [f"FROM {_quoted(one.removeprefix('@'))}" for one in senders]
    return ["OR"] * (len(keys) - 1) + keys


def _quoted(text: str) -> str:
    if any(ord(ch) < 32 or ord(ch) == 127 for ch in text):
        raise MailboxError("A control character stands in the account's or the mailbox's name.")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _message(content: bytes) -> EmailMessage:
    made = email.message_from_bytes(content, policy=policy.default)
    assert isinstance(made, EmailMessage)  # the policy says so
    return made


def _header(letter: EmailMessage, name: str) -> str:
    """A header as text; a malformed one is whatever can be read of it."""
    try:
        return str(letter.get(name, "") or "")
    except Exception:  # noqa: BLE001 - the standard library's parser fails in many ways on bad headers
        return ""


def sender_of(letter: EmailMessage) -> str:
    """The address a mail says it comes from, in lower case."""
    return parseaddr(_header(letter, "From"))[1].lower()


def subject_of(letter: EmailMessage) -> str:
    """A mail's subject on one line."""
    return " ".join(_header(letter, "Subject").split())


def id_of(letter: EmailMessage) -> str:
    """A mail's Message-ID; of one without, a digest of its header."""
    own = " ".join(_header(letter, "Message-ID").split())
    if own:
        return own[:300]
    return f"<{hashlib.sha256(letter.as_bytes()).hexdigest()}@no-message-id>"


def sent_ns(letter: EmailMessage) -> int | None:
    """When a mail says it was sent, in nanoseconds since 1970; None where it says nothing that can be true."""
    try:
        sent = parsedate_to_datetime(_header(letter, "Date"))
        return int(sent.timestamp()) * 10**9 if 1971 <= sent.year < 2200 else None
    except (TypeError, ValueError, OverflowError):
        return None


def wanted(letter: EmailMessage, senders: Sequence[str], subject: str) -> bool:
    """Whether a mail is of a known sender and its subject fits the words asked for."""
    sender = sender_of(letter)
    known = any(
        sender.endswith(one.lower()) if one.startswith("@") else sender == one.lower()
        for one in senders
        if one
    )
    words = (subject or "*").casefold()
    return bool(sender) and known and fnmatch.fnmatch(subject_of(letter).casefold(), words)


def attachments(letter: EmailMessage) -> list[tuple[str, bytes]]:
    """Name and content of what may hold a report."""
    found = []
    for part in letter.walk():
        if part.is_multipart():
            continue
        name = part.get_filename() or ""
        if name.lower().endswith(KINDS):
            content = part.get_payload(decode=True)
            found.append((name, content if isinstance(content, bytes) else b""))
    return found
