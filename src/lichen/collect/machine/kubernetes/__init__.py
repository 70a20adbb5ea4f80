# SPDX-License-Identifier: Apache-2.0
"""Pods, through kubelets or through Prometheus."""
