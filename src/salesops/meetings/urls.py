"""Addresses of the meetings."""

from django.urls import path

from salesops.meetings import pages

urlpatterns = [
    path("monday/", pages.monday, name="monday"),
    path("monday/with/<path:person_id>/", pages.one_to_one, name="one_to_one"),
    path("monday/held/", pages.held, name="meeting_held"),
    path("monday/note/", pages.note, name="coaching_note"),
    path("actions/", pages.action_items, name="action_items"),
    path("actions/<int:item_id>/", pages.action_change, name="action_change"),
    path("actions/send/", pages.send, name="actions_send"),
]
