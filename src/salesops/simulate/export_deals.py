"""Opportunities and their lines as an export of one day shows them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salesops.simulate import words
from salesops.simulate.accounts import MAX_CONTACTS
from salesops.simulate.calendar_days import DAY, Ints
from salesops.simulate.columns import constant, days, flags, instants, integers, money
from salesops.simulate.columns import words as chosen
from salesops.simulate.deals import Deals
from salesops.simulate.endings import TYPES
from salesops.simulate.export_base import product_code
from salesops.simulate.headers import frame
from salesops.simulate.ids import ids
from salesops.simulate.stages import CATEGORY, CATEGORY_CODE, LOST, PROBABILITY, STAGES, WON
from salesops.simulate.state import DealState
from salesops.simulate.tracks import NONE
from salesops.simulate.world import World


def opportunities(world: World, deals: Deals, state: DealState, last_activity: Ints) -> pa.Table:
    """Opportunity.csv rows of the deals known on the state's day."""
    keep = np.flatnonzero(state.known)
    n = len(keep)
    stage, amount = state.stage[keep], state.amount[keep]
    closed = stage >= WON
    no_amount = amount == NONE
    owner, account = deals.owner.values[keep, 0], deals.account[keep]
    modified = instants(world.calendar, state.modified[keep])
    created = instants(world.calendar, deals.created[keep])
    current_owner = ids("User", state.owner[keep])
    creator = ids("User", owner)
    chance = np.array(PROBABILITY, np.int64)[stage]
    quarter = world.calendar.quarter(state.close_day[keep])
    years, parts = _fiscal(world, quarter)
    loses_reason = (stage != LOST) | deals.no_loss_reason[keep]
    has_lines = ~deals.lines.unknown[keep]
    return frame(
        "Opportunity",
        n,
        {
            "Id": ids("Opportunity", deals.number[keep]),
            "IsDeleted": constant(0, n),
            "AccountId": ids("Account", account),
            "IsPrivate": constant(0, n),
            "Name": deal_names(world, deals, keep),
            "StageName": chosen(STAGES, stage),
            "StageSortOrder": integers(stage + 1),
            "Amount": money(np.where(no_amount, 0, amount), no_amount),
            "Probability": integers(chance),
            "ExpectedRevenue": money(expected(amount, chance), no_amount),
            "TotalOpportunityQuantity": integers(
                np.where(has_lines, _units(deals, state)[keep], 0), ~has_lines
            ),
            "CloseDate": days(state.close_day[keep]),
            "Type": chosen(TYPES, deals.kind[keep]),
            "NextStep": chosen(words.NEXT_STEPS, deals.next_step[keep], closed | deals.no_next_step[keep]),
            "LeadSource": chosen(words.LEAD_SOURCES, deals.source[keep]),
            "IsClosed": flags(closed),
            "IsWon": flags(stage == WON),
            "ForecastCategory": chosen(CATEGORY_CODE, stage),
            "ForecastCategoryName": chosen(CATEGORY, stage),
            "HasOpportunityLineItem": flags(has_lines),
            "Pricebook2Id": ids("Pricebook2", np.zeros(n, np.int64)),
            "OwnerId": current_owner,
            "CreatedDate": created,
            "CreatedById": creator,
            "LastModifiedDate": modified,
            "LastModifiedById": current_owner,
            "SystemModstamp": modified,
            "LastActivityDate": days(last_activity[keep]),
            "LastStageChangeDate": instants(world.calendar, state.stage_since[keep]),
            "FiscalYear": integers(years),
            "FiscalQuarter": integers(parts),
            "ContactId": ids("Contact", account * MAX_CONTACTS + deals.contact[keep]),
            "CurrencyIsoCode": constant(world.parameters.currency, n),
            "Product__c": product_text(world, deals, keep),
            "Region__c": chosen(world.people.regions, world.people.seat_region[deals.seat[keep]]),
            "Loss_Reason__c": chosen(words.LOSS_REASONS, deals.loss_reason[keep], loses_reason),
            "Competitor__c": chosen(words.COMPETITORS, np.where(stage >= 3, deals.competitor[keep], -1)),
            "First_Interaction_Date__c": days(deals.first_interaction[keep]),
        },
    )


