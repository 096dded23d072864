"""`promptdb dashboard`."""

import click

from promptdb.cli.termination import until_terminated
from promptdb.settings import load_settings


@click.command("dashboard")
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8501,
    show_default=True,
    help="Listen on this port (0: a free one).",
)
def command(host: str, port: int) -> int:
    """Show the registry in a browser: what is live, and what differs.

    Prints its address to standard error, and runs until ^C (exit status 130) or SIGTERM (status 0). It acts on the registry
    with the rights of whoever started it, so it listens on this machine only. With PROMPTDB_URL, it asks the server there, and
    each person enters a token of their own, unless PROMPTDB_TOKEN is set.

    Needs the extra 'dashboard': pip install 'promptdb-git[dashboard]'
    """
    from promptdb.dashboard.launch import require_extra, require_safe_host, run

    with until_terminated():
        require_extra()
        require_safe_host(host, load_settings())
        run(host, port, lambda url: click.echo(f"the dashboard is at {url}", err=True))
    return 0
