# SPDX-License-Identifier: Apache-2.0
"""Templates: what a new team starts with."""
