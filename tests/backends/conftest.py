"""As at the doors: a module may share one home. And Spark, once in a process."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.doors.conftest import own_folders

QUICK = {
    "master": "local[2]",
    # Compiling a query's code and its Java costs more here than the rows of a small firm.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
}


@pytest.fixture(scope="session")
def spark_address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder for copies and Spark on this machine; a skip where Spark or Java is missing."""
    if find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed: python3 run.py install --spark")
    if shutil.which("java") is None:
        pytest.skip("no Java on this machine; Spark needs 17 or newer")
    folder: Path = tmp_path_factory.mktemp("spark")
    return f"spark://{folder}?{urlencode(QUICK)}"


__all__ = ["own_folders", "spark_address"]
