# SPDX-License-Identifier: Apache-2.0
"""Meters of electrical energy: of the processor, of graphics cards, of whatever counts joules or kilowatt-hours."""
