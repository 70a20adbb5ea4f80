# SPDX-License-Identifier: Apache-2.0
"""Every element that pages are made of, each on one page, to look at and to test."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/-", include_in_schema=False)