def deal_names(world: World, deals: Deals, rows: Ints) -> pa.Array:
    """``Account - Product 2026-03``."""
    product = chosen([x.name for x in world.parameters.products], deals.lines.product[rows])
    month = pa.array(np.datetime_as_string((deals.created[rows] // DAY).astype("datetime64[D]"), unit="M"))
    tail = pc.binary_join_element_wise(product, month.cast(pa.string()), " ")
    return pc.binary_join_element_wise(world.accounts.names(deals.account[rows]), tail, " - ")


def product_text(world: World, deals: Deals, rows: Ints) -> pa.Array:
    """The main product as the rep typed it: the catalogue's spelling or a planted variant."""
    catalogue = [x.name for x in world.parameters.products]
    spellings = catalogue + [variant_of(name) for name in catalogue]
    index = deals.lines.product[rows] + np.where(deals.product_variant[rows], len(catalogue), 0)
    return chosen(spellings, index, deals.lines.unknown[rows])


def variant_of(name: str) -> str:
    """How a hurried rep spells a product: without its spaces, or in lower case where it has none."""
    joined = name.replace(" ", "")
    return joined if joined != name else name.lower()


def expected(amount: Ints, chance: Ints) -> Ints:
    """Amount times percent, in cents, half up; 0 where there is no amount."""
    return np.where(amount == NONE, 0, (amount * chance + 50) // 100)


def line_items(world: World, deals: Deals, state: DealState) -> pa.Table:
    """OpportunityLineItem.csv rows; per deal they sum to the amount of the state's day."""
    lines = deals.lines
    main = np.flatnonzero(state.known & ~lines.unknown)
    more = np.flatnonzero(state.known & ~lines.unknown & (lines.second_units > 0))
    version = state.amount_version
    row = np.concatenate([main, more])
    second = np.concatenate([np.zeros(len(main), bool), np.ones(len(more), bool)])
    product = np.where(second, lines.second_product[row], lines.product[row])
    units = np.where(second, lines.second_units[row], lines.units[row, version[row]])
    price = np.where(second, lines.second_price[row], lines.price[row, version[row]])
    listed = np.where(second, lines.second_list[row], lines.list_price[row])
    order = np.lexsort((second, row))
    row, second, product, units, price, listed = (
        x[order] for x in (row, second, product, units, price, listed)
    )
    n = len(row)
    created = instants(world.calendar, deals.created[row])
    names = [x.name for x in world.parameters.products]
    return frame(
        "OpportunityLineItem",
        n,
        {
            "Id": ids("OpportunityLineItem", deals.number[row] * 2 + second),
            "OpportunityId": ids("Opportunity", deals.number[row]),
            "SortOrder": integers(second.astype(np.int64) + 1),
            "PricebookEntryId": ids("PricebookEntry", product),
            "Product2Id": ids("Product2", product),
            "ProductCode": chosen([product_code(i) for i in range(len(names))], product),
            "Name": chosen(names, product),
            "Quantity": money(units * 100),
            "TotalPrice": money(units * price),
            "UnitPrice": money(price),
            "ListPrice": money(listed),
            "CreatedDate": created,
            "LastModifiedDate": instants(
                world.calendar, np.maximum(state.amount_since[row], deals.created[row])
            ),
            "IsDeleted": constant(0, n),
            "CurrencyIsoCode": constant(world.parameters.currency, n),
        },
    )


def _units(deals: Deals, state: DealState) -> Ints:
    main = np.take_along_axis(deals.lines.units, state.amount_version[:, None], axis=1)[:, 0]
    return main + deals.lines.second_units


def _fiscal(world: World, quarter: Ints) -> tuple[Ints, Ints]:
    distinct, inverse = np.unique(quarter, return_inverse=True)
    labels = [world.calendar.label(int(q)) for q in distinct]
    years = np.array([int(x[:4]) for x in labels], np.int64)
    parts = np.array([int(x[-1]) for x in labels], np.int64)
    return years[inverse], parts[inverse]
