# SPDX-License-Identifier: Apache-2.0
"""Bills of cloud providers as activities: read, summed first, then understood, meter by meter.

A line of a bill is read into the columns of `lichen.collect.bills.line`, whatever its format. Lines are summed by all columns
that are no amounts, in one pass of an engine. What is left is small: its distinct meters are understood in Python
(`lichen.collect.bills.meter`), its distinct owners are found by rule, and both are joined back. No line is touched by Python.
"""
