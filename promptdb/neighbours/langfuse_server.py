"""Reads the prompts of a Langfuse server. Source: its API reference, https://api.reference.langfuse.com, prompts v2."""

import json
import os
from contextlib import closing
from typing import Any
from urllib.parse import quote

from promptdb.domain.server_address import parse_server_address
from promptdb.errors import ConfigError, StorageError
from promptdb.neighbours.foreign import NotHeld
from promptdb.neighbours.reading import json_in
from promptdb.tls import verifying_context
from promptdb.web import failure_reason

PUBLIC_KEY, SECRET_KEY = "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"
"""Variables with the keys of a project, as the SDK of Langfuse reads them."""

MAX_PROMPTS = 10_000
_PAGE = 100
_MAX_BYTES = 4 * 1024**2  # of one answer
_SECONDS = 10.0


def download(address: str) -> bytes:
    """Fetch the newest version of each prompt, as the array that the pages of Langfuse export.

    Args:
        address: that of the server, with https, or with http on this machine. The keys are in the environment.

    Raises:
        ConfigError: the address is wrong, or the keys are missing or refused.
        StorageError: the server does not answer, or not as Langfuse does.
    """
    from urllib3 import PoolManager, make_headers

    try:
        url = parse_server_address(address)
    except ValueError as error:
        raise ConfigError(
            f"prompts cannot be read from there: {error}", "for example https://cloud.langfuse.com"
        ) from None
    keys = os.environ.get(PUBLIC_KEY), os.environ.get(SECRET_KEY)
    if not all(keys):
        raise ConfigError("there are no keys of Langfuse", f"set {PUBLIC_KEY} and {SECRET_KEY}")
    root = f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}/api/public/v2/prompts"
    headers = make_headers(basic_auth=":".join(map(str, keys)), user_agent="promptdb")
    context = verifying_context() if url.scheme == "https" else None
    # Direct: no variable can name a proxy, which would see the keys.
    with PoolManager(headers=headers, ssl_context=context) as pool:
        found = [_get(pool, root, f"/{quote(name, safe='')}?label=latest") for name in _names(pool, root)]
    return json.dumps(found).encode()


def _names(pool: Any, root: str) -> list[str]:
    names: list[str] = []
    page, pages = 1, 1
    while page <= pages:
        found = _get(pool, root, f"?page={page}&limit={_PAGE}")
        items, meta = found.get("data"), found.get("meta")
        if not isinstance(items, list) or not isinstance(meta, dict) or not isinstance(meta.get("totalPages"), int):
            raise StorageError(f"{root} does not answer as Langfuse does", "give the address of the server alone")
        names += [item["name"] for item in items if isinstance(item, dict) and isinstance(item.get("name"), str)]
        if len(names) > MAX_PROMPTS:
            raise StorageError(f"{root} has more than {MAX_PROMPTS:,} prompts", "export them in parts")
        page, pages = page + 1, meta["totalPages"] if items else 0
    return names


def _get(pool: Any, root: str, rest: str) -> dict[str, Any]:
    from urllib3 import Retry, Timeout
    from urllib3.exceptions import HTTPError

    try:
        answer = pool.request(
            "GET",
            root + rest,
            redirect=False,  # it would take the keys to another server
            preload_content=False,
            retries=Retry(2, redirect=False),
            timeout=Timeout(total=_SECONDS),
        )
        with closing(answer):
            data = answer.read(_MAX_BYTES + 1)
    except HTTPError as error:
        raise StorageError(f"{root}: {failure_reason(error)}", "is the address right?") from error
    if answer.status in (401, 403):
        raise ConfigError(f"{root} refuses the keys", f"check {PUBLIC_KEY} and {SECRET_KEY}")
    if answer.status != 200 or len(data) > _MAX_BYTES:
        reason = "an answer is too large" if answer.status == 200 else f"it answers with status {answer.status}"
        raise StorageError(f"{root}{rest.partition('?')[0]}: {reason}", "give the address of the server alone")
    try:
        found = json_in(data)
    except NotHeld:
        found = None
    if not isinstance(found, dict):
        raise StorageError(f"{root} does not answer as Langfuse does", "give the address of the server alone")
    return found
