# SPDX-License-Identifier: Apache-2.0
"""The board: figures of applications, teams and the organisation, read from small indexed tables."""
