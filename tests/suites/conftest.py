# SPDX-License-Identifier: Apache-2.0
"""The suites below are measured by tests; they are no tests of Lichen and need other runners."""

collect_ignore_glob = ["*"]
