# SPDX-License-Identifier: Apache-2.0
"""Process trees: clocks read without root, commands started behind a gate, signals handed on."""
