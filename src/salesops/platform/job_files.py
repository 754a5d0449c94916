"""Files that jobs leave: below ``FILES_PATH/jobs``, one folder a job, removed after some days."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.utils import timezone

from salesops.platform.job_states import JobState
from salesops.platform.models import Job

_NAME = re.compile(r"[^A-Za-z0-9._ ()+-]+")
_PIECE = 1024 * 1024


@dataclass(frozen=True)
class ResultFile:
    """One file of a result, as the job's row tells of it."""

    name: str
    content_type: str
    size: int
    sha256: str


def folder_of(job_id: int) -> Path:
    """Where a job's files are."""
    return Path(settings.FILES_PATH) / "jobs" / str(job_id)


def safe_name(name: str) -> str:
    """A file name without folders or characters that any system refuses."""
    plain = _NAME.sub("-", name.replace("\\", "/").rpartition("/")[2]).strip(". -")
    return plain[-120:] or "result"


def clear(job_id: int) -> None:
    """Remove what an earlier attempt left."""
    shutil.rmtree(folder_of(job_id), ignore_errors=True)


@contextmanager
def writing(job_id: int, attempt: int, name: str) -> Iterator[IO[bytes]]:
    """A file to write a result into; it gets its name when the block ends well, and never half of it."""
    folder = folder_of(job_id)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{attempt}.{safe_name(name)}.part"
    try:
        with part.open("wb") as file:
            yield file
        part.replace(folder / safe_name(name))
    finally:
        part.unlink(missing_ok=True)


def described(job_id: int, name: str, content_type: str) -> dict[str, Any]:
    """What the job's row keeps of a file that was written."""
    path = folder_of(job_id) / safe_name(name)
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return asdict(ResultFile(path.name, content_type, path.stat().st_size, digest.hexdigest()))


def files_of(job: Job) -> list[ResultFile]:
    """The files of a job's result, also those that are gone by now."""
    listed = job.result.get("files", ()) if isinstance(job.result, dict) else ()
    return [ResultFile(**entry) for entry in listed]


def path_of(job: Job, file: ResultFile) -> Path | None:
    """Where a result's file is; None where it was removed."""
    path = folder_of(job.pk) / safe_name(file.name)
    return path if path.is_file() else None


def expire() -> int:
    """Remove the files of jobs that ended long ago or are on no record. Returns how many jobs' files went."""
    root, gone = Path(settings.FILES_PATH) / "jobs", 0
    if not root.is_dir():
        return 0
    oldest = timezone.now() - timedelta(days=settings.RESULT_DAYS)
    for folder in root.iterdir():
        if not folder.name.isdecimal():
            continue
        job = Job.objects.filter(pk=int(folder.name)).only("state", "finished_at").first()
        ended = job is not None and job.state not in (JobState.QUEUED, JobState.RUNNING)
        if job is None or (ended and job.finished_at is not None and job.finished_at < oldest):
            shutil.rmtree(folder, ignore_errors=True)
            gone += 1
    return gone
