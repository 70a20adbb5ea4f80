# SPDX-License-Identifier: Apache-2.0
"""The first tables.

Revision: 0001
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from lichen.store.models.base import JsonColumn, Money, Sequential, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String()
NUMBER = sa.Float(53)
WHOLE = sa.Integer()
FLAG = sa.Boolean()
BYTES = sa.LargeBinary()
DAY = sa.Date()
MOMENT = UtcTime()
MONEY = Money()
DOCUMENT = JsonColumn
SEQUENTIAL = Sequential

APPEND_ONLY = "the audit log is only added to"


def _given(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _maybe(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind) for name in names]


def _refers(table: str, column: str, target: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def upgrade() -> None:
    """Make every table, and the triggers that keep the audit log as it was written."""
    _organisation()
    _applications()
    _access()
    _facts()
    _aims()
    _measured()
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_event_no_{change.lower()} BEFORE {change} ON audit_event "
                f"BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_event_keep() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{APPEND_ONLY}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_event_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_event_keep()"
    )


def _organisation() -> None:
    op.create_table(
        "organisation",
        *_given(TEXT, "id", "name", "currency", "lang"),
        *_maybe(MONEY, "internal_carbon_price"),
        *_maybe(WHOLE, "base_year"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
    )
    op.create_table(
        "team",
        *_given(TEXT, "id", "code", "name"),
        *_maybe(TEXT, "cost_centre", "slack_channel", "contact"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("code", name=op.f("uq_team_code")),
    )
    op.create_table(
        "user",
        *_given(TEXT, "id", "email", "name"),
        *_maybe(TEXT, "password_hash", "oidc_subject"),
        *_given(FLAG, "is_admin", "active"),
        *_maybe(TEXT, "lang"),
        *_given(MOMENT, "created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        sa.UniqueConstraint("oidc_subject", name=op.f("uq_user_oidc_subject")),
    )
    op.create_table(
        "membership",
        *_given(TEXT, "user_id", "team_id", "role"),
        _refers("membership", "user_id", "user.id", ondelete="CASCADE"),
        _refers("membership", "team_id", "team.id", ondelete="CASCADE"),
        sa.CheckConstraint("role IN ('viewer', 'editor', 'admin')", name=op.f("ck_membership_role")),
        sa.PrimaryKeyConstraint("user_id", "team_id", name=op.f("pk_membership")),
    )
    op.create_index("ix_membership_team_id", "membership", ["team_id"])


def _applications() -> None:
    op.create_table(
        "application",
        *_given(TEXT, "id", "code"),
        *_maybe(TEXT, "team_id"),
        *_given(TEXT, "name"),
        *_maybe(TEXT, "domain", "kind", "lifecycle", "business_owner", "technical_owner"),
        *_maybe(WHOLE, "criticality", "complexity"),
        *_maybe(TEXT, "maturity"),
        *_maybe(WHOLE, "users"),
        *_maybe(NUMBER, "person_days_per_year"),
        *_given(DOCUMENT, "tags"),
        *_maybe(TEXT, "repository", "description", "public_key"),
        *_given(MOMENT, "created_at"),
        _refers("application", "team_id", "team.id", ondelete="SET NULL"),
        sa.CheckConstraint("complexity BETWEEN 1 AND 5", name=op.f("ck_application_complexity")),
        sa.CheckConstraint("criticality BETWEEN 1 AND 4", name=op.f("ck_application_criticality")),
        sa.CheckConstraint("person_days_per_year >= 0", name=op.f("ck_application_person_days_per_year")),
        sa.CheckConstraint("users >= 0", name=op.f("ck_application_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("code", name=op.f("uq_application_code")),
        sa.UniqueConstraint("public_key", name=op.f("uq_application_public_key")),
    )
    op.create_index("ix_application_team_id", "application", ["team_id"])
    op.create_table(
        "part",
        *_given(TEXT, "id", "application_id", "code", "name"),
        *_maybe(TEXT, "tier"),
        _refers("part", "application_id", "application.id", ondelete="CASCADE"),
        sa.CheckConstraint("tier IN ('device', 'network', 'server')", name=op.f("ck_part_tier")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part")),
        sa.UniqueConstraint("application_id", "code", name=op.f("uq_part_application_id_code")),
    )
    op.create_table(
        "environment",
        *_given(TEXT, "id", "application_id", "code"),
        *_maybe(TEXT, "kind", "region", "hosting"),
        _refers("environment", "application_id", "application.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environment")),
        sa.UniqueConstraint("application_id", "code", name=op.f("uq_environment_application_id_code")),
    )
    op.create_table(
        "journey",
        *_given(TEXT, "id", "application_id", "code", "name"),
        *_maybe(NUMBER, "expected_saving"),
        _refers("journey", "application_id", "application.id", ondelete="CASCADE"),
        sa.CheckConstraint("expected_saving BETWEEN 0 AND 1", name=op.f("ck_journey_expected_saving")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journey")),
        sa.UniqueConstraint("application_id", "code", name=op.f("uq_journey_application_id_code")),
    )
    op.create_table(
        "deployment",
        *_given(TEXT, "id", "application_id"),
        *_maybe(TEXT, "environment", "version", "commit"),
        *_given(MOMENT, "at"),
        *_maybe(TEXT, "author", "link"),
        _refers("deployment", "application_id", "application.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
    )
    op.create_index("ix_deployment_application_id", "deployment", ["application_id"])


def _access() -> None:
    op.create_table(
        "web_session",
        *_given(TEXT, "id_hash", "user_id"),
        *_given(MOMENT, "created_at", "expires_at", "seen_at"),
        _refers("web_session", "user_id", "user.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_web_session")),
    )
    op.create_index("ix_web_session_expires_at", "web_session", ["expires_at"])
    op.create_index("ix_web_session_user_id", "web_session", ["user_id"])
    op.create_table(
        "api_token",
        *_given(TEXT, "id", "prefix", "secret_hash", "name"),
        *_given(DOCUMENT, "scopes"),
        *_maybe(TEXT, "team_id", "application_id", "created_by"),
        *_given(MOMENT, "created_at"),
        *_maybe(MOMENT, "expires_at", "last_used_at", "revoked_at"),
        _refers("api_token", "team_id", "team.id", ondelete="CASCADE"),
        _refers("api_token", "application_id", "application.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_token_secret_hash")),
    )
    op.create_index("ix_api_token_prefix", "api_token", ["prefix"])
    op.create_table(
        "setting",
        *_given(TEXT, "key"),
        *_maybe(DOCUMENT, "value"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_setting")),
    )
    op.create_table(
        "audit_event",
        sa.Column("seq", SEQUENTIAL, autoincrement=True, nullable=False),
        *_given(MOMENT, "at"),
        *_given(TEXT, "actor", "action", "subject_kind", "subject_id"),
        *_given(DOCUMENT, "detail"),
        *_maybe(TEXT, "address"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_event")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_event_at", "audit_event", ["at"])


def _facts() -> None:
    op.create_table(
        "traffic",
        *_given(TEXT, "id", "application_id"),
        *_maybe(TEXT, "journey_id"),
        *_given(DAY, "day"),
        *_maybe(NUMBER, "visits", "page_views", "users"),
        *_given(TEXT, "source"),
        _refers("traffic", "application_id", "application.id", ondelete="CASCADE"),
        _refers("traffic", "journey_id", "journey.id", ondelete="CASCADE"),
        sa.CheckConstraint("page_views >= 0", name=op.f("ck_traffic_page_views")),
        sa.CheckConstraint("users >= 0", name=op.f("ck_traffic_users")),
        sa.CheckConstraint("visits >= 0", name=op.f("ck_traffic_visits")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_traffic")),
    )
    op.create_index(
        "uq_traffic_slot",
        "traffic",
        ["application_id", sa.text("coalesce(journey_id, '')"), "day", "source"],
        unique=True,
    )
    op.create_table(
        "cost",
        *_given(TEXT, "id"),
        *_maybe(TEXT, "application_id"),
        *_given(DAY, "period"),
        *_given(MONEY, "amount"),
        *_given(TEXT, "currency", "kind", "source"),
        _refers("cost", "application_id", "application.id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost")),
    )
    op.create_index("ix_cost_application_id_period", "cost", ["application_id", "period"])
    op.create_index("ix_cost_period", "cost", ["period"])
    op.create_table(
        "value",
        *_given(TEXT, "id", "application_id"),
        *_given(DAY, "period"),
        *_given(MONEY, "amount"),
        *_maybe(MONEY, "low", "high"),
        *_given(TEXT, "currency", "kind"),
        *_maybe(TEXT, "owner"),
        *_maybe(NUMBER, "confidence"),
        *_given(TEXT, "source"),
        _refers("value", "application_id", "application.id", ondelete="CASCADE"),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_value_confidence")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value")),
    )
    op.create_index("ix_value_application_id_period", "value", ["application_id", "period"])
    op.create_table(
        "equipment",
        *_given(TEXT, "id"),
        *_maybe(TEXT, "application_id", "environment"),
        *_given(TEXT, "kind"),
        *_maybe(TEXT, "model"),
        *_given(NUMBER, "count"),
        *_maybe(NUMBER, "power_w"),
        *_maybe(TEXT, "cpu"),
        *_maybe(NUMBER, "memory_gb"),
        *_maybe(DAY, "bought_on", "written_off_on"),
        *_maybe(TEXT, "region"),
        *_given(TEXT, "source"),
        _refers("equipment", "application_id", "application.id", ondelete="SET NULL"),
        sa.CheckConstraint("count >= 0", name=op.f("ck_equipment_count")),
        sa.CheckConstraint("memory_gb >= 0", name=op.f("ck_equipment_memory_gb")),
        sa.CheckConstraint("power_w >= 0", name=op.f("ck_equipment_power_w")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equipment")),
    )
    op.create_index("ix_equipment_application_id", "equipment", ["application_id"])


def _aims() -> None:
    op.create_table(
        "weight",
        *_given(TEXT, "id", "application_id"),
        *_given(NUMBER, "weight"),
        *_given(TEXT, "reason"),
        *_given(DAY, "valid_from"),
        _refers("weight", "application_id", "application.id", ondelete="CASCADE"),
        sa.CheckConstraint("weight >= 0", name=op.f("ck_weight_weight")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weight")),
    )
    op.create_index("ix_weight_application_id_valid_from", "weight", ["application_id", "valid_from"])
    op.create_table(
        "target",
        *_given(TEXT, "id", "scope"),
        *_maybe(TEXT, "scope_id"),
        *_given(TEXT, "indicator"),
        *_given(WHOLE, "base_year"),
        *_maybe(NUMBER, "base_value"),
        *_given(WHOLE, "horizon_year"),
        *_given(NUMBER, "reduction"),
        *_given(DOCUMENT, "path"),
        *_given(DAY, "valid_from"),
        sa.CheckConstraint("base_value >= 0", name=op.f("ck_target_base_value")),
        sa.CheckConstraint("horizon_year > base_year", name=op.f("ck_target_horizon_year")),
        sa.CheckConstraint("reduction BETWEEN 0 AND 1", name=op.f("ck_target_reduction")),
        sa.CheckConstraint("scope IN ('organisation', 'team', 'application')", name=op.f("ck_target_scope")),
        sa.CheckConstraint("(scope = 'organisation') = (scope_id IS NULL)", name=op.f("ck_target_scope_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target")),
    )
    op.create_index("ix_target_scope_id", "target", ["scope_id"])
    op.create_table(
        "action",
        *_given(TEXT, "id", "application_id", "title"),
        *_maybe(TEXT, "description", "owner"),
        *_given(TEXT, "status"),
        *_maybe(DAY, "started_on", "done_on"),
        *_maybe(TEXT, "indicator"),
        *_maybe(NUMBER, "before_value", "after_value", "expected_saving"),
        *_given(DOCUMENT, "tags"),
        _refers("action", "application_id", "application.id", ondelete="CASCADE"),
        sa.CheckConstraint("expected_saving BETWEEN 0 AND 1", name=op.f("ck_action_expected_saving")),
        sa.CheckConstraint("status IN ('planned', 'doing', 'done', 'dropped')", name=op.f("ck_action_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
    )
    op.create_index("ix_action_application_id", "action", ["application_id"])


def _measured() -> None:
    op.create_table(
        "ingest_journal",
        sa.Column("seq", SEQUENTIAL, autoincrement=True, nullable=False),
        *_given(TEXT, "key", "body_sha256", "run_id", "application_code"),
        *_given(MOMENT, "received_at"),
        *_maybe(TEXT, "token_id"),
        *_given(BYTES, "body"),
        *_given(TEXT, "state"),
        *_maybe(MOMENT, "landed_at"),
        sa.CheckConstraint("state IN ('pending', 'landed')", name=op.f("ck_ingest_journal_state")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ingest_journal")),
        sa.UniqueConstraint("key", name=op.f("uq_ingest_journal_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ingest_journal_run_id", "ingest_journal", ["run_id"])
    op.create_index("ix_ingest_journal_state_seq", "ingest_journal", ["state", "seq"])
    op.create_table(
        "run",
        *_given(TEXT, "run_id", "application_id"),
        *_given(DOCUMENT, "journeys"),
        *_given(MOMENT, "measured_at", "received_at"),
        *_given(WHOLE, "samples"),
        *_maybe(TEXT, "host", "browser", "lichen_version", "evidence"),
        _refers("run", "application_id", "application.id"),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_application_id_measured_at", "run", ["application_id", "measured_at"])
    op.create_table(
        "figure",
        *_given(TEXT, "level", "ref", "granularity", "indicator"),
        *_given(DAY, "period"),
        *_given(TEXT, "run_id", "tier", "phase", "accounting", "basis", "method", "factors_hash"),
        *_maybe(NUMBER, "value", "low", "high", "measured", "metered", "allocated", "modelled", "proxy"),
        *_maybe(TEXT, "source"),
        *_maybe(NUMBER, "units"),
        sa.CheckConstraint("basis IN ('per_unit', 'total')", name=op.f("ck_figure_basis")),
        sa.CheckConstraint("granularity IN ('month', 'day', 'run')", name=op.f("ck_figure_granularity")),
        sa.CheckConstraint("level IN ('organisation', 'team', 'application', 'journey')", name=op.f("ck_figure_level")),
        sa.PrimaryKeyConstraint(
            "level",
            "ref",
            "granularity",
            "indicator",
            "period",
            "run_id",
            "tier",
            "phase",
            "accounting",
            "basis",
            "method",
            "factors_hash",
            name=op.f("pk_figure"),
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_figure_by_period", "figure", ["level", "granularity", "indicator", "period"])
    op.create_table(
        "lease",
        *_given(TEXT, "name", "holder"),
        *_given(MOMENT, "until"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
