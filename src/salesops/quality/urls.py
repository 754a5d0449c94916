"""Addresses of the fault pages."""

from django.urls import path

from salesops.quality import pages

urlpatterns = [
    path("data/faults/", pages.faults, name="faults"),
    path("data/faults/scan/", pages.scan, name="fault_scan"),
    path("data/faults/repair/", pages.repair, name="fault_repair"),
    path("data/faults/repair/undo/", pages.repair_undo, name="fault_repair_undo"),
    path("data/faults/<str:code>/", pages.fault_rows, name="fault_rows"),
]
