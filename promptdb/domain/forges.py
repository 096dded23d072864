"""Addresses of files at their commits, on the sites that host git repositories."""

import re
from urllib.parse import quote

COMMIT, PATH = "{commit}", "{path}"

_SCP = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+):(?!//)/?(?P<path>[\w./~-]+)")
_URL = re.compile(r"(?:https?|ssh|git)://(?:[^@/]+@)?(?P<host>[\w.-]+)(?P<port>:\d+)?/(?P<path>[\w./~-]+)")


def link_template(remote: str) -> str | None:
    """Make the template of links from the address of a remote, or return None if it is not on the web.

    A known host name decides the form. Any other is taken for a site like GitHub, as most are.
    """
    found = _URL.fullmatch(remote) or _SCP.fullmatch(remote)
    if found is None or "." not in found["host"]:
        return None
    top = f"https://{found['host'].lower()}/{quote(found['path'].removesuffix('/').removesuffix('.git'))}"
    if "gitlab" in found["host"]:
        return f"{top}/-/blob/{COMMIT}/{PATH}"
    if "bitbucket" in found["host"]:
        return f"{top}/src/{COMMIT}/{PATH}"
    if "gitea" in found["host"] or "codeberg" in found["host"]:
        return f"{top}/src/commit/{COMMIT}/{PATH}"
    return f"{top}/blob/{COMMIT}/{PATH}"


def file_address(template: str, commit: str, path: str) -> str:
    """Fill in a template. `path` starts at the top of the repository."""
    encoded = quote(path.encode(errors="surrogateescape"))
    return template.replace(COMMIT, quote(commit)).replace(PATH, encoded)
