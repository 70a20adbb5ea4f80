# SPDX-License-Identifier: Apache-2.0
"""Budgets, changes of a history, alerts, deliveries, and what was done on time.

Revision: 0003
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from lichen.store.models.base import JsonColumn, Sequential, UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.String()
NUMBER = sa.Float(53)
WHOLE = sa.Integer()
DAY = sa.Date()
MOMENT = UtcTime()
DOCUMENT = JsonColumn


def _given(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _maybe(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind) for name in names]


def _refers(table: str, column: str, target: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def _one_of(table: str, column: str, *words: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}"))


def upgrade() -> None:
    """Add the tables; none of those that are there changes."""
    _deliveries()
    _alerts()
    _history()
    op.create_table(
        "job_run",
        *_given(TEXT, "job"),
        *_given(MOMENT, "due_at", "started_at"),
        *_maybe(MOMENT, "finished_at"),
        *_maybe(TEXT, "outcome", "detail"),
        sa.PrimaryKeyConstraint("job", "due_at", name=op.f("pk_job_run")),
    )


def _deliveries() -> None:
    op.create_table(
        "delivery",
        *_given(TEXT, "id", "channel", "kind", "dedup_key", "scope"),
        *_maybe(TEXT, "scope_id"),
        *_given(TEXT, "title"),
        *_given(DOCUMENT, "body"),
        *_given(MOMENT, "created_at"),
        *_given(TEXT, "status"),
        *_given(WHOLE, "attempts"),
        *_maybe(MOMENT, "next_attempt_at", "sent_at"),
        *_maybe(TEXT, "last_status", "last_error"),
        _one_of("delivery", "kind", "digest", "alert", "test"),
        _one_of("delivery", "scope", "organisation", "team", "application"),
        _one_of("delivery", "status", "pending", "sent", "failed", "dead"),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_delivery_attempts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("channel", "dedup_key", name=op.f("uq_delivery_channel_dedup_key")),
    )
    op.create_index("ix_delivery_status_next_attempt_at", "delivery", ["status", "next_attempt_at"])
    op.create_index("ix_delivery_created_at", "delivery", ["created_at"])
    op.create_table(
        "delivery_attempt",
        sa.Column("seq", Sequential, autoincrement=True, nullable=False),
        *_given(TEXT, "delivery_id"),
        *_given(MOMENT, "at"),
        *_given(TEXT, "status"),
        *_maybe(TEXT, "detail"),
        _refers("delivery_attempt", "delivery_id", "delivery.id"),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_delivery_attempt")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_delivery_attempt_delivery_id", "delivery_attempt", ["delivery_id"])


def _alerts() -> None:
    op.create_table(
        "alert",
        *_given(TEXT, "id", "rule"),
        *_maybe(TEXT, "application_id", "journey_id"),
        *_given(TEXT, "key", "state"),
        *_given(MOMENT, "opened_at", "last_seen_at"),
        *_maybe(MOMENT, "reminded_at", "resolved_at"),
        *_maybe(NUMBER, "value", "limit_value"),
        *_given(DOCUMENT, "detail"),
        _refers("alert", "application_id", "application.id"),
        _refers("alert", "journey_id", "journey.id"),
        _one_of("alert", "state", "firing", "resolved"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index("ix_alert_application_id", "alert", ["application_id"])
    op.create_index("ix_alert_state_opened_at", "alert", ["state", "opened_at"])
    firing = sa.text("state = 'firing'")
    op.create_index("uq_alert_open", "alert", ["key"], unique=True, sqlite_where=firing, postgresql_where=firing)
    op.create_table(
        "budget",
        *_given(TEXT, "id", "application_id"),
        *_maybe(TEXT, "journey_id"),
        *_given(TEXT, "indicator_or_quantity"),
        *_given(NUMBER, "limit_value"),
        *_given(TEXT, "unit", "per", "reason"),
        *_given(DAY, "valid_from"),
        *_maybe(DAY, "valid_to"),
        _refers("budget", "application_id", "application.id"),
        _refers("budget", "journey_id", "journey.id"),
        _one_of("budget", "per", "visit", "month"),
        sa.CheckConstraint("limit_value >= 0", name=op.f("ck_budget_limit_value")),
        sa.CheckConstraint("valid_to >= valid_from", name=op.f("ck_budget_valid_to")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget")),
    )
    op.create_index("ix_budget_application_id", "budget", ["application_id"])


def _history() -> None:
    op.create_table(
        "mark",
        *_given(TEXT, "id"),
        *_maybe(TEXT, "application_id"),
        *_given(MOMENT, "at"),
        *_given(TEXT, "kind", "text", "source"),
        _refers("mark", "application_id", "application.id"),
        _one_of("mark", "kind", "browser", "runtime", "cluster", "factors", "method", "other"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mark")),
    )
    op.create_index(
        "uq_mark_slot", "mark", [sa.text("coalesce(application_id, '')"), "kind", "at", "text"], unique=True
    )
    op.create_table(
        "change_candidate",
        *_given(TEXT, "series"),
        *_given(DAY, "evaluated_on", "at_day"),
        *_given(NUMBER, "change", "p"),
        sa.PrimaryKeyConstraint("series", "evaluated_on", "at_day", name=op.f("pk_change_candidate")),
    )
    op.create_table(
        "change_point",
        *_given(TEXT, "id", "application_id"),
        *_maybe(TEXT, "journey_id"),
        *_given(TEXT, "indicator"),
        *_given(DAY, "at_day"),
        *_given(NUMBER, "change"),
        *_maybe(NUMBER, "low", "high"),
        *_given(DAY, "confirmed_on"),
        *_maybe(TEXT, "deployment_id", "cause"),
        _refers("change_point", "application_id", "application.id"),
        _refers("change_point", "journey_id", "journey.id"),
        _refers("change_point", "deployment_id", "deployment.id", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_point")),
    )
    op.create_index("ix_change_point_application_id_at_day", "change_point", ["application_id", "at_day"])
