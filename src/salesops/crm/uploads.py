"""Files as uploaded, kept under their content's digest in a folder of their own."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError


def safe_name(name: str) -> str:
    """A file name without folders or characters that any system refuses."""
    plain = re.sub(r"[^\w.() +-]+", "_", Path(name.replace("\\", "/")).name).strip(". ")
    return plain[-150:] or "upload"


def keep(name: str, chunks: Iterable[bytes]) -> Path:
    """Write an upload to the home; returns its path. The same content under the same name is kept once.

    Raises:
        ValidationError: it is larger than SALESOPS_MAX_UPLOAD_BYTES; nothing is kept.
    """
    settings.UPLOADS_PATH.mkdir(parents=True, exist_ok=True)
    part = settings.UPLOADS_PATH / f"{uuid.uuid4().hex}.part"
    digest, size = hashlib.sha256(), 0
    try:
        with part.open("wb") as file:
            for chunk in chunks:
                size += len(chunk)
                if size > settings.MAX_UPLOAD_BYTES:
                    limit = settings.MAX_UPLOAD_BYTES // 1024**2
                    raise ValidationError(f"The file is larger than {limit} MB. Import it with the command line.")
                digest.update(chunk)
                file.write(chunk)
        folder = settings.UPLOADS_PATH / digest.hexdigest()[:32]
        folder.mkdir(exist_ok=True)
        path = folder / safe_name(name)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
