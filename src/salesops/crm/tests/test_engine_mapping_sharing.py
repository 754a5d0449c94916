"""Deal teams, the CRM's own sharing and its groups are recognised by their exports."""

from __future__ import annotations

import pytest

from salesops.crm.tests.proposals import proposal_for, targets

EXPORTS: list[tuple[str, str, str, dict[str, str]]] = [
    (
        "OpportunityTeamMember.csv",
        "Id, OpportunityId, UserId, Name, PhotoUrl, Title, TeamMemberRole, OpportunityAccessLevel, IsDeleted",
        "opportunity_team",
        {"OpportunityId": "opportunity_id", "UserId": "user_id", "TeamMemberRole": "role"},
    ),
    (
        "deal_collaborators.csv",
        "Deal ID, Collaborator, Role",
        "opportunity_team",
        {"Deal ID": "opportunity_id", "Collaborator": "user_name", "Role": "role"},
    ),
    (
        "hubspot-deals.csv",
        "Record ID, Deal Name, Deal Stage, Pipeline, Amount, Close Date, Deal owner, Deal Collaborator",
        "opportunities",
        {"Record ID": "id", "Deal owner": "owner_name", "Deal Collaborator": "collaborators"},
    ),
    (
        "OpportunityShare.csv",
        "Id, OpportunityId, UserOrGroupId, OpportunityAccessLevel, RowCause, LastModifiedDate, IsDeleted",
        "record_shares",
        {
            "Id": "id",
            "OpportunityId": "opportunity_id",
            "UserOrGroupId": "principal_id",
            "OpportunityAccessLevel": "access",
            "RowCause": "reason",
        },
    ),
    (
        "AccountShare.csv",
        "Id, AccountId, UserOrGroupId, AccountAccessLevel, OpportunityAccessLevel, CaseAccessLevel, RowCause",
        "record_shares",
        {"AccountId": "account_id", "UserOrGroupId": "principal_id", "AccountAccessLevel": "access"},
    ),
    (
        "shares.csv",
        "Object, RecordId, UserOrGroupId, AccessLevel, RowCause",
        "record_shares",
        {
            "Object": "object",
            "RecordId": "record_id",
            "UserOrGroupId": "principal_id",
            "AccessLevel": "access",
        },
    ),
    (
        "GroupMember.csv",
        "Id, GroupId, UserOrGroupId, SystemModstamp",
        "group_members",
        {"GroupId": "group_id", "UserOrGroupId": "member_id"},
    ),
]


@pytest.mark.parametrize("name,headers,table,wanted", EXPORTS, ids=[e[0] for e in EXPORTS])
def test_an_export_goes_to_its_table(name: str, headers: str, table: str, wanted: dict[str, str]) -> None:
    found = proposal_for([h.strip() for h in headers.split(",")], name)
    assert found.object == table, found.ignored_reason
    assert {h: t for h, t in targets(found).items() if h in wanted} == wanted


def test_salesforce_ids_say_what_a_row_is() -> None:
    ids = [f"00t5g0000{i:06d}"[:15] for i in range(40)]
    found = proposal_for(
        ["Id", "OpportunityId", "UserOrGroupId", "OpportunityAccessLevel", "RowCause"],
        "x.csv",
        cells={"Id": ids},
    )
    assert found.object == "record_shares"
