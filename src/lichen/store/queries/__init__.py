# SPDX-License-Identifier: Apache-2.0
"""What the rooms above ask of the store, one module for each that asks. SQLAlchemy's words stay in this room."""
