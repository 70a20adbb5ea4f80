# SPDX-License-Identifier: Apache-2.0
"""The API for programs, version 1."""
