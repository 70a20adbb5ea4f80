# SPDX-License-Identifier: Apache-2.0
"""Containers of Docker and Podman, read from their control groups when local, from the engine when not."""
