# SPDX-License-Identifier: Apache-2.0
"""Use cases of cloud bills: importing them, and what was said of each import."""
