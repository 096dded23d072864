"""`promptdb serve`."""

import click

from promptdb.cli.opening import registry
from promptdb.cli.termination import until_terminated
from promptdb.settings import load_settings


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen on this address, such as 0.0.0.0 for all.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Listen on this port (0: a free one).",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Answer in so many processes."
)
def command(host: str, port: int, workers: int) -> int:
    """Serve prompts to applications over HTTP.

    Runs until ^C (exit status 130) or SIGTERM (status 0), and lets requests end first. The log goes to standard error: as JSON,
    one object a line, or as text on a terminal. Without an access token in the registry, the server listens on this machine
    only. 'promptdb token create' makes one.

    Needs the extra 'api': pip install 'promptdb-git[api]'
    """
    from promptdb.api.server import listen, require_extra, run
    from promptdb.domain.exposure import require_safe_place
    from promptdb.registry.tokens import has_tokens

    with until_terminated():
        require_extra()
        settings = load_settings()
        with registry(settings) as opened:
            has_any = has_tokens(opened)
        require_safe_place(host, has_tokens=has_any)
        return 0 if run(settings, listen(host, port), workers, has_tokens=has_any) else 1
    return 0
