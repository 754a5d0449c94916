"""The accounts a firm sells to, and the duplicates that crept in among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesops.simulate import words
from salesops.simulate.calendar_days import DAY, Ints, day_number, office_second, working_day
from salesops.simulate.parameters import FirmParameters
from salesops.simulate.people import AM, People
from salesops.simulate.streams import stream

MAX_CONTACTS = 4


@dataclass(frozen=True)
class Accounts:
    """Accounts in the order they were created. ``copy_of`` is -1, or the account a duplicate repeats."""

    created: Ints
    seat: Ints
    segment: Ints
    industry: Ints
    country: Ints
    country_variant: Ints
    employees: Ints
    revenue: Ints
    name: Ints
    name_style: Ints
    contacts: Ints
    copy_of: Ints
    country_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.created)

    def names(self, index: Ints) -> pa.Array:
        """Account names as the CRM spells them; a duplicate's spelling differs from the original's."""
        plain = words.company_names(self.name[index])
        style = self.name_style[index]
        if not style.any():
            return plain
        stem = pc.replace_substring_regex(plain, r" \w+$", "")
        upper = pc.utf8_upper(plain)
        comma = pc.replace_substring_regex(plain, r" (\w+)$", r", \1.")
        return pc.choose(pa.array(style), plain, stem, upper, comma)

    def countries(self, index: Ints) -> pa.Array:
        """Country as spelled on the account: its name, or a planted variant."""
        spellings = list(self.country_names)
        start = []
        for name in self.country_names:
            start.append(len(spellings))
            spellings += words.COUNTRY_VARIANTS.get(name, ())
        country, variant = self.country[index], self.country_variant[index]
        place = np.where(variant < 0, country, np.array(start)[country] + np.maximum(variant, 0))
        return pa.array(spellings, pa.string()).take(pa.array(place))


def make_accounts(p: FirmParameters, people: People, seed: int) -> Accounts:
    """Draw the accounts: half of them older than the window, the rest created during it."""
    rng = stream(seed, "accounts")
    originals = max(30, int(p.opportunities * p.accounts_per_opportunity))
    copies = round(originals * p.faults.duplicate_accounts)
    if originals > words.COMPANY_NAMES:
        message = f"no more than {words.COMPANY_NAMES} accounts have distinct names"
        raise ValueError(message)
    first, last = day_number(p.first_day), day_number(p.last_day)
    day = np.where(
        rng.random(originals) < 0.5,
        rng.integers(first - 1_500, first, originals),
        rng.integers(first, last + 1, originals),
    )
    day[: max(10, originals // 10)] = first - 30  # the first deals need somebody to sell to
    seats = people.deal_seats()
    copied = rng.choice(originals, copies, replace=False)
    source = np.concatenate([np.arange(originals), copied])
    is_copy = np.arange(originals + copies) >= originals
    day = day[source]
    day = np.where(is_copy, np.minimum(day + rng.integers(5, 400, len(day)), last), day)
    seat = seats[rng.integers(0, len(seats), originals)][source]
    shares = np.array([s.share for s in p.segments])
    segment = rng.choice(len(shares), originals, p=shares / shares.sum())[source]
    low = np.array([s.employees_from for s in p.segments])[segment]
    high = np.array([s.employees_to for s in p.segments])[segment]
    employees = np.exp(rng.uniform(np.log(low), np.log(high + 1))).astype(np.int64)
    country_names = tuple(dict.fromkeys(c for r in p.regions for c in r.countries))
    country = _countries(p, people, country_names, seat, rng)
    variants = np.array([len(words.COUNTRY_VARIANTS.get(c, ())) for c in country_names])[country]
    spoilt = (rng.random(len(country)) < p.faults.country_variants) & (variants > 0)
    created = working_day(day) * DAY + office_second(rng, len(day))
    order = np.lexsort((np.arange(len(created)), created))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    columns = {
        "created": created,
        "seat": seat,
        "segment": segment,
        "industry": rng.integers(0, len(words.INDUSTRIES), originals)[source],
        "country": country,
        "country_variant": np.where(spoilt, rng.integers(0, np.maximum(variants, 1)), -1),
        "employees": employees[source],
        "revenue": (employees * rng.integers(60, 320, len(employees)) * 1_000)[source],
        "name": source,
        "name_style": np.where(is_copy, rng.integers(1, 4, len(source)), 0),
        "contacts": np.clip(rng.poisson(p.contacts_per_account, len(source)), 1, MAX_CONTACTS),
        "copy_of": np.where(is_copy, place[source], -1),
    }
    return Accounts(
        **{k: np.ascontiguousarray(v[order]).astype(np.int64) for k, v in columns.items()},
        country_names=country_names,
    )


def is_customer_seat(people: People, seat: Ints) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Whether an account managers' seat holds the account, so that its deals are renewals and expansions."""
    return people.seat_role[seat] == AM


def _countries(
    p: FirmParameters, people: People, names: tuple[str, ...], seat: Ints, rng: np.random.Generator
) -> Ints:
    """A country of the seat's region; the first of a region is the most frequent."""
    out = np.zeros(len(seat), np.int64)
    draw = rng.random(len(seat)) ** 1.8
    for r in range(len(people.regions)):
        here = people.seat_region[seat] == r
        choices = np.array([names.index(c) for c in p.regions[r].countries])
        out[here] = choices[(draw[here] * len(choices)).astype(np.int64)]
    return out
