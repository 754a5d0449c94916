"""The only place of the product that names an engine. Today: DuckDB, over Delta files."""

from salesops.facts.backends.duckdb import Engine, Session, local_date, quoted, text_literal
from salesops.facts.backends.workbench import Workbench

__all__ = ["Engine", "Session", "Workbench", "local_date", "quoted", "text_literal"]
