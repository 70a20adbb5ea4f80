# SPDX-License-Identifier: Apache-2.0
"""Statistics of repeated measurements: how many samples, how precise, how noisy the host."""
