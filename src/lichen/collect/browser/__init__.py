# SPDX-License-Identifier: Apache-2.0
"""What is read from a running Chromium through its debugging port: requests, bytes, documents. Starts and drives nothing."""
