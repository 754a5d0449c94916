"""Keeping a home safe: one file that holds it, and an empty home made whole from such a file."""
