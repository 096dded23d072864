"""Finds what the checkout says of an alias, for moves by hand that no sync has been asked about yet."""

from collections.abc import Collection

from promptdb.domain.git_refs import RefRules
from promptdb.domain.layout import ALIASES_FILE
from promptdb.domain.prompt_id import PromptId
from promptdb.files.aliases_file import read_aliases
from promptdb.files.tree import WorkTree
from promptdb.settings import AppSettings


def said_of(settings: AppSettings, alias: str, prompts: Collection[PromptId], root: str) -> dict[PromptId, str]:
    """Quote the line of the work tree that declares an alias of each prompt, or the pattern of the refs that move it.

    `root` precedes the path of the file. Prompts without either are left out.
    """
    rules = RefRules.of(settings.refs)
    if (pattern := rules.moving(alias)) is not None:
        return dict.fromkeys(prompts, f"syncs of {pattern} move it")
    declared = read_aliases(WorkTree(settings.prompts_path), rules).declarations
    return {
        found.prompt: f"{root}{ALIASES_FILE}:{found.line} declares {found.text}"
        for found in declared
        if found.alias == alias and found.prompt in prompts
    }
