# SPDX-License-Identifier: Apache-2.0
"""What things are: specifications of hardware, each with its source. No impacts."""
