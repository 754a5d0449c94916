"""Seeded random streams: one independent generator per topic and chunk.

A topic never draws from another topic's stream, so adding a draw to one leaves the others as
they were.
"""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, topic: str, chunk: int = 0) -> np.random.Generator:
    """The generator of one topic ("deals", "leads", ...) and chunk number under a firm's seed."""
    return np.random.default_rng([seed, zlib.crc32(topic.encode("ascii")), chunk])
