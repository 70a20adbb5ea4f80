# SPDX-License-Identifier: Apache-2.0
"""One row of every table of a store, with every column filled: what upgrades must keep."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from lichen.store import Session
from lichen.store import models as m

AT: Final = datetime(2026, 11, 22, 12, 30, 45, 123456, tzinfo=UTC)
DAY: Final = date(2026, 11, 1)
HASH: Final = "0123456789abcdef" * 4
MONEY: Final = Decimal("123456789.012345")


def full_rows() -> list[m.Base]:
    """The rows, in the order in which they refer to each other. Nothing in them is random."""
    rows: list[Any] = [
        m.Organisation(
            id="org", name="Fabrique numérique", currency="EUR", lang="fr", internal_carbon_price=Decimal("100.5"), base_year=2025
        ),
        m.Team(id="team", code="pay", name="<b>Pay</b>", cost_centre="CC-1", slack_channel="#pay", contact="pay@example.org"),
        m.User(
            id="user", email="ada@example.org", name="Ada", password_hash="$argon2id$x", oidc_subject="sub", is_admin=True,
            active=True, lang="fr", created_at=AT,
        ),
        m.Membership(user_id="user", team_id="team", role="editor"),
        m.WebSession(id_hash=HASH, user_id="user", created_at=AT, expires_at=AT, seen_at=AT),
        m.Application(
            id="app", code="portal", team_id="team", name="Portail 🏦", domain="loans", kind="web", lifecycle="live",
            business_owner="Bea", technical_owner="Tom", criticality=4, complexity=2, maturity="high", users=1200,
            person_days_per_year=150.5, tags=["a;b", "=x"], repository="https://example.org/portal", description="Prêts\n",
            public_key="key", created_at=AT,
        ),
        m.ApiToken(
            id="token", prefix="lichen_Ab12Cd", secret_hash=HASH, name="ci", scopes=["ingest"], team_id="team",
            application_id="app", created_by="user", created_at=AT, expires_at=AT, last_used_at=AT, revoked_at=AT,
        ),
        m.Part(id="part", application_id="app", code="browser", name="Browser", tier="device"),
        m.Environment(id="env", application_id="app", code="prod", kind="production", region="eu-west-3", hosting="IaaS"),
        m.Journey(id="journey", application_id="app", code="sign-in", name="Sign in", expected_saving=0.2),
        m.Deployment(
            id="dep", application_id="app", environment="prod", version="1.2", commit="abc", at=AT, author="Tom", link="https://x"
        ),
        m.Traffic(
            id="traffic", application_id="app", journey_id="journey", day=DAY, visits=10.0, page_views=25.0, users=8.0,
            source="matomo",
        ),
        m.Traffic(id="traffic2", application_id="app", journey_id=None, day=DAY, visits=0.0, source="matomo"),
        m.Cost(id="cost", application_id="app", period=DAY, amount=MONEY, currency="EUR", kind="cloud", source="bill"),
        m.Value(
            id="value", application_id="app", period=DAY, amount=MONEY, low=Decimal(1), high=MONEY, currency="EUR",
            kind="revenue", owner="Bea", confidence=0.8, source="file",
        ),
        m.Equipment(
            id="eq", application_id="app", environment="prod", kind="server", model="R740", count=2.0, power_w=350.0,
            cpu="EPYC 7763", memory_gb=512.0, bought_on=DAY, written_off_on=DAY, region="FR", source="file",
        ),
        m.Weight(id="weight", application_id="app", weight=2.0, reason="vital", valid_from=DAY),
        m.Target(
            id="target", scope="team", scope_id="team", indicator="gwp100", base_year=2025, base_value=1e6, horizon_year=2030,
            reduction=0.3, path={"kind": "points", "points": {"2027": 0.1}}, valid_from=DAY,
        ),
        m.Action(
            id="action", application_id="app", title="Smaller pictures", description="WebP", owner="Tom", status="done",
            started_on=DAY, done_on=DAY, indicator="gwp100", before_value=2.0, after_value=1.0, expected_saving=0.5, tags=["web"],
        ),
        m.IngestJournal(
            seq=7, key="key", body_sha256=HASH, run_id=HASH, application_code="portal", received_at=AT, token_id="token",
            body=b"\x1f\x8b\x00'", state="landed", landed_at=AT,
        ),
        m.Run(
            run_id=HASH, application_id="app", journeys=["sign-in"], measured_at=AT, received_at=AT, samples=10, host="host",
            browser="Chromium 156", lichen_version="0.1.0", evidence=HASH,
        ),
        m.Figure(
            level="application", ref="app", granularity="month", indicator="gwp100", period=DAY, run_id="", tier="device",
            phase="use", accounting="location", basis="total", method="lichen-1", factors_hash=HASH, value=1.5, low=1.0,
            high=2.0, measured=0.5, metered=0.1, allocated=0.1, modelled=0.2, proxy=0.1, source="journeys", units=10.0,
        ),
        m.TierSource(id="tier", application_id="app", tier="server", source="meter", reason="own rack", valid_from=DAY),
        m.SourceClaim(
            application_id="app", indicator="gwp100", period=DAY, tier="server", source="meter", accounting="location",
            method="lichen-1", factors_hash=HASH, value=3.0, low=2.0, high=4.0, measured=0.0, metered=1.0, allocated=0.0,
            modelled=0.0, proxy=0.0, counts=True, reason="declared",
        ),
        m.LaterFactors(
            level="application", ref="app", indicator="gwp100", period=DAY, factors_of=DAY, accounting="location",
            method="lichen-1", factors_hash=HASH, value=2.5,
        ),
        m.Lease(name="landing", holder="host:1", until=AT),
        m.Setting(key="public_pages", value={"on": True}),
        m.AuditEvent(
            seq=3, at=AT, actor="user", action="team.add", subject_kind="team", subject_id="team", detail={"code": "pay"},
            address="127.0.0.1",
        ),
        m.Delivery(
            id="delivery", channel="pay-slack", kind="digest", dedup_key="digest/team/2026-W47", scope="team", scope_id="team",
            title="Pay <!channel>", body={"blocks": []}, created_at=AT, status="sent", attempts=2, next_attempt_at=AT, sent_at=AT,
            last_status="200", last_error="timed out",
        ),
        m.DeliveryAttempt(seq=5, delivery_id="delivery", at=AT, status="failed", detail="timed out"),
        m.Alert(
            id="alert", rule="budget", application_id="app", journey_id="journey", key="budget/app/journey/gwp100",
            state="resolved", opened_at=AT, last_seen_at=AT, reminded_at=AT, resolved_at=AT, value=0.3, limit_value=0.2,
            detail={"unit": "gCO2e"},
        ),
        m.JobRun(job="digest", due_at=AT, started_at=AT, finished_at=AT, outcome="done", detail="17 messages"),
        m.Mark(id="mark", application_id="app", at=AT, kind="browser", text="Chromium 156", source="api"),
        m.ChangeCandidate(series="app/journey/gwp100", evaluated_on=DAY, at_day=DAY, change=0.05, p=0.001),
        m.ChangePoint(
            id="change", application_id="app", journey_id="journey", indicator="gwp100", at_day=DAY, change=0.05, low=0.03,
            high=0.07, confirmed_on=DAY, deployment_id="dep", cause="deployment 1.2",
        ),
        m.Budget(
            id="budget", application_id="app", journey_id="journey", indicator_or_quantity="gwp100", limit_value=0.2,
            unit="gCO2e", per="visit", reason="eco-design", valid_from=DAY, valid_to=DAY,
        ),
    ]  # fmt: skip
    return rows


def fill(session: Session) -> None:
    """Add the rows, in order."""
    for row in full_rows():
        session.add(row)
        session.flush()
