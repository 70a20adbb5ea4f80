# SPDX-License-Identifier: Apache-2.0
"""The first tables.

Revision: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from lichen.store.models.base import JsonColumn, Money, Sequential, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String()
NUMBER = sa.Float(53)
MOMENT = UtcTime()
MONEY = Money()
DOCUMENT = JsonColumn
SEQUENTIAL = Sequential

APPEND_ONLY = "the audit log is only added to"


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
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("lang", TEXT, nullable=False),
        sa.Column("internal_carbon_price", MONEY),
        sa.Column("base_year", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
    )
    op.create_table(
        "team",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("cost_centre", TEXT),
        sa.Column("slack_channel", TEXT),
        sa.Column("contact", TEXT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("code", name=op.f("uq_team_code")),
    )
    op.create_table(
        "user",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("password_hash", TEXT),
        sa.Column("oidc_subject", TEXT),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("lang", TEXT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("email", name=op.f("uq_user_email")),
        sa.UniqueConstraint("oidc_subject", name=op.f("uq_user_oidc_subject")),
    )
    op.create_table(
        "membership",
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("team_id", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_membership_user_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_membership_team_id"), ondelete="CASCADE"),
        sa.CheckConstraint("role IN ('viewer', 'editor', 'admin')", name=op.f("ck_membership_role")),
        sa.PrimaryKeyConstraint("user_id", "team_id", name=op.f("pk_membership")),
    )
    op.create_index("ix_membership_team_id", "membership", ["team_id"])


def _applications() -> None:
    op.create_table(
        "application",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("team_id", TEXT),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("domain", TEXT),
        sa.Column("kind", TEXT),
        sa.Column("lifecycle", TEXT),
        sa.Column("business_owner", TEXT),
        sa.Column("technical_owner", TEXT),
        sa.Column("criticality", sa.Integer()),
        sa.Column("complexity", sa.Integer()),
        sa.Column("maturity", TEXT),
        sa.Column("users", sa.Integer()),
        sa.Column("person_days_per_year", NUMBER),
        sa.Column("tags", DOCUMENT, nullable=False),
        sa.Column("repository", TEXT),
        sa.Column("description", TEXT),
        sa.Column("public_key", TEXT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_application_team_id"), ondelete="SET NULL"),
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
        sa.Column("id", TEXT, nullable=False),
        sa.Column("application_id", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("tier", TEXT),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_part_application_id"), ondelete="CASCADE"
        ),
        sa.CheckConstraint("tier IN ('device', 'network', 'server')", name=op.f("ck_part_tier")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part")),
        sa.UniqueConstraint("application_id", "code", name=op.f("uq_part_application_id_code")),
    )
    op.create_table(
        "environment",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("application_id", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("kind", TEXT),
        sa.Column("region", TEXT),
        sa.Column("hosting", TEXT),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_environment_application_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environment")),
        sa.UniqueConstraint("application_id", "code", name=op.f("uq_environment_application_id_code")),
    )
    op.create_table(
        "journey",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("application_id", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("expected_saving", NUMBER),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_journey_application_id"), ondelete="CASCADE"
        ),
        sa.CheckConstraint("expected_saving BETWEEN 0 AND 1", name=op.f("ck_journey_expected_saving")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journey")),
        sa.UniqueConstraint("application_id", "code", name=op.f("uq_journey_application_id_code")),
    )
    op.create_table(
        "deployment",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("application_id", TEXT, nullable=False),
        sa.Column("environment", TEXT),
        sa.Column("version", TEXT),
        sa.Column("commit", TEXT),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("author", TEXT),
        sa.Column("link", TEXT),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_deployment_application_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployment")),
    )
    op.create_index("ix_deployment_application_id", "deployment", ["application_id"])


def _access() -> None:
    op.create_table(
        "web_session",
        sa.Column("id_hash", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_web_session_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id_hash", name=op.f("pk_web_session")),
    )
    op.create_index("ix_web_session_expires_at", "web_session", ["expires_at"])
    op.create_index("ix_web_session_user_id", "web_session", ["user_id"])
    op.create_table(
        "api_token",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("prefix", TEXT, nullable=False),
        sa.Column("secret_hash", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("scopes", DOCUMENT, nullable=False),
        sa.Column("team_id", TEXT),
        sa.Column("application_id", TEXT),
        sa.Column("created_by", TEXT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("last_used_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_api_token_team_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_api_token_application_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_token_secret_hash")),
    )
    op.create_index("ix_api_token_prefix", "api_token", ["prefix"])
    op.create_table(
        "setting",
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", DOCUMENT),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_setting")),
    )
    op.create_table(
        "audit_event",
        sa.Column("seq", SEQUENTIAL, autoincrement=True, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("subject_kind", TEXT, nullable=False),
        sa.Column("subject_id", TEXT, nullable=False),
        sa.Column("detail", DOCUMENT, nullable=False),
        sa.Column("address", TEXT),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_event")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_event_at", "audit_event", ["at"])


def _facts() -> None:
    op.create_table(
        "traffic",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("application_id", TEXT, nullable=False),
        sa.Column("journey_id", TEXT),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("visits", NUMBER),
        sa.Column("page_views", NUMBER),
        sa.Column("users", NUMBER),
        sa.Column("source", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_traffic_application_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["journey_id"], ["journey.id"], name=op.f("fk_traffic_journey_id"), ondelete="CASCADE"),
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
        sa.Column("id", TEXT, nullable=False),
        sa.Column("application_id", TEXT),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_cost_application_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost")),
    )
    op.create_index("ix_cost_application_id_period", "cost", ["application_id", "period"])
    op.create_index("ix_cost_period", "cost", ["period"])
    op.create_table(
        "value",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("application_id", TEXT, nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("low", MONEY),
        sa.Column("high", MONEY),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("owner", TEXT),
        sa.Column("confidence", NUMBER),
        sa.Column("source", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_value_application_id"), ondelete="CASCADE"
        ),
        sa.CheckConstraint("confidence BETWEEN 0 AND 1", name=op.f("ck_value_confidence")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_value")),
    )
    op.create_index("ix_value_application_id_period", "value", ["application_id", "period"])
    op.create_table(
        "equipment",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("application_id", TEXT),
        sa.Column("environment", TEXT),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("model", TEXT),
        sa.Column("count", NUMBER, nullable=False),
        sa.Column("power_w", NUMBER),
        sa.Column("cpu", TEXT),
        sa.Column("memory_gb", NUMBER),
        sa.Column("bought_on", sa.Date()),
        sa.Column("written_off_on", sa.Date()),
        sa.Column("region", TEXT),
        sa.Column("source", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_equipment_application_id"), ondelete="SET NULL"
        ),
        sa.CheckConstraint("count >= 0", name=op.f("ck_equipment_count")),
        sa.CheckConstraint("memory_gb >= 0", name=op.f("ck_equipment_memory_gb")),
        sa.CheckConstraint("power_w >= 0", name=op.f("ck_equipment_power_w")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equipment")),
    )
    op.create_index("ix_equipment_application_id", "equipment", ["application_id"])


def _aims() -> None:
    op.create_table(
        "weight",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("application_id", TEXT, nullable=False),
        sa.Column("weight", NUMBER, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_weight_application_id"), ondelete="CASCADE"
        ),
        sa.CheckConstraint("weight >= 0", name=op.f("ck_weight_weight")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weight")),
    )
    op.create_index("ix_weight_application_id_valid_from", "weight", ["application_id", "valid_from"])
    op.create_table(
        "target",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("scope_id", TEXT),
        sa.Column("indicator", TEXT, nullable=False),
        sa.Column("base_year", sa.Integer(), nullable=False),
        sa.Column("base_value", NUMBER),
        sa.Column("horizon_year", sa.Integer(), nullable=False),
        sa.Column("reduction", NUMBER, nullable=False),
        sa.Column("path", DOCUMENT, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
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
        sa.Column("id", TEXT, nullable=False),
        sa.Column("application_id", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("description", TEXT),
        sa.Column("owner", TEXT),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("started_on", sa.Date()),
        sa.Column("done_on", sa.Date()),
        sa.Column("indicator", TEXT),
        sa.Column("before_value", NUMBER),
        sa.Column("after_value", NUMBER),
        sa.Column("expected_saving", NUMBER),
        sa.Column("tags", DOCUMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_action_application_id"), ondelete="CASCADE"
        ),
        sa.CheckConstraint("expected_saving BETWEEN 0 AND 1", name=op.f("ck_action_expected_saving")),
        sa.CheckConstraint("status IN ('planned', 'doing', 'done', 'dropped')", name=op.f("ck_action_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
    )
    op.create_index("ix_action_application_id", "action", ["application_id"])


def _measured() -> None:
    op.create_table(
        "ingest_journal",
        sa.Column("seq", SEQUENTIAL, autoincrement=True, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("body_sha256", TEXT, nullable=False),
        sa.Column("run_id", TEXT, nullable=False),
        sa.Column("application_code", TEXT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("token_id", TEXT),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("landed_at", MOMENT),
        sa.CheckConstraint("state IN ('pending', 'landed')", name=op.f("ck_ingest_journal_state")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ingest_journal")),
        sa.UniqueConstraint("key", name=op.f("uq_ingest_journal_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ingest_journal_run_id", "ingest_journal", ["run_id"])
    op.create_index("ix_ingest_journal_state_seq", "ingest_journal", ["state", "seq"])
    op.create_table(
        "run",
        sa.Column("run_id", TEXT, nullable=False),
        sa.Column("application_id", TEXT, nullable=False),
        sa.Column("journeys", DOCUMENT, nullable=False),
        sa.Column("measured_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("host", TEXT),
        sa.Column("browser", TEXT),
        sa.Column("lichen_version", TEXT),
        sa.Column("evidence", TEXT),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_run_application_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_application_id_measured_at", "run", ["application_id", "measured_at"])
    op.create_table(
        "figure",
        sa.Column("level", TEXT, nullable=False),
        sa.Column("ref", TEXT, nullable=False),
        sa.Column("granularity", TEXT, nullable=False),
        sa.Column("indicator", TEXT, nullable=False),
        sa.Column("period", sa.Date(), nullable=False),
        sa.Column("run_id", TEXT, nullable=False),
        sa.Column("tier", TEXT, nullable=False),
        sa.Column("phase", TEXT, nullable=False),
        sa.Column("accounting", TEXT, nullable=False),
        sa.Column("basis", TEXT, nullable=False),
        sa.Column("method", TEXT, nullable=False),
        sa.Column("factors_hash", TEXT, nullable=False),
        sa.Column("value", NUMBER),
        sa.Column("low", NUMBER),
        sa.Column("high", NUMBER),
        sa.Column("measured", NUMBER),
        sa.Column("metered", NUMBER),
        sa.Column("allocated", NUMBER),
        sa.Column("modelled", NUMBER),
        sa.Column("proxy", NUMBER),
        sa.Column("source", TEXT),
        sa.Column("units", NUMBER),
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
        sa.Column("name", TEXT, nullable=False),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
