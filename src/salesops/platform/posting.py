"""Messages to a Slack or Teams channel, as jobs: sent at least once, never lost in silence.

A channel's address is its secret. It stands in the environment, is never kept with a job, and never shown:
what goes wrong is told without it. A worker that dies between the channel's yes and its own record sends the
message again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import requests
from django.conf import settings
from django.core.exceptions import ValidationError

from salesops.platform import jobs
from salesops.platform.actors import Actor
from salesops.platform.job_kinds import JobKind, Told, add
from salesops.platform.models import Job

TIMEOUT = (5, 15)
"""Seconds until a channel must have taken the connection, and answered."""

MOST_LINES = 60


@dataclass(frozen=True)
class Line:
    """One line of a message; ``href`` makes its text a link, ``after`` follows it in plain text."""

    text: str
    href: str = ""
    after: str = ""


def channels() -> list[str]:
    """Channels that are set up."""
    return [name for name in BODIES if _address(name)]


def title_of(channel: str) -> str:
    """A channel's name for people."""
    return TITLES[channel]


def post(*, actor: Actor, channel: str, title: str, lines: Sequence[Line]) -> Job:
    """Post a message by a job. Inside a transaction it is sent only if that commits.

    Raises:
        ValidationError: no such channel is set up, or the message is too long.
    """
    if channel not in channels():
        raise ValidationError({"channel": f"No {TITLES.get(channel, channel)} channel is set up."})
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], Line(f"and {len(lines) - MOST_LINES} more of {len(lines)}")]
    params = {"channel": channel, "title": title, "lines": [asdict(line) for line in lines]}
    return jobs.enqueue("post", params, actor=actor)


def post_job(
    *, actor: Actor, progress: jobs.Progress, channel: str, title: str, lines: list[dict[str, str]]
) -> dict[str, Any]:
    """Send one message to a channel."""
    name, address = TITLES.get(channel, channel), _address(channel)
    if not address:
        raise ValidationError(f"No {name} channel is set up any more.")
    body = BODIES[channel](title, [Line(**line) for line in lines])
    try:
        answer = requests.post(address, json=body, timeout=TIMEOUT, allow_redirects=False)
    except (requests.Timeout, requests.ConnectionError) as error:
        # Without the error's own words: they name the address.
        raise jobs.RetryError(f"{name} can't be reached ({type(error).__name__}).") from None
    except requests.RequestException as error:
        raise ValidationError(f"The address of {name} can't be used ({type(error).__name__}).") from None
    if answer.status_code == 429 or answer.status_code >= 500:
        raise jobs.RetryError(f"{name} answered {answer.status_code}.")
    if not 200 <= answer.status_code < 300:
        raise ValidationError(f"{name} refuses the message: it answered {answer.status_code}.")
    return {"channel": channel, "title": title, "lines": len(lines)}


def _slack(title: str, lines: Sequence[Line]) -> dict[str, Any]:
    """Slack's own markup: three characters are escaped, links stand in angle brackets."""

    def plain(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def one(line: Line) -> str:
        shown = (
            f"<{plain(line.href)}|{plain(line.text).replace('|', '/')}>" if line.href else plain(line.text)
        )
        return f"• {shown}{plain(line.after)}"

    return {"text": "\n".join([f"*{plain(title)}*", *map(one, lines)])}


def _teams(title: str, lines: Sequence[Line]) -> dict[str, Any]:
    """An adaptive card, as the Workflows webhooks of Teams take it."""

    def plain(text: str) -> str:
        return "".join(f"\\{ch}" if ch in "\\`*_[]()#<>" else ch for ch in text)

    def one(line: Line) -> dict[str, Any]:
        shown = f"[{plain(line.text)}]({line.href})" if line.href else plain(line.text)
        return {"type": "TextBlock", "text": f"{shown}{plain(line.after)}", "wrap": True, "spacing": "Small"}

    head = {"type": "TextBlock", "text": plain(title), "weight": "Bolder", "size": "Medium", "wrap": True}
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [head, *map(one, lines)],
    }
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }


BODIES: dict[str, Callable[[str, Sequence[Line]], dict[str, Any]]] = {"slack": _slack, "teams": _teams}
TITLES = {"slack": "Slack", "teams": "Teams"}


def _address(channel: str) -> str:
    return {"slack": settings.SLACK_WEBHOOK, "teams": settings.TEAMS_WEBHOOK}.get(channel, "")


def told(result: Told) -> list[tuple[str, str]]:
    """What a post's result says."""
    return [("Posted to", TITLES.get(str(result["channel"]), "")), ("Message", str(result["title"]))]


def register() -> None:
    """Make posting known as a kind of job."""
    add(
        JobKind(
            "post", "Message to a channel", post_job, resumes=True, quick=True, most_attempts=8, lines=told
        )
    )
