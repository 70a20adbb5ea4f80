# SPDX-License-Identifier: Apache-2.0
"""The page of settings: the organisation's names, weights and targets."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/settings", include_in_schema=False)
