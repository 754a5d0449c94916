"""Leads, activities, orders, invoices and payments as an export of one day shows them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesops.simulate import words
from salesops.simulate.accounts import MAX_CONTACTS
from salesops.simulate.activities import CALL, EMAIL, MEETING, Activities
from salesops.simulate.calendar_days import DAY, Ints, end_of
from salesops.simulate.columns import constant, days, flags, instants, integers, money
from salesops.simulate.columns import words as chosen
from salesops.simulate.deals import Deals
from salesops.simulate.headers import frame
from salesops.simulate.ids import ids
from salesops.simulate.leads import STATUSES, Leads
from salesops.simulate.orders import Orders
from salesops.simulate.world import World

LEAD_TASKS = 1 << 40
"""Task numbers of first touches of leads start here, above those of deals."""
_SUBJECTS = ("Call", "Email", "Meeting")


def leads(world: World, deals: Deals, of: Leads, day: int) -> pa.Table:
    """Lead.csv rows of leads created by the day."""
    keep = np.flatnonzero(of.created <= end_of(day))
    n = len(keep)
    number = of.number[keep]
    first, last = words.person_names(number * 29 + 5)
    converted = of.converted[keep] <= end_of(day)
    deal = np.where(converted, of.deal[keep], 0)
    account = deals.account[deal] if len(deals) else deal
    # A lead that became a deal carries that deal's company from the start.
    has_deal = of.deal[keep] >= 0
    theirs = world.accounts.names(deals.account[np.maximum(of.deal[keep], 0)])
    company = pc.if_else(pa.array(has_deal), theirs, words.company_names(words.COMPANY_NAMES - 1 - number))
    local = pc.utf8_lower(pc.binary_join_element_wise(first, last, "."))
    owner = ids("User", world.people.holder(of.seat[keep], np.full(n, end_of(day))))
    created = instants(world.calendar, of.created[keep])
    touched, closed = of.touched[keep], of.closed[keep]
    modified = np.maximum.reduce(
        [of.created[keep], *(np.where(x <= end_of(day), x, 0) for x in (touched, closed, of.converted[keep]))]
    )
    seen = touched <= end_of(day)
    return frame(
        "Lead",
        n,
        {
            "Id": ids("Lead", number),
            "IsDeleted": constant(0, n),
            "FirstName": first,
            "LastName": last,
            "Title": chosen(words.TITLES, number % len(words.TITLES)),
            "Company": company,
            "Country": chosen(world.accounts.country_names, of.country[keep]),
            "Email": pc.binary_join_element_wise(local, words.domains(company), "@"),
            "LeadSource": chosen(words.LEAD_SOURCES, of.source[keep]),
            "Status": chosen(STATUSES, of.status(day)[keep]),
            "Industry": chosen(words.INDUSTRIES, of.industry[keep]),
            "OwnerId": owner,
            "HasOptedOutOfEmail": constant(0, n),
            "IsConverted": flags(converted),
            "ConvertedDate": days(of.converted[keep] // DAY, ~converted),
            "ConvertedAccountId": ids("Account", account, ~converted),
            "ConvertedContactId": ids("Contact", account * MAX_CONTACTS + deals.contact[deal], ~converted),
            "ConvertedOpportunityId": ids("Opportunity", deals.number[deal], ~converted),
            "IsUnreadByOwner": flags(~seen),
            "CreatedDate": created,
            "CreatedById": owner,
            "LastModifiedDate": instants(world.calendar, modified),
            "LastModifiedById": owner,
            "SystemModstamp": instants(world.calendar, modified),
            "LastActivityDate": days(touched // DAY, ~seen),
            "DoNotCall": constant(0, n),
        },
    )


def members(world: World, of: Leads, day: int) -> pa.Table:
    """CampaignMember.csv rows: leads that came through a campaign."""
    keep = np.flatnonzero((of.created <= end_of(day)) & (of.campaign >= 0))
    n = len(keep)
    created = instants(world.calendar, of.created[keep])
    return frame(
        "CampaignMember",
        n,
        {
            "Id": ids("CampaignMember", of.number[keep]),
            "IsDeleted": constant(0, n),
            "CampaignId": ids("Campaign", of.campaign[keep]),
            "LeadId": ids("Lead", of.number[keep]),
            "Status": constant("Responded", n),
            "HasResponded": constant(1, n),
            "FirstRespondedDate": days(of.created[keep] // DAY),
            "CreatedDate": created,
        },
    )


def tasks(world: World, deals: Deals, done: Activities, of: Leads, day: int) -> pa.Table:
    """Task.csv rows: calls and mails about deals, and the first touch of each lead."""
    about = np.flatnonzero(done.known(day) & (done.kind != MEETING))
    touched = np.flatnonzero(of.touched <= end_of(day))
    split, n = len(about), len(about) + len(touched)
    is_lead = np.arange(n) >= split
    kind = np.concatenate([done.kind[about], np.where(of.number[touched] % 2 == 0, CALL, EMAIL)])
    at = np.concatenate([done.at[about], of.touched[touched]])
    number = np.concatenate([done.number[about], LEAD_TASKS + of.number[touched]])
    row = np.concatenate([done.row[about], np.zeros(len(touched), np.int64)])
    lead = np.concatenate([np.zeros(split, np.int64), of.number[touched]])
    user = np.concatenate([done.user[about], world.people.holder(of.seat[touched], of.touched[touched])])
    minutes = np.concatenate([done.minutes[about], np.full(len(touched), 6)])
    when, owner = instants(world.calendar, at), ids("User", user)
    account = deals.account[row]
    who = np.where(is_lead, 0, account * MAX_CONTACTS + deals.contact[row])
    person = pc.if_else(pa.array(is_lead), ids("Lead", lead), ids("Contact", who))
    return frame(
        "Task",
        n,
        {
            "Id": ids("Task", number),
            "WhoId": person,
            "WhatId": ids("Opportunity", deals.number[row], is_lead),
            "Subject": chosen(_SUBJECTS, kind),
            "ActivityDate": days(at // DAY),
            "Status": constant("Completed", n),
            "Priority": constant("Normal", n),
            "OwnerId": owner,
            "Type": chosen(_SUBJECTS, kind),
            "IsDeleted": constant(0, n),
            "AccountId": ids("Account", account, is_lead),
            "IsClosed": constant(1, n),
            "CreatedDate": when,
            "CreatedById": owner,
            "CallDurationInSeconds": integers(minutes * 60, kind != CALL),
            "CallType": chosen(("Outbound",), np.where(kind == CALL, 0, -1)),
            "TaskSubtype": chosen(_SUBJECTS, kind),
            "CompletedDateTime": when,
        },
    )


def events(world: World, deals: Deals, done: Activities, day: int) -> pa.Table:
    """Event.csv rows: meetings about deals."""
    keep = np.flatnonzero(done.known(day) & (done.kind == MEETING))
    n = len(keep)
    row, at = done.row[keep], done.at[keep]
    when, owner = instants(world.calendar, at), ids("User", done.user[keep])
    account = deals.account[row]
    return frame(
        "Event",
        n,
        {
            "Id": ids("Event", done.number[keep]),
            "WhoId": ids("Contact", account * MAX_CONTACTS + deals.contact[row]),
            "WhatId": ids("Opportunity", deals.number[row]),
            "Subject": constant("Meeting", n),
            "ActivityDateTime": when,
            "ActivityDate": days(at // DAY),
            "DurationInMinutes": integers(done.minutes[keep]),
            "StartDateTime": when,
            "EndDateTime": instants(world.calendar, at + done.minutes[keep] * 60),
            "AccountId": ids("Account", account),
            "OwnerId": owner,
            "Type": constant("Meeting", n),
            "IsDeleted": constant(0, n),
            "CreatedDate": when,
            "CreatedById": owner,
            "EventSubtype": constant("Event", n),
        },
    )


def order_tables(world: World, deals: Deals, of: Orders, day: int) -> dict[str, pa.Table]:
    """Order, Invoice and Payment rows that exist by the day."""
    ordered = np.flatnonzero(of.ordered <= day)
    issued = np.flatnonzero((of.issued <= day) & (of.ordered[of.invoice_order] <= day))
    paid = np.flatnonzero(of.paid <= day)
    return {
        "Order": _orders(world, deals, of, ordered),
        "Invoice": _invoices(world, deals, of, issued, day),
        "Payment": _payments(world, deals, of, paid),
    }


def _orders(world: World, deals: Deals, of: Orders, keep: Ints) -> pa.Table:
    n, row = len(keep), of.deal[keep]
    number = deals.number[row]
    final = deals.ending.final_close[row]
    return frame(
        "Order",
        n,
        {
            "Id": ids("Order", number),
            "OwnerId": ids("User", deals.owner.at_rows(row, final)),
            "AccountId": ids("Account", deals.account[row]),
            "OpportunityId": ids("Opportunity", number),
            "OrderNumber": _numbered("SO-", number),
            "EffectiveDate": days(of.ordered[keep]),
            "Status": constant("Activated", n),
            "TotalAmount": money(of.amount[keep]),
            "CurrencyIsoCode": constant(world.parameters.currency, n),
            "IsDeleted": constant(0, n),
            "CreatedDate": instants(world.calendar, final),
        },
    )


def _invoices(world: World, deals: Deals, of: Orders, keep: Ints, day: int) -> pa.Table:
    n, row = len(keep), of.deal[of.invoice_order[keep]]
    paid = of.paid[keep] <= day
    return frame(
        "Invoice",
        n,
        {
            "Id": ids("Invoice", of.invoice_number[keep]),
            "InvoiceNumber": _numbered("INV-", of.invoice_number[keep]),
            "OrderId": ids("Order", deals.number[row]),
            "AccountId": ids("Account", deals.account[row]),
            "InvoiceDate": days(of.issued[keep]),
            "DueDate": days(of.due[keep]),
            "TotalAmount": money(of.invoice_amount[keep]),
            "CurrencyIsoCode": constant(world.parameters.currency, n),
            "Status": chosen(("Open", "Paid"), paid.astype(np.int64)),
            "IsDeleted": constant(0, n),
        },
    )


def _payments(world: World, deals: Deals, of: Orders, keep: Ints) -> pa.Table:
    n, row = len(keep), of.deal[of.invoice_order[keep]]
    return frame(
        "Payment",
        n,
        {
            "Id": ids("Payment", of.invoice_number[keep]),
            "PaymentNumber": _numbered("PAY-", of.invoice_number[keep]),
            "InvoiceId": ids("Invoice", of.invoice_number[keep]),
            "OrderId": ids("Order", deals.number[row]),
            "AccountId": ids("Account", deals.account[row]),
            "PaymentDate": days(of.paid[keep]),
            "Amount": money(of.invoice_amount[keep]),
            "CurrencyIsoCode": constant(world.parameters.currency, n),
            "Status": constant("Processed", n),
            "IsDeleted": constant(0, n),
        },
    )


def _numbered(prefix: str, number: Ints) -> pa.Array:
    text = pc.utf8_lpad(pa.array(number).cast(pa.string()), 8, "0")
    return pc.binary_join_element_wise(pa.repeat(prefix, len(number)), text, "")
