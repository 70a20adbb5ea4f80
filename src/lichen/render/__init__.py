# SPDX-License-Identifier: Apache-2.0
"""Numbers, languages, charts and the terminal: how a result is said, in English and French."""
