# SPDX-License-Identifier: Apache-2.0
"""The words that queries on the store are written in.

SQLAlchemy is imported in this room only; rooms above take these from here.
"""

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    asc,
    case,
    delete,
    desc,
    distinct,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.orm import Session, aliased

__all__ = [
    "ColumnElement", "Select", "Session", "aliased", "and_", "asc", "case", "delete", "desc", "distinct", "exists", "false",
    "func", "insert", "literal", "null", "or_", "select", "true", "tuple_", "update",
]  # fmt: skip
