# SPDX-License-Identifier: Apache-2.0
"""The server: pages for people, an API for programs, the ingest of runs."""
