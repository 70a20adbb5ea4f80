# SPDX-License-Identifier: Apache-2.0
"""Collectors: what happened, in physical quantities. No collector knows a factor or a formula."""
