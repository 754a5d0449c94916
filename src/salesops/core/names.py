"""Names of people, companies and products as they are compared."""

from __future__ import annotations


def folded(name: str) -> str:
    """A name as it is compared: case and runs of white space do not matter; spelling does."""
    return " ".join(name.split()).casefold()
