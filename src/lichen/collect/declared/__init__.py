# SPDX-License-Identifier: Apache-2.0
"""What people declare in tables: value, cost, equipment."""
