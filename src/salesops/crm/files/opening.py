"""Open whatever people have: one file, a folder, an archive, bytes, or pasted text."""

from __future__ import annotations

from pathlib import Path

from salesops.crm.files.containers import unpack
from salesops.crm.files.delimited import open_delimited
from salesops.crm.files.records import open_json, open_parquet
from salesops.crm.files.sources import Source
from salesops.crm.files.tables import Limits, RawTable, broken
from salesops.crm.files.workbook import open_workbook

_WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".xltx")
_NOT_DATA = (
    ".md",
    ".pdf",
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".svg",
    ".doc",
    ".docx",
    ".ppt",
    ".pptx",
    ".py",
    ".html",
    ".htm",
    ".yaml",
    ".yml",
    ".exe",
    ".dll",
    ".xml",
    ".xes",
    ".license",
    ".toml",
    ".ini",
    ".log",
)


def open_source(source: str | Path | bytes, name: str = "", limits: Limits | None = None) -> list[RawTable]:
    """The tables of a source.

    Args:
        source: a path (file or folder), or the bytes of an uploaded file.
        name: shown name; the path's own name where empty. For bytes its ending says the format
            where the content does not.
        limits: sizes; the defaults of :class:`Limits` where None.

    Returns:
        One table per file or sheet, in name order. What cannot be read is a table without
        columns whose ``problems`` say why: nothing here raises for bad content.

    Raises:
        FileNotFoundError: where a path does not exist.
        FileChangedError: a file was written to while it was opened.
    """
    limits = limits or Limits()
    if isinstance(source, str):
        source = Path(source)
    if isinstance(source, Path):
        if not source.exists():
            raise FileNotFoundError(f"no such file or folder: {source}")
        name = name or source.name
    found = unpack(source, name or "upload", limits)
    tables: list[RawTable] = []
    alone = len(found.files) == 1
    for file in found.files:
        tables.extend(_open_file(file, limits, alone=alone))
        file.check()  # small files have been read to their end by now
    tables.extend(broken(refused, reason, fix) for refused, reason, fix in found.refused)
    if not tables:
        tables.append(
            broken(
                name or "upload", "no files were found inside", "Choose the folder that holds the exports."
            )
        )
    return tables


def open_pasted(text: str, name: str = "pasted table", limits: Limits | None = None) -> list[RawTable]:
    """The table of a text pasted into a page: cells divided by tabs, commas, semicolons or bars."""
    return open_source(text.encode("utf-8"), name, limits)


def _open_file(file: Source, limits: Limits, *, alone: bool) -> list[RawTable]:
    head = file.head(4096)
    suffix = file.suffix
    if not file.size:
        return [broken(file.name, "the file is empty", "Export it again: nothing was written into it.")]
    if head[:4] == b"PAR1":
        return [open_parquet(file, limits)]
    if head[:4] == b"PK\x03\x04" or head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return open_workbook(file, limits)
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if suffix in (".json", ".jsonl", ".ndjson") or (
        start in (b"{", b"[") and suffix not in (".csv", ".tsv", ".txt")
    ):
        return open_json(file, limits)
    if suffix in (".xls", ".xlsx") and b"<" in head[:200]:
        return [
            broken(
                file.name,
                "the file is a web page saved as a spreadsheet",
                "Open it in a spreadsheet program and save it as XLSX, or export CSV.",
                kind="workbook",
            )
        ]
    if suffix in _WORKBOOKS and _binary(head):
        return open_workbook(file, limits)
    if (
        suffix in _NOT_DATA
        or (suffix in ("", ".txt") and _prose(file.name) and not alone)
        or head[:5] == b"%PDF-"
        or start == b"<"
    ):
        return [broken(file.name, "the file is no table", "Nothing to do: it was left out.", severity="note")]
    return [open_delimited(file, limits)]


def _binary(head: bytes) -> bool:
    return b"\x00" in head or sum(b > 126 for b in head) > 0.3 * len(head)


def _prose(name: str) -> bool:
    return Path(name).name.upper().startswith(("LICENSE", "README", "NOTES", "COPYING", "CHANGELOG"))
