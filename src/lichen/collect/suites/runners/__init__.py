# SPDX-License-Identifier: Apache-2.0
"""The runners that come with Lichen: one file each, registered in ``lichen.suite_runners``."""
