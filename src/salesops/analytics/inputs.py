"""Facts and decisions as the frames that KPI declarations read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import ibis.expr.types as ir

from salesops.analytics.event_inputs import event_frames
from salesops.core.calendars import Period
from salesops.platform.registries import frame_providers
from salesops.process.inputs import Frames


def engine_frames(frames: Frames, period: Period | None, *, provided: bool = True) -> Mapping[str, ir.Table]:
    """The named frames of :mod:`salesops.analytics.engine.frames` for one reader and period.

    ``deals`` always; what happened to them and beside them where the data has it; whatever higher
    domains provide (quotas), where they have something for the period, unless ``provided`` says no.
    """
    makers: dict[str, Callable[[], ir.Table | None]] = {"deals": lambda: frames.deals}
    makers |= event_frames(frames, period)
    if provided:
        makers |= {name: partial(provide, frames, period) for name, provide in frame_providers.items()}
    return _MadeWhenAsked(makers)


class _MadeWhenAsked(Mapping[str, ir.Table]):
    """Frames by name, each made when somebody looks for it: most questions need one of them."""

    def __init__(self, makers: Mapping[str, Callable[[], ir.Table | None]]) -> None:
        self._makers = makers
        self._made: dict[str, ir.Table | None] = {}

    def _frame(self, name: str) -> ir.Table | None:
        if name not in self._made:
            self._made[name] = self._makers[name]() if name in self._makers else None
        return self._made[name]

    def __getitem__(self, name: str) -> ir.Table:
        frame = self._frame(name)
        if frame is None:
            raise KeyError(name)
        return frame

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._makers if self._frame(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)
