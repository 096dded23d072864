"""Code that renders a prompt as the page does, to copy. It has no token, and no text that a shell would run."""

import pprint
import shlex
from urllib.parse import quote

from promptdb.dashboard.inputs import Values, to_json
from promptdb.dashboard.links import FILE
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.wire.paths import prompt_path

LOCAL_SERVER = "http://localhost:8000"
"""The address at which `promptdb serve` listens by default."""

MAX_VALUES = 2_000
"""Characters of values in a snippet. More of them are read from a file."""

REQUEST_FILE = "request.json"

_CALLS = {"Text": "render_text", "Messages": "render_messages", "OpenAI": "to_openai", "Anthropic": "to_anthropic"}


def fits_in_code(values: Values) -> bool:
    return len(to_json(values)) <= MAX_VALUES


def request_body(form: str, values: Values) -> str:
    """Write the body of a request to the HTTP API, which is also the file that the code reads."""
    return to_json({"variables": values, "as": form.lower()})


def python_code(prompt: PromptId, selector: str, form: str, values: Values) -> str:
    """Write a Python program that renders the same. It finds the registry in its environment."""
    written = pprint.pformat(dict(values), width=100, sort_dicts=False)
    start = ["import json", "from pathlib import Path", ""]
    if not fits_in_code(values):
        written = f"json.loads(Path({REQUEST_FILE!r}).read_text())['variables']"
    named = f"{prompt}" if selector == FILE else f"{prompt}:{selector}"
    comment = ["# PROMPTDB_SOURCE=files reads the prompt files of the checkout."] if selector == FILE else []
    return "\n".join(
        [
            *([] if fits_in_code(values) else start),
            "from promptdb import PromptClient",
            "",
            f"values = {written}",
            *comment,
            "with PromptClient.from_env() as client:",
            f"    prompt = client.get({named!r})",
            f"    print(prompt.{_CALLS[form]}(values))",
        ]
    )


def curl_command(
    prompt: PromptId, selector: str, form: str, values: Values, server: str | None, prefix: str
) -> str | None:
    """Write a command that asks the HTTP API for the same. None for a file, which no server has."""
    if selector == FILE:
        return None
    address = (
        f"{server or LOCAL_SERVER}{prefix}/prompts/{prompt_path(prompt)}/render?selector={quote(selector, safe='')}"
    )
    lines = [
        f"curl {shlex.quote(address)}",
        # Double quotes: the shell fills in the token.
        '-H "Authorization: Bearer $PROMPTDB_TOKEN"',
        "-H 'Content-Type: application/json'",
    ]
    body = shlex.quote(request_body(form, values)) if fits_in_code(values) else f"@{REQUEST_FILE}"
    lines.append(f"--data-binary {body}")
    return " \\\n  ".join(lines)
