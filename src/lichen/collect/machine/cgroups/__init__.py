# SPDX-License-Identifier: Apache-2.0
"""Control groups of either version, and network bytes of what has one, or a network namespace, to itself."""
