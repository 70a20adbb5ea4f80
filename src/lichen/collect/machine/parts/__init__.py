# SPDX-License-Identifier: Apache-2.0
"""Server parts as declared: started, waited for, reset, watched, and stopped whatever happens."""
