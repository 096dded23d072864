"""A commit of LangSmith: the manifest is LangChain's JSON."""

from typing import Any

from promptdb.domain.spec import PromptSpec
from promptdb.neighbours.foreign import Loss
from promptdb.neighbours.outgoing import langchain
from promptdb.neighbours.outgoing.origin import Origin

SEPARATOR = "-"
"""It stands for `/` in names."""


def exported(spec: PromptSpec, origin: Origin) -> tuple[dict[str, Any], list[Loss]]:
    """Write a commit with its description. Raises `NotHeld` as for LangChain."""
    manifest, losses = langchain.exported(spec, origin)
    commit: dict[str, Any] = {
        "owner": "-",
        "repo": origin.flat_name(SEPARATOR),
        "commit_hash": "",
        "manifest": manifest,
    }
    if spec.metadata.description:
        commit["description"] = spec.metadata.description
        losses = [loss for loss in losses if loss.place != "metadata.description"]
    return {**commit, "examples": []}, losses
