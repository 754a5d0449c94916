"""What a simulated firm is like: one frozen value, with defaults for a mid-sized firm.

Every rate is a fraction (0.05 = 5 %), every duration is in days, every amount is in whole units
of the firm's currency unless its name says cents.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

DEALS_PER_REP = 150
"""Opportunities per rep over the whole window, where only one of the two is given."""


@dataclass(frozen=True)
class Segment:
    """One size class of customers. ``cycle_days`` and ``amount`` are medians of lognormals."""

    name: str
    share: float
    amount: int
    amount_spread: float
    cycle_days: float
    cycle_spread: float
    win_rate: float
    employees_from: int
    employees_to: int


@dataclass(frozen=True)
class Region:
    """One sales region: its share of reps, and the countries of its accounts."""

    name: str
    share: float
    countries: tuple[str, ...]


@dataclass(frozen=True)
class Product:
    """One product of the catalogue; ``list_price`` in whole units for one unit."""

    name: str
    family: str
    list_price: int


@dataclass(frozen=True)
class Shift:
    """A level that changes on a day and stays changed: multiply by ``factor`` from ``starts``."""

    starts: date
    factor: float


@dataclass(frozen=True)
class FaultRates:
    """How often each known fault is planted, as a share of the records it can befall."""

    duplicate_accounts: float = 0.015
    product_variants: float = 0.05
    missing_amounts: float = 0.015
    neglected_close_dates: float = 0.02
    inactive_owners: float = 0.15
    missing_loss_reasons: float = 0.12
    country_variants: float = 0.04
    missing_next_steps: float = 0.25


@dataclass(frozen=True)
class FirmParameters:
    """Everything that shapes a simulated firm.

    ``reps`` are today's seats of SDRs, AEs and AMs together. ``opportunities`` is the number of
    deals created between ``first_day`` and ``last_day``; ``last_day`` is the data date of the
    export. ``export_dates`` are earlier days for which the export of that day is written too.
    """

    name: str = "Demo firm"
    currency: str = "USD"
    zone: str = "America/New_York"
    fiscal_start_month: int = 1
    first_day: date = date(2023, 11, 1)
    last_day: date = date(2026, 10, 31)
    export_dates: tuple[date, ...] = ()

    reps: int = 40
    opportunities: int = 6_000
    span_of_control: int = 7
    sdr_share: float = 0.2
    am_share: float = 0.2
    attrition: float = 0.15
    ramp_days: int = 180

    segments: tuple[Segment, ...] = (
        Segment("SMB", 0.55, 6_500, 0.7, 32.0, 0.6, 0.27, 5, 99),
        Segment("Mid-market", 0.33, 28_000, 0.75, 62.0, 0.55, 0.22, 100, 999),
        Segment("Enterprise", 0.12, 120_000, 0.85, 118.0, 0.5, 0.18, 1_000, 40_000),
    )
    regions: tuple[Region, ...] = (
        Region("North America", 0.5, ("United States", "Canada")),
        Region("EMEA", 0.32, ("United Kingdom", "Germany", "France", "Netherlands", "Spain")),
        Region("APAC", 0.18, ("Australia", "Japan", "Singapore", "India")),
    )
    products: tuple[Product, ...] = (
        Product("Atlas Core", "Atlas", 120),
        Product("Atlas Plus", "Atlas", 260),
        Product("Atlas Enterprise", "Atlas", 640),
        Product("Beacon Insight", "Beacon", 180),
        Product("Beacon Analytics", "Beacon", 420),
        Product("Harbor Connect", "Harbor", 90),
        Product("Harbor Secure", "Harbor", 310),
        Product("Onboarding Services", "Services", 1_400),
    )

    growth: float = 0.18
    month_in_quarter: tuple[float, ...] = (0.9, 1.0, 1.15)
    summer_dip: float = 0.85
    demand_shock: Shift | None = Shift(date(2025, 3, 3), 0.85)
    win_rate_shift: Shift | None = Shift(date(2026, 2, 2), 0.9)
    ghost_share: float = 0.07
    quarter_end_pull: float = 0.35
    push_to_quarter_end: float = 0.4
    pull_in_share: float = 0.25
    stage_skip: float = 0.08
    stage_back: float = 0.05
    reopen_share: float = 0.02
    transfer_share: float = 0.03
    amount_change_share: float = 0.35
    discount_share: float = 0.3

    accounts_per_opportunity: float = 0.45
    contacts_per_account: float = 1.6
    leads_per_opportunity: float = 0.8
    lead_deal_share: float = 0.3
    lead_response_minutes: float = 95.0
    lead_untouched: float = 0.12
    activities_per_month: float = 1.6
    quota_stretch: float = 1.05
    report_rows: int = 10_000

    faults: FaultRates = field(default_factory=FaultRates)

    def __post_init__(self) -> None:
        if self.reps < 2 or self.opportunities < 1:
            message = "a firm needs at least 2 reps and 1 opportunity"
            raise ValueError(message)
        if not self.first_day + timedelta(days=180) <= self.last_day:
            message = "first_day must be at least 180 days before last_day"
            raise ValueError(message)
        if (self.last_day - self.first_day).days > 3_650:
            message = "a simulation covers ten years at most"
            raise ValueError(message)
        if any(not self.first_day < day < self.last_day for day in self.export_dates):
            message = "export_dates must lie between first_day and last_day"
            raise ValueError(message)
        if not self.segments or not self.regions or not self.products:
            message = "a firm needs at least one segment, one region and one product"
            raise ValueError(message)

    @property
    def years(self) -> float:
        """Length of the window in years."""
        return ((self.last_day - self.first_day).days + 1) / 365.25

    def scaled(self, reps: int | None = None, opportunities: int | None = None) -> FirmParameters:
        """The same firm in another size; the size that is not given follows the other."""
        if reps is None and opportunities is None:
            return self
        if reps is None:
            reps = min(5_000, max(5, (opportunities or 0) // DEALS_PER_REP))
        if opportunities is None:
            opportunities = reps * DEALS_PER_REP
        return replace(self, reps=reps, opportunities=opportunities)

    def to_dict(self) -> dict[str, Any]:
        """Plain values (dates as ISO text, tuples as lists), as the YAML file holds them."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> FirmParameters:
        """Build from plain values, checked against the JSON Schema.

        Raises:
            ValueError: an unknown name, a wrong type or a value out of range, with its place.
        """
        import jsonschema

        plain = _plain(data)
        problems = sorted(
            jsonschema.Draft202012Validator(parameters_schema()).iter_errors(plain),
            key=lambda e: list(e.path),
        )
        if problems:
            raise ValueError(
                "; ".join(f"{'.'.join(map(str, e.path)) or 'file'}: {e.message}" for e in problems)
            )
        built = _build(cls, plain)
        assert isinstance(built, cls)
        return built

    @classmethod
    def from_yaml(cls, path: Path) -> FirmParameters:
        """Read a ``firm.yaml``; what it leaves out keeps its default."""
        import yaml

        loaded = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if not isinstance(loaded, dict):
            message = f"{path.name}: expected a mapping of parameter names"
            raise ValueError(message)  # noqa: TRY004 - the file is wrong, not the caller
        return cls.from_dict(loaded)


