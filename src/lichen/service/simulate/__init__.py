# SPDX-License-Identifier: Apache-2.0
"""The same workload elsewhere: its cost, footprint and hours of people, from a bill, an inventory or a declaration."""
