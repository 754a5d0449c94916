"""Instants as days of a time zone, on whichever engine runs the expression."""

from salesops.facts.backends import local_date

__all__ = ["local_date"]
