"""Reading what people have: files in any usual form, as tables of text."""

from salesops.crm.files.kept_passes import passes
from salesops.crm.files.opening import open_pasted, open_source
from salesops.crm.files.sources import FileChangedError
from salesops.crm.files.survey import survey
from salesops.crm.files.tables import SOURCE_ROW, Dialect, FileProblem, Limits, RawTable

__all__ = [
    "SOURCE_ROW",
    "Dialect",
    "FileChangedError",
    "FileProblem",
    "Limits",
    "RawTable",
    "open_pasted",
    "open_source",
    "passes",
    "survey",
]
