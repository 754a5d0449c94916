"""Exported tables that do not grow with the deals: users, accounts, contacts, products, campaigns, spend."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesops.simulate import words
from salesops.simulate.accounts import MAX_CONTACTS
from salesops.simulate.calendar_days import DAY, FAR, Bools, Ints
from salesops.simulate.campaigns import TYPES, Campaigns
from salesops.simulate.columns import constant, days, flags, instants, integers, money
from salesops.simulate.columns import words as chosen
from salesops.simulate.headers import frame
from salesops.simulate.ids import ids
from salesops.simulate.people import ROLES
from salesops.simulate.spend import CATEGORIES, Spend
from salesops.simulate.world import World

TITLES = (
    "Sales Development Representative",
    "Account Executive",
    "Account Manager",
    "Sales Manager",
    "Sales Director",
    "VP Sales",
)


def users(world: World, day: int) -> pa.Table:
    """User.csv: everybody hired by the day, with who has left shown inactive."""
    people = world.people
    index = np.flatnonzero(people.hired <= day)
    n = len(index)
    first, last = words.person_names(index)
    name = pc.binary_join_element_wise(first, last, " ")
    domain = words.domains(pa.array([world.parameters.name]))[0].as_py()
    local = pc.utf8_lower(pc.binary_join_element_wise(first, last, "."))
    email = pc.binary_join_element_wise(local, pa.repeat(domain, n), "@")
    hired = people.hired[index] * DAY + 8 * 3_600
    left = people.left[index]
    left = np.where(left <= day, left, FAR)
    teams, regions = people.teams, people.regions
    changed = np.where(left < FAR, np.where(left < FAR, left, 0) * DAY + 18 * 3_600, hired)
    return frame(
        "User",
        n,
        {
            "Id": ids("User", index),
            "Username": email,
            "LastName": last,
            "FirstName": first,
            "Name": name,
            "CompanyName": constant(world.parameters.name, n),
            "Department": constant("Sales", n),
            "Title": chosen(TITLES, people.role[index]),
            "Email": email,
            "IsActive": flags(left >= FAR),
            "TimeZoneSidKey": constant(world.parameters.zone, n),
            "UserType": constant("Standard", n),
            "ManagerId": ids("User", people.manager[index], people.manager[index] < 0),
            "CreatedDate": instants(world.calendar, _after(world, hired)),
            "LastModifiedDate": instants(world.calendar, _after(world, changed)),
            "EmployeeNumber": integers(index + 1_000),
            "Team__c": chosen(teams, people.team[index]),
            "Region__c": chosen(regions, people.region[index]),
            "Sales_Role__c": chosen(ROLES, people.role[index]),
            "Hire_Date__c": days(people.hired[index]),
            "Leave_Date__c": days(left),
        },
    )


def accounts(world: World, index: Ints, day: int, customer: Bools) -> pa.Table:
    """Account.csv rows of the given accounts, which exist by the day."""
    a, calendar, n = world.accounts, world.calendar, len(index)
    names = a.names(index)
    owner = ids("User", world.people.holder(a.seat[index], np.full(n, day * DAY + DAY - 1)))
    created = instants(calendar, a.created[index])
    return frame(
        "Account",
        n,
        {
            "Id": ids("Account", index),
            "IsDeleted": constant(0, n),
            "Name": names,
            "Type": chosen(("Prospect", "Customer"), customer[index].astype(np.int64)),
            "BillingCountry": a.countries(index),
            "Website": words.domains(names),
            "Industry": chosen(words.INDUSTRIES, a.industry[index]),
            "AnnualRevenue": integers(a.revenue[index]),
            "NumberOfEmployees": integers(a.employees[index]),
            "OwnerId": owner,
            "CreatedDate": created,
            "CreatedById": owner,
            "LastModifiedDate": created,
            "LastModifiedById": owner,
            "SystemModstamp": created,
            "CurrencyIsoCode": constant(world.parameters.currency, n),
            "Segment__c": chosen([s.name for s in world.parameters.segments], a.segment[index]),
        },
    )


def contacts(world: World, index: Ints, day: int) -> pa.Table:
    """Contact.csv rows of the given accounts."""
    a = world.accounts
    row = np.repeat(index, a.contacts[index])
    n = len(row)
    ordinal = np.arange(n) - np.repeat(np.cumsum(a.contacts[index]) - a.contacts[index], a.contacts[index])
    number = row * MAX_CONTACTS + ordinal
    first, last = words.person_names(number * 13)
    local = pc.utf8_lower(pc.binary_join_element_wise(first, last, "."))
    owner = ids("User", world.people.holder(a.seat[row], np.full(n, day * DAY + DAY - 1)))
    created = instants(world.calendar, a.created[row])
    return frame(
        "Contact",
        n,
        {
            "Id": ids("Contact", number),
            "IsDeleted": constant(0, n),
            "AccountId": ids("Account", row),
            "FirstName": first,
            "LastName": last,
            "MailingCountry": a.countries(row),
            "Email": pc.binary_join_element_wise(local, words.domains(a.names(row)), "@"),
            "Title": chosen(words.TITLES, number % len(words.TITLES)),
            "OwnerId": owner,
            "HasOptedOutOfEmail": constant(0, n),
            "DoNotCall": constant(0, n),
            "CreatedDate": created,
            "CreatedById": owner,
            "LastModifiedDate": created,
            "LastModifiedById": owner,
            "SystemModstamp": created,
        },
    )


def products(world: World) -> dict[str, pa.Table]:
    """Product2.csv and PricebookEntry.csv."""
    catalogue, n = world.parameters.products, len(world.parameters.products)
    number = np.arange(n, dtype=np.int64)
    names = pa.array([x.name for x in catalogue])
    codes = pa.array([product_code(i) for i in range(n)])
    currency = constant(world.parameters.currency, n)
    created = instants(world.calendar, np.full(n, (world.first - 400) * DAY + 9 * 3_600))
    prices = np.array([x.list_price * 100 for x in catalogue], np.int64)
    return {
        "Product2": frame(
            "Product2",
            n,
            {
                "Id": ids("Product2", number),
                "Name": names,
                "ProductCode": codes,
                "IsActive": constant(1, n),
                "CreatedDate": created,
                "Family": pa.array([x.family for x in catalogue]),
                "IsDeleted": constant(0, n),
                "CurrencyIsoCode": currency,
            },
        ),
        "PricebookEntry": frame(
            "PricebookEntry",
            n,
            {
                "Id": ids("PricebookEntry", number),
                "Name": names,
                "Pricebook2Id": ids("Pricebook2", number * 0),
                "Product2Id": ids("Product2", number),
                "UnitPrice": money(prices),
                "IsActive": constant(1, n),
                "UseStandardPrice": constant(0, n),
                "ProductCode": codes,
                "IsDeleted": constant(0, n),
                "CurrencyIsoCode": currency,
            },
        ),
    }


def product_code(index: int) -> str:
    """The catalogue code of a product."""
    return f"P-{index + 1:03d}"


def campaigns(world: World, planned: Campaigns, day: int) -> pa.Table:
    """Campaign.csv: campaigns that have started by the day."""
    index = np.flatnonzero(planned.starts <= day)
    n = len(index)
    names = [f"{TYPES[planned.type[i]]} {world.calendar.label(int(planned.quarter[i]))}" for i in index]
    over = planned.ends[index] <= day
    return frame(
        "Campaign",
        n,
        {
            "Id": ids("Campaign", index),
            "IsDeleted": constant(0, n),
            "Name": pa.array(names, pa.string()),
            "Type": chosen(TYPES, planned.type[index]),
            "Status": chosen(("In Progress", "Completed"), over.astype(np.int64)),
            "StartDate": days(planned.starts[index]),
            "EndDate": days(planned.ends[index]),
            "BudgetedCost": money(planned.budget[index]),
            "ActualCost": money(planned.cost[index], ~over),
            "IsActive": flags(~over),
            "CurrencyIsoCode": constant(world.parameters.currency, n),
            "CreatedDate": instants(world.calendar, planned.starts[index] * DAY + 9 * 3_600),
        },
    )


def spend(world: World, spent: Spend, day: int) -> pa.Table:
    """Spend.csv: months that have begun by the day."""
    keep = spent.month <= day
    category = spent.category[keep]
    n = len(category)
    return frame(
        "Spend",
        n,
        {
            "Month": days(spent.month[keep]),
            "Function": chosen([c[0] for c in CATEGORIES], category),
            "Category": chosen([c[1] for c in CATEGORIES], category),
            "Segment": chosen([s.name for s in world.parameters.segments], spent.segment[keep]),
            "Amount": money(spent.amount[keep]),
            "Currency": constant(world.parameters.currency, n),
        },
    )


def _after(world: World, moment: Ints) -> Ints:
    """Logins older than the calendar's offsets begin with the CRM itself."""
    return np.maximum(moment, (world.first - 3_000) * DAY + 8 * 3_600)
