# SPDX-License-Identifier: Apache-2.0
"""Queries of a Prometheus as counters."""
