# SPDX-License-Identifier: Apache-2.0
"""``lichen serve``."""

from __future__ import annotations

import click

from lichen.cli.invocation import Invocation, common_options, setting_option


@click.command("serve", epilog="Example: lichen serve --port 8080")
@setting_option("--host", "server.host", "ADDRESS")
@setting_option("--port", "server.port", "PORT")
@click.option("--demo", is_flag=True, help="Start with the sample portfolio, marked as a sample.")
@common_options
@click.pass_obj
def command(invocation: Invocation, demo: bool) -> None:
    """Serve the dashboard and the API until Ctrl-C.

    Runs of the folder of run files are taken in at the start. Without any account, the address printed signs you in once.
    """
    from lichen.outputs.web.serving import serve

    serve(invocation.workspace(), demo=demo, say=click.echo)
