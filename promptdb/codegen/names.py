"""Names of types, made from the names of prompts and of JSON keys, without collisions."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from promptdb.domain.prompt_id import DEFAULT_NAMESPACE, PromptId

_MAX_STEM = 40
MAX_NAME = 56
"""The most characters of a name, so that lines with it stay short."""

_DIGEST = 4
KINDS = ("Prompt", "Variables", "Answer")
"""The endings of the names of types, after the stem of their prompt."""


def camel(text: str) -> str:
    """Join the words of a text, each with a capital first letter. Only ASCII letters and digits count."""
    return "".join(word[0].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", text) if word)


class Names:
    """Names that are taken, starting with those that a language or a module needs itself."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._taken = set(reserved)

    def take(self, wanted: str, key: str) -> str:
        """Take a name, or the same with a part of the digest of `key` if it is long or taken."""
        return self._free(wanted, key, MAX_NAME)

    def stems(self, prompts: Sequence[PromptId]) -> dict[PromptId, str]:
        """Take the names of all types of each prompt, and return the stem that they start with.

        A stem that several prompts would share gets a part of the digest of its prompt in each of them, so that none of the
        names depends on the order of the prompts.
        """
        wanted = {prompt: _stem(prompt) for prompt in prompts}
        shared = {stem for stem, count in Counter(wanted.values()).items() if count > 1}
        # The plain ones first: they keep their names.
        order = sorted(prompts, key=lambda prompt: (wanted[prompt] in shared, prompt))
        found = {}
        for prompt in order:
            is_marked = wanted[prompt] in shared
            found[prompt] = self._free(wanted[prompt], str(prompt), _MAX_STEM, KINDS, is_marked=is_marked)
        return found

    def _free(self, wanted: str, key: str, limit: int, kinds: Iterable[str] = ("",), *, is_marked: bool = False) -> str:
        length = _DIGEST if is_marked or len(wanted) > limit else 0
        digits = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest().upper()
        while True:
            name = wanted[: limit - length] + digits[:length]
            names = {name + kind for kind in kinds}
            if names.isdisjoint(self._taken):
                self._taken |= names
                return name
            length += _DIGEST


def spellings(prompt: PromptId) -> tuple[str, ...]:
    """List the names that a reference can have for a prompt."""
    return (prompt.name, str(prompt)) if prompt.namespace == DEFAULT_NAMESPACE else (str(prompt),)


def _stem(prompt: PromptId) -> str:
    stem = camel(prompt.name if prompt.namespace == DEFAULT_NAMESPACE else str(prompt))
    return stem if stem[0].isalpha() else f"P{stem}"
