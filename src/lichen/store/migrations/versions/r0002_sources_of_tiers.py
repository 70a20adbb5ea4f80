# SPDX-License-Identifier: Apache-2.0
"""Which source counts for a tier, what every source says, months under the factors of later ones; indexes of months.

Revision: 0002
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.String()
NUMBER = sa.Float(53)
DAY = sa.Date()

SOURCES = "'meter', 'bill', 'journeys'"
TIERS = "'device', 'network', 'server'"
LEVELS = "'application', 'journey'"
SHARES = ("measured", "metered", "allocated", "modelled", "proxy")


def _given(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _maybe(kind: sa.types.TypeEngine[Any], *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind) for name in names]


def upgrade() -> None:
    """Make the three tables, and indexes that hold what sorting and summing a month asks for."""
    op.drop_index("ix_figure_by_period", "figure")
    by_period = ["level", "granularity", "indicator", "period", "tier", "phase", "value", "units"]
    op.create_index("ix_figure_by_period", "figure", by_period)
    op.drop_index("ix_cost_period", "cost")
    op.create_index("ix_cost_period", "cost", ["period", "application_id", "currency", "amount"])
    op.create_index("ix_value_period", "value", ["period"])
    op.create_table(
        "tier_source",
        *_given(TEXT, "id", "application_id", "tier", "source", "reason"),
        *_given(DAY, "valid_from"),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], name=op.f("fk_tier_source_application_id"), ondelete="CASCADE"
        ),
        sa.CheckConstraint(f"source IN ({SOURCES})", name=op.f("ck_tier_source_source")),
        sa.CheckConstraint(f"tier IN ({TIERS})", name=op.f("ck_tier_source_tier")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tier_source")),
        sa.UniqueConstraint(
            "application_id", "tier", "valid_from", name=op.f("uq_tier_source_application_id_tier_valid_from")
        ),
    )
    claim = ("application_id", "indicator", "period", "tier", "source", "accounting", "method", "factors_hash")
    op.create_table(
        "source_claim",
        *[sa.Column(name, DAY if name == "period" else TEXT, nullable=False) for name in claim],
        *_maybe(NUMBER, "value", "low", "high", *SHARES),
        sa.Column("counts", sa.Boolean(), nullable=False),
        *_given(TEXT, "reason"),
        sa.CheckConstraint(f"source IN ({SOURCES})", name=op.f("ck_source_claim_source")),
        sa.PrimaryKeyConstraint(*claim, name=op.f("pk_source_claim")),
        sqlite_with_rowid=False,
    )
    later = ("level", "ref", "indicator", "period", "factors_of", "accounting", "method", "factors_hash")
    op.create_table(
        "later_factors",
        *[sa.Column(name, DAY if name in ("period", "factors_of") else TEXT, nullable=False) for name in later],
        *_maybe(NUMBER, "value"),
        sa.CheckConstraint(f"level IN ({LEVELS})", name=op.f("ck_later_factors_level")),
        sa.PrimaryKeyConstraint(*later, name=op.f("pk_later_factors")),
        sqlite_with_rowid=False,
    )
