"""The history of one field over many deals at once.

A track holds, per deal, up to C moments and the value the field took at each. Column 0 is the
creation; a change that never happens stands at :data:`~.calendar_days.FAR`. Along a row the
moments that do happen increase strictly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from salesops.simulate.calendar_days import FAR, Ints

NONE = -1
"""A field without a value."""


@dataclass(frozen=True)
class Track:
    """Moments and values, both shaped (deals, changes)."""

    times: Ints
    values: Ints

    @classmethod
    def build(cls, times: Ints, values: Ints) -> Track:
        """A clean track: out-of-order moments and changes that change nothing are dropped."""
        times, values = times.copy(), values.copy()
        last_time, last_value = times[:, 0].copy(), values[:, 0].copy()
        for k in range(1, times.shape[1]):
            keep = (times[:, k] < FAR) & (times[:, k] > last_time) & (values[:, k] != last_value)
            times[~keep, k] = FAR
            last_time = np.where(keep, times[:, k], last_time)
            last_value = np.where(keep, values[:, k], last_value)
        return cls(times, values)

    def column_at(self, limit: Ints | int) -> Ints:
        """Which column is in force at ``limit``; 0 before the creation too."""
        moment = np.broadcast_to(np.asarray(limit, np.int64), (len(self.times),))
        known = self.times <= moment[:, None]
        known[:, 0] = True
        last = self.times.shape[1] - 1 - np.argmax(known[:, ::-1], axis=1)
        return last.astype(np.int64)

    def at(self, limit: Ints | int) -> Ints:
        """The value in force at a moment (one for all, or one per deal)."""
        column = self.column_at(limit)
        return np.take_along_axis(self.values, column[:, None], axis=1)[:, 0]

    def last_time(self, limit: int) -> Ints:
        """The moment of the latest change not after ``limit``."""
        column = self.column_at(limit)
        return np.take_along_axis(self.times, column[:, None], axis=1)[:, 0]

    def changes(self, limit: int) -> Changes:
        """Every change after the creation and not after ``limit``, by deal then time."""
        happened = self.times <= limit
        happened[:, 0] = False
        row, column = np.nonzero(happened)
        time = self.times[row, column]
        old = self.at_rows(row, time - 1)
        return Changes(row.astype(np.int64), column.astype(np.int64), time, old, self.values[row, column])

    def at_rows(self, row: Ints, moment: Ints) -> Ints:
        """The value of the given deals at the given moments."""
        return lookup(self, row, moment)


@dataclass(frozen=True)
class Changes:
    """Changes in long form: deal row, column in the track, moment, old and new value."""

    row: Ints
    column: Ints
    time: Ints
    old: Ints
    new: Ints


def lookup(track: Track, row: Ints, moment: Ints) -> Ints:
    """Value of each (deal row, moment), by binary search over the track's own events."""
    happened = track.times < FAR
    rows, columns = np.nonzero(happened)
    base = int(track.times[:, 0].min()) if len(track.times) else 0
    span = 1 << 40
    keys = rows * span + (track.times[rows, columns] - base)
    wanted = row * span + np.clip(moment - base, 0, span - 1)
    place = np.searchsorted(keys, wanted, side="right") - 1
    # Before its creation a deal has the value it was created with.
    place = np.maximum(place, np.searchsorted(rows, row, side="left"))
    return track.values[rows[place], columns[place]]


def in_order(times: Ints, gap: int = 61) -> Ints:
    """Push moments forward where needed so that those that happen increase along each row."""
    out = times.copy()
    previous = out[:, 0].copy()
    for k in range(1, out.shape[1]):
        happens = out[:, k] < FAR
        out[:, k] = np.where(happens, np.maximum(out[:, k], previous + gap), FAR)
        previous = np.where(happens, out[:, k], previous)
    return out
