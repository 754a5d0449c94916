"""Decisions as YAML text: what the settings page and the command line exchange."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml
from django.core.exceptions import ValidationError

MOST_CHARACTERS = 5_000_000


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases: a few nested ones can name more values than memory holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.YAMLError(f"aliases (*name) are not read, line {mark.line + 1}")
        return super().compose_node(parent, index)


def load_plain(text: str) -> Any:
    """Plain values of a YAML text.

    Raises:
        ValueError: it is no YAML, or uses aliases; the message says where.
    """
    try:
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506 (derived from SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from error


def read_documents(text: str) -> list[dict[str, Any]]:
    """Decisions of a YAML text.

    Raises:
        ValidationError: it is no YAML, or no list of decisions; the message says where.
    """
    if len(text) > MOST_CHARACTERS:
        raise ValidationError("The text is longer than 5 million characters.")
    try:
        documents = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 (derived from SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValidationError(f"That is no YAML: {error}") from error
    if documents is None:
        raise ValidationError("There is no decision in this text.")
    if not isinstance(documents, list):
        raise ValidationError("The text must be a list of decisions; each starts with '- kind:'.")
    for number, document in enumerate(documents, start=1):
        if not isinstance(document, dict):
            raise ValidationError(f"Decision {number} must have kind and values, not {document!r:.60}.")
    return documents


def write_documents(documents: Sequence[dict[str, Any]]) -> str:
    """Documents as YAML, in the order and with the keys given."""
    return yaml.safe_dump(list(documents), sort_keys=False, allow_unicode=True)
