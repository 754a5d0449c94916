"""What is wrong with a rule, in words that say what to write instead."""

from __future__ import annotations


class RuleError(ValueError):
    """A rule that can't be read or asked.

    Attributes:
        message: what is wrong and what to write instead.
        position: place of the first character concerned, from 0; None where there is no one place.
    """

    def __init__(self, message: str, position: int | None = None) -> None:
        self.message = message
        self.position = position
        super().__init__(message if position is None else f"{message} (at character {position + 1})")


class UnknownFieldError(RuleError):
    """A field that the data does not have.

    Attributes:
        name: the field as it was written.
        near: field that was probably meant; "" where none is like it.
    """

    def __init__(self, name: str, near: str, detail: str = "", position: int | None = None) -> None:
        self.name = name
        self.near = near
        meant = f" Did you mean {near}?" if near else ""
        super().__init__(f"There is no field {shortened(name)!r}.{detail}{meant}", position)


def shortened(text: str, most: int = 60) -> str:
    """A text that fits into a message."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
