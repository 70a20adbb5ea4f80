# SPDX-License-Identifier: Apache-2.0
"""TOML files of users: whatever is wrong with one becomes one of three exceptions, and none can be waited for for ever."""

from __future__ import annotations

import errno
import stat
import tomllib
from pathlib import Path
from typing import Any


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """Content of a TOML file, and its text.

    Raises:
        OSError: it cannot be read, or is no regular file: a pipe nobody writes to would be waited for for ever.
        UnicodeDecodeError: it is not UTF-8.
        tomllib.TOMLDecodeError: it is not TOML, is nested too deeply, or holds an integer of thousands of digits.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    text = path.read_text(encoding="utf-8")
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("it is nested too deeply") from error
    except ValueError as error:  # what int() says of too many digits
        raise tomllib.TOMLDecodeError("a number has too many digits") from error
