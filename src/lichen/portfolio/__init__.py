# SPDX-License-Identifier: Apache-2.0
"""Pure functions on applications, periods and targets."""
