# SPDX-License-Identifier: Apache-2.0
"""How the tables came to be: one script a change, applied when a store is opened."""