def parameters_schema() -> dict[str, Any]:
    """The JSON Schema of ``firm.yaml``, derived from :class:`FirmParameters`."""
    schema = _schema(FirmParameters)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Parameters of a simulated firm"
    limits = schema["properties"]
    for name in (
        "sdr_share", "am_share", "attrition", "ghost_share", "quarter_end_pull", "push_to_quarter_end",
        "pull_in_share", "stage_skip", "stage_back", "reopen_share", "transfer_share", "amount_change_share",
        "discount_share", "lead_deal_share", "lead_untouched",
    ):  # fmt: skip
        limits[name] |= {"minimum": 0, "maximum": 1}
    for rate in limits["faults"]["properties"].values():
        rate |= {"minimum": 0, "maximum": 1}
    limits["reps"] |= {"minimum": 2, "maximum": 20_000}
    limits["opportunities"] |= {"minimum": 1, "maximum": 20_000_000}
    limits["fiscal_start_month"] |= {"minimum": 1, "maximum": 12}
    limits["month_in_quarter"] |= {"minItems": 3, "maxItems": 3}
    limits["currency"] |= {"pattern": "^[A-Z]{3}$"}
    return schema


def _schema(kind: Any) -> dict[str, Any]:
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        required = [] if kind in (FirmParameters, FaultRates) else [f.name for f in fields(kind)]
        return {
            "type": "object",
            "additionalProperties": False,
            "required": required,
            "properties": {f.name: _schema(hints[f.name]) for f in fields(kind)},
        }
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _schema(get_args(kind)[0])}
    if get_origin(kind) in (Union, UnionType):
        return {"anyOf": [_schema(k) for k in get_args(kind)]}
    simple: dict[Any, dict[str, Any]] = {
        str: {"type": "string"},
        int: {"type": "integer"},
        float: {"type": "number"},
        date: {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
        type(None): {"type": "null"},
    }
    return dict(simple[kind])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value


def _build(kind: Any, value: Any) -> Any:
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{name: _build(hints[name], v) for name, v in value.items()})  # type: ignore[operator]
    if get_origin(kind) is tuple:
        return tuple(_build(get_args(kind)[0], v) for v in value)
    if get_origin(kind) in (Union, UnionType):
        if value is None:
            return None
        return _build(next(k for k in get_args(kind) if k is not type(None)), value)
    if kind is date:
        return date.fromisoformat(value)
    return float(value) if kind is float else value
