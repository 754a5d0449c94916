"""A large upload is looked at by a job, and listed once even where its worker dies."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from salesops.crm.models import Import
from salesops.platform import jobs
from salesops.platform.models import Job, JobState
from salesops.platform.tests.roles import client_of

pytestmark = pytest.mark.django_db
DEALS = b"Opportunity ID,Opportunity Name,Stage,Amount,Created Date\n006A,One,Prospecting,1.00,2026-01-05\n"


def test_a_large_upload_is_looked_at_by_a_job_and_listed_once(settings: Any) -> None:
    settings.INSPECT_BYTES = 10
    client = client_of("ops_analyst")

    def drop() -> Any:
        return client.post(reverse("import_new"), {"files": [SimpleUploadedFile("deals.csv", DEALS)]})

    answer = drop()
    job = Job.objects.get()
    assert answer["Location"] == reverse("job", args=[job.pk])
    assert drop()["Location"] == answer["Location"], "dropped twice, looked at once"
    assert not Import.objects.exists()
    held = jobs.claim()
    assert held is not None
    jobs.run(held)
    row = Import.objects.get()
    # Its worker died after the import was on record and before the job was: the next one lists none anew.
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, result=None)
    jobs.run_waiting()
    job.refresh_from_db()
    assert (job.state, job.result, Import.objects.count()) == (JobState.DONE, {"import_id": row.pk}, 1)
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert reverse("import_detail", args=[row.pk]) in page
    assert client.get(reverse("import_detail", args=[row.pk]))["Location"] == reverse(
        "import_confirm", args=[row.pk]
    )
