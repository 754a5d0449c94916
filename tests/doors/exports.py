"""A small firm's export, written by the tests that need one."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

DAY = "2026-09-30"
PEOPLE = {"U1": ("Ada North", "U3"), "U2": ("Ben South", "U4"), "U3": ("Cy Lead", ""), "U4": ("Di Lead", "")}
"""Person -> name and manager: two reps in two teams."""

DEALS: Sequence[Mapping[str, str]] = [
    {"Opportunity ID": f"D{n:03}", "Opportunity Name": f"Deal {n}", "Account ID": f"A{n % 3}", "Owner ID": owner,
     "Stage": stage, "Amount": amount, "Created Date": "2026-07-01", "Close Date": close, "Colour": colour}
    for n, (owner, stage, amount, close, colour) in enumerate([
        ("U1", "Closed Won", "1200.50", "2026-08-15", "red"),
        ("U1", "Closed Lost", "300.00", "2026-08-20", "blue"),
        ("U1", "Proposal", "500.25", "2026-11-30", "red"),
        ("U2", "Closed Won", "9000.00", "2026-09-01", "green"),
        ("U2", "Proposal", "", "2026-12-15", "red"),
        ("U2", "Closed Lost", "70.00", "2026-07-31", "blue"),
    ])
]  # fmt: skip


def write(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """One CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_firm(folder: Path) -> Path:
    """Users, accounts and opportunities of the small firm in a folder named for its data date."""
    target = folder / DAY
    target.mkdir(parents=True)
    write(target / "users.csv", [
        {"User ID": key, "Full Name": name, "Email": f"{key.lower()}@example.org", "Manager ID": boss, "Title": "Sales"}
        for key, (name, boss) in PEOPLE.items()
    ])  # fmt: skip
    write(target / "accounts.csv", [
        {"Account ID": f"A{n}", "Account Name": f"Company {n}", "Industry": "Retail", "Owner ID": f"U{n % 2 + 1}"}
        for n in range(3)
    ])  # fmt: skip
    write(target / "opportunities.csv", DEALS)
    return target
