"""Addresses of the Ask page and of the assistants' door."""

from django.urls import path

from salesops.ask import mcp_http, pages

urlpatterns = [path("ask/", pages.ask, name="ask"), path("mcp", mcp_http.door, name="mcp")]
