# SPDX-License-Identifier: Apache-2.0
"""Decisions: who, what, how much it earns and costs, what is aimed at, who may do what. SQLite by default, PostgreSQL by URL."""

from sqlalchemy.orm import Session

from lichen.store.opening import Store, open_store

__all__ = ["Session", "Store", "open_store"]
