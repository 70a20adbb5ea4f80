# SPDX-License-Identifier: Apache-2.0
"""Bulk factor tables and the scripts that make them. Nothing here is imported at run time."""
