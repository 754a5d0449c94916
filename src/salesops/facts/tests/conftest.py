from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from salesops.facts.tests.builders import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "facts")
    yield shop
    shop.store.close()
