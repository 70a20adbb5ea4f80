# SPDX-License-Identifier: Apache-2.0
"""``python -m lichen`` is ``lichen``."""

from lichen.cli import main

if __name__ == "__main__":
    main()
