# SPDX-License-Identifier: Apache-2.0
"""Where facts are kept. Run files are the landing format: a folder of them is enough for every command on one machine."""
