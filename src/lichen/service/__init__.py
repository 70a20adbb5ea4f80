# SPDX-License-Identifier: Apache-2.0
"""Use cases: the only room that composes collectors, factors, model and ledger."""
