# SPDX-License-Identifier: Apache-2.0
"""What cloud providers say of their own emissions, as rows of one shape: to be held against, never to be counted."""
