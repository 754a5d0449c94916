"""Addresses of Home, Numbers and, by the include below, Pipeline."""

from __future__ import annotations

from django.urls import include, path

from salesops.analytics import (
    calibration_pages,
    custom_pages,
    inspection_pages,
    movement_pages,
    number_pages,
    outcome_pages,
    pages,
    reconcile_pages,
    replay_pages,
    restated_pages,
    row_pages,
    steward_pages,
    waterfall_pages,
    winloss_pages,
)

urlpatterns = [
    path("", pages.home, name="home"),
    path("changes/", pages.changes, name="changes"),
    path("numbers/", pages.numbers, name="numbers"),
    path("numbers/<slug:name>/", number_pages.number, name="number"),
    path("numbers/<slug:name>/rows/", row_pages.number_rows, name="number_rows"),
    path("numbers/<slug:name>/restated/", restated_pages.number_restated, name="number_restated"),
    path("numbers/<slug:name>/keep/", restated_pages.number_keep_page, name="number_keep"),
    path("numbers/<slug:name>/decide/", steward_pages.number_decide, name="number_decide"),
    path("own-numbers/", custom_pages.own_numbers, name="own_numbers"),
    path("own-numbers/new/", custom_pages.own_number_new, name="own_number_new"),
    path("own-numbers/check/", custom_pages.own_number_check, name="own_number_check"),
    path("own-numbers/<slug:name>/", custom_pages.own_number, name="own_number"),
    path("moved/", movement_pages.moved, name="moved"),
    path("outcomes/", outcome_pages.outcomes_page, name="outcomes"),
    path("replay/", replay_pages.replay, name="replay"),
    path("numbers/<slug:name>/reconcile/", reconcile_pages.reconcile, name="reconcile"),
    path("numbers/<slug:name>/reconcile/<int:pk>/", reconcile_pages.reconciled, name="reconciled"),
    path("waterfall/", waterfall_pages.waterfall, name="waterfall"),
    path("waterfall/<slug:bar>/", waterfall_pages.waterfall_deals, name="waterfall_deals"),
    path("calibration/", calibration_pages.calibrated, name="calibration"),
    path("win-loss/", winloss_pages.winloss_page, name="win_loss"),
    path("pipeline-inspection/", inspection_pages.inspection, name="inspection"),
    path("pipeline-inspection/time-in-stage/", inspection_pages.inspection_stays, name="inspection_stays"),
    path("pipeline-inspection/<slug:line>/", inspection_pages.inspection_deals, name="inspection_deals"),
    # Pipeline, the list and one opportunity: analytics/pipeline_urls.py.
    path("", include("salesops.analytics.pipeline_urls")),
]
