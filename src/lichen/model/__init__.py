# SPDX-License-Identifier: Apache-2.0
"""The model: pure formulas on sums of activities. Factor values come in as arguments; nothing here reads a file of factors."""
