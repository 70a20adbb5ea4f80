# SPDX-License-Identifier: Apache-2.0
"""Alembic's entry: it is handed an open connection, inside the transaction that `lichen.store.schema` began."""

from __future__ import annotations

from alembic import context

from lichen.store.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    version_table=context.config.attributes["version_table"],
    # SQLite cannot alter most of a table in place: Alembic writes a copy of it.
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
