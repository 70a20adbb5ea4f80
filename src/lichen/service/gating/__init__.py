# SPDX-License-Identifier: Apache-2.0
"""Holds what was measured to the budgets of lichen.toml: `lichen gate`."""
