"""Record ids in addresses: any id a CRM or a composed key may have, as one safe part of a path."""

from __future__ import annotations

import base64
import binascii
import re

_PLAIN = re.compile(r"[^\W_][^/\\~\x00-\x1f\x7f-\x9f]*")
_MARK = "~"


class RecordKey:
    """A path converter. A plain id stands as it is; others as ``~`` and their UTF-8 in URL-safe base64.

    Browsers and proxies rewrite some paths (``..``, ``//``, a backslash, spaces at an end) before a
    server sees them; an id with such parts is encoded. A path with slashes that somebody typed is
    taken as the id it looks like.
    """

    regex = ".+"

    def to_python(self, value: str) -> str:
        """The id of a part of a path; raises ValueError, which means there is no such page."""
        if not value.startswith(_MARK):
            return value
        packed = value[len(_MARK) :]
        try:
            padded = packed + "=" * (-len(packed) % 4)
            return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ValueError(value) from error

    def to_url(self, value: object) -> str:
        """The part of a path for an id."""
        text = str(value)
        if _PLAIN.fullmatch(text) and text == text.strip():
            return text
        return _MARK + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
