"""`promptdb mcp`."""

import signal
from contextlib import closing

import click

from promptdb.cli.present.text import one_line
from promptdb.cli.termination import until_terminated
from promptdb.client.sources.choice import chosen
from promptdb.domain.refs import LATEST, parse_alias
from promptdb.errors import MissingExtra
from promptdb.settings import load_settings


@click.command("mcp")
@click.option(
    "--alias", default="production", show_default=True, help="Offer the versions of this alias, or the latest ones."
)
@click.option("--namespace", help="Offer only prompts in this namespace and below it.")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Listen at this port of this machine over HTTP (0: a free one)."
)
def command(alias: str, namespace: str | None, port: int | None) -> int:
    """Offer prompts to MCP clients, such as editors and chat programs.

    The client starts this command, and speaks to it over standard input and output. With --port it runs until ^C (exit status
    130) or SIGTERM (status 0), and answers streamable HTTP at /mcp. The prompts come from the source that PROMPTDB_SOURCE
    names, as for any application. Clients hear of promotions and new prompts.

    Needs the extra 'mcp': pip install 'promptdb-git[mcp]'
    """
    try:
        from promptdb.integrations.mcp.running import serve_client, serve_http
    except ModuleNotFoundError as error:
        raise MissingExtra("the MCP server needs the MCP SDK", "pip install 'promptdb-git[mcp]'") from error
    from promptdb.integrations.mcp.catalog import Catalog

    catalog = Catalog(chosen(load_settings()).source, alias if alias == LATEST else parse_alias(alias), namespace)
    with closing(catalog):
        catalog.refresh()
        if not catalog.names:
            place = "" if namespace is None else f" in {namespace}"
            click.echo(one_line(f"note: no prompt{place} has the alias {alias} yet"), err=True)
        if port is None:
            # The thread that reads standard input would hold the process until the client closes it.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            serve_client(catalog)
        else:
            with until_terminated():
                serve_http(catalog, port, lambda address: click.echo(f"listening at {address}", err=True))
    return 0
