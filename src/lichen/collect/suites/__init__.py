# SPDX-License-Identifier: Apache-2.0
"""Existing browser suites, measured unchanged: which runner a command is, and what each of its test cases consumed."""
