# SPDX-License-Identifier: Apache-2.0
"""The command line: one file a command, thin: parse, call the service, render. Commands are imported when they are called."""

from lichen.cli.app import main

__all__ = ["main"]
