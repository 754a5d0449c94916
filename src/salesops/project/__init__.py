"""Wiring only: settings, URLs, WSGI and the command line."""
