"""The terms of the field: what people call a number or a column. Data, no code.

A phrase that means one number stands under it alone; one that people use for several stands under each
of them, and a question that says it is asked back.
"""

from __future__ import annotations

from collections.abc import Mapping

FIRST: Mapping[str, str] = {
    "win_rate_count": "win rate",
    "sales_cycle": "mean sales cycle",
    "sales_cycle_median": "median sales cycle",
    "sales_cycle_p75": "sales cycle 75th percentile",
    "won_value": "won value",
    "won_deals": "number of won deals",
    "lost_deals": "number of lost deals",
    "open_deals": "number of open deals",
    "deals_created": "number of deals created",
    "stalled_share": "share of stalled deals",
    "stalled_pipeline": "stalled pipeline",
    "total_pipeline": "won and open amount",
    "time_selling": "time spent selling",
    "quota": "quota",
    "meetings": "number of meetings",
    "created_and_closed": "share created and won in the period",
    "time_in_stage": "mean time in stage",
    "time_in_stage_median": "median time in stage",
    "stage_conversion": "cohort stage conversion",
    "stage_conversion_snapshot": "snapshot stage conversion",
}
"""Number -> the phrase that always means it, where that is not its title."""

PHRASES: Mapping[str, tuple[str, ...]] = {
    "win_rate_count": (
        "win percentage", "winrate", "share of deals won", "percentage of deals won", "hit rate",
    ),
    "win_rate_value": (
        "value win rate", "win rate in money", "win rate by amount", "amount win rate", "weighted win rate",
    ),
    "close_rate": ("closing rate", "close ratio", "closing ratio", "conversion rate", "conversion"),
    "no_decision_share": ("no decision rate", "no decision share", "share lost to no decision", "no decision"),
    "average_deal_size": (
        "average deal", "mean deal size", "avg deal size", "deal size", "average selling price", "asp",
        "average contract value", "acv", "average size of won deals", "mean deal value", "average deal value",
    ),
    "median_deal_size": ("median deal", "median deal value", "deal size", "median size of won deals"),
    "sales_cycle": (
        "sales cycle", "cycle", "cycle time", "sales cycle length", "length of the sales cycle",
        "average sales cycle",
        "average cycle", "mean cycle", "days to close", "time to close",
        "how long does it take to close a deal", "how long does it take to win a deal",
    ),
    "sales_cycle_median": (
        "sales cycle", "cycle", "cycle time", "sales cycle length", "length of the sales cycle", "median cycle",
        "days to close", "time to close",
        "how long does it take to close a deal", "how long does it take to win a deal",
    ),
    "sales_cycle_lost": (
        "time to lose", "cycle of lost deals", "lost sales cycle", "average cycle of lost deals",
    ),
    "sales_cycle_lost_median": ("time to lose", "cycle of lost deals", "lost sales cycle"),
    "open_pipeline": (
        "pipeline", "total pipeline", "pipeline value", "open amount", "value of open deals",
        "amount of open deals", "funnel",
    ),
    "open_deals": (
        "open deals", "open opportunities", "number of open opportunities", "count of open deals", "deals open",
    ),
    "coverage": ("pipeline coverage", "coverage ratio", "quota coverage"),
    "coverage_needed": ("needed coverage", "required coverage", "coverage required"),
    "coverage_gross": ("total coverage",),
    "pipeline_generation": (
        "pipeline generation", "pipeline created", "new pipeline", "pipegen", "pipeline gen",
        "created pipeline",
        "pipeline creation",
    ),
    "sales_velocity": ("velocity",),
    "pipeline_velocity": ("velocity",),
    "commit_forecast": ("commit forecast", "committed", "committed forecast"),
    "most_likely_forecast": ("most likely forecast",),
    "best_case_forecast": ("best case forecast", "upside"),
    "stage_conversion": (
        "stage conversion", "stage conversion rate", "stage to stage conversion", "conversion",
    ),
    "stage_conversion_snapshot": ("stage conversion", "stage conversion rate", "stage to stage conversion"),
    "stage_skip_rate": ("skip rate", "skipped stages"),
    "stage_regression_rate": ("regression rate", "stage regression", "steps backward"),
    "time_in_stage": (
        "time in stage", "days in stage", "stage duration", "average time in stage", "average days in stage",
    ),
    "time_in_stage_median": ("time in stage", "days in stage", "stage duration", "median days in stage"),
    "stage_age": ("stage age", "average stage age", "ageing", "aging", "pipeline age"),
    "stalled_share": ("stalled share", "stalled rate", "share stalled", "percentage of stalled deals"),
    "stalled_pipeline": ("stalled amount", "stalled value", "value of stalled deals", "amount stalled"),
    "slip_rate": ("slippage", "slippage rate", "slip", "share of deals that slipped"),
    "slip_rate_value": ("value slip rate", "slippage by value"),
    "pushes": ("push count", "close date pushes", "pushed close dates", "number of pushes"),
    "pull_ins": ("pull ins", "pulled in deals", "number of pull ins"),
    "commit_win_rate": ("commit conversion", "commit win rate", "share of commit won"),
    "commit_accuracy": ("forecast accuracy", "accuracy of commit"),
    "won_value": (
        "won", "closed won", "bookings", "booked", "revenue", "revenue won", "sales", "won revenue", "won amount",
        "new bookings",
        "closed won value", "closed won amount", "sold", "sell", "amount won", "value won",
        "value of won deals", "amount of won deals",
        "how much did we sell", "how much did we win", "how much have we won", "how much was won",
        "how much have we sold",
        "how much did we book", "how much did we close", "total won", "closed business", "money won",
    ),
    "won_deals": (
        "won deals", "deals won", "wins", "won opportunities", "closed won deals", "how many deals did we win",
        "how many deals have we won", "how many deals were won", "how many wins", "win count", "number of wins",
        "number of deals won", "how many deals did we close", "how many deals closed won", "count of won deals",
        "how many won deals", "logos won",
    ),
    "lost_deals": (
        "lost deals", "deals lost", "losses", "closed lost", "lost opportunities", "how many deals did we lose",
        "how many deals have we lost", "how many deals were lost", "number of losses", "closed lost deals",
        "number of deals lost", "count of lost deals", "how many lost deals",
    ),
    "deals_created": (
        "deals created", "created deals", "new deals", "new opportunities", "opportunities created",
        "how many deals did we create", "how many deals were created", "how many deals have we created",
        "how many new deals", "deal creation",
    ),
    "activities": ("activity", "number of activities", "activity count", "activity volume"),
    "calls": ("number of calls", "phone calls", "call count", "how many calls"),
    "emails": ("emails", "number of emails", "mails", "how many emails", "how many e mails"),
    "meetings": ("meetings", "meeting count", "how many meetings"),
    "activities_per_won_deal": ("activities to win a deal", "touches per won deal"),
    "time_selling": ("selling time", "time selling", "share of time selling"),
    "leads_created": (
        "leads", "new leads", "number of leads", "lead volume", "how many leads", "inbound leads",
    ),
    "lead_response": ("lead response time", "response time", "time to first response"),
    "speed_to_lead": ("share of leads answered in time", "leads answered in time"),
    "lead_to_mql": ("mql rate", "lead to mql conversion", "lead to mql rate"),
    "mql_to_sql": ("mql to sql conversion", "mql to sql rate"),
    "sql_to_opp": (
        "sql to opportunity", "sql to opportunity conversion", "sql to opp conversion",
        "sql to opportunity rate",
    ),
    "opp_to_won": ("opportunity to won", "opp to win", "opportunity to win"),
    "lead_to_won": (
        "lead conversion", "lead conversion rate", "lead to win", "lead to customer", "lead to close",
        "conversion",
    ),
    "new_customers": (
        "customers won", "new logos", "new accounts won", "how many new customers", "number of new customers",
    ),
    "cac": ("cost of acquisition", "acquisition cost", "cost per customer", "cost to acquire a customer"),
    "arpa": ("revenue", "arpu", "average revenue per account", "average revenue per customer"),
    "customer_churn": ("churn", "churn rate", "logo churn", "customer churn rate"),
    "ltv": ("customer lifetime value", "clv", "cltv"),
    "ltv_cac": ("ltv to cac", "ltv cac", "ltv cac ratio", "ltv to cac ratio"),
    "nrr": (
        "net retention", "ndr", "net dollar retention", "retention", "revenue retention",
        "net revenue retention rate",
    ),
    "grr": ("gross retention", "gdr", "gross dollar retention", "retention", "revenue retention"),
    "cost_of_sales": ("selling cost ratio", "sales cost", "selling cost"),
    "quota_attainment": (
        "attainment", "attainment rate", "quota achievement", "percent of quota", "percentage of quota",
    ),
    "quota_participation": ("quota participation", "share of reps at quota", "reps at quota"),
    "mean_rep_attainment": (
        "mean rep attainment", "average attainment", "average rep attainment", "mean attainment",
    ),
    "quota": ("quotas", "target", "sales target", "goal"),
    "rep_productivity": ("rep productivity", "sales productivity", "productivity per rep"),
}  # fmt: skip
"""Number -> other phrases for it."""

DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "region": ("region", "geo", "geography"),
    "owner_name": (
        "rep", "seller", "sales rep", "salesperson", "sales person", "account executive", "ae",
        "deal owner", "salespeople", "people", "person",
    ),
    "team": ("team", "sales team"),
    "manager_name": ("manager", "sales manager"),
    "lead_source": ("lead source", "channel", "origin"),
    "segment": ("segment", "customer segment", "size segment", "company size"),
    "industry": ("industry", "vertical"),
    "product_name": ("product", "products sold"),
    "product_family": ("product family", "family", "product line", "product series"),
    "stage": ("stage", "sales stage"),
    "stage_class": ("status", "deal status"),
    "country": ("country", "nation"),
    "account_name": ("account", "customer", "company", "client"),
    "deal_kind": ("deal kind", "deal type", "kind of deal", "type of deal", "new or renewal"),
    "competitor": ("competitor", "competition", "rival"),
    "loss_reason": ("loss reason", "reason lost", "reason for loss", "lost reason", "reason of loss"),
    "forecast_category": ("forecast category", "category"),
    "pipeline": ("sales pipeline", "kind of pipeline"),
    "role": ("role", "sales role"),
}  # fmt: skip
"""Column -> what people call it besides what addresses take (``analytics.selectors.ALIASES``); the first phrase
always means it."""
