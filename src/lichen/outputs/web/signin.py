# SPDX-License-Identifier: Apache-2.0
"""Signing in and out."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
