# SPDX-License-Identifier: Apache-2.0
"""Visits and page views per day and journey: from access logs of web servers, or from tables of those who counted them."""

from lichen.collect.traffic.counted import DayRow, JourneyRule, LogReport, Pages

__all__ = ["DayRow", "JourneyRule", "LogReport", "Pages"]
