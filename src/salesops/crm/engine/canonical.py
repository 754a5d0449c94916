"""Typed columns as the change log and composed keys write them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def canonical_text(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Values as the change log writes them: ISO days, instants ending in Z, decimals with all their places."""
    array = as_one(values)
    if pa.types.is_string(array.type):
        return array
    if pa.types.is_timestamp(array.type):
        seconds = pc.cast(array, pa.timestamp("s", "UTC"), safe=False)
        return pc.binary_join_element_wise(pc.strftime(seconds, format="%Y-%m-%dT%H:%M:%S"), "Z", "")
    return pc.cast(array, pa.string())


def as_one(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as one array."""
    if not isinstance(values, pa.ChunkedArray):
        return values
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
