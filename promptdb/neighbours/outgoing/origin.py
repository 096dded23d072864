"""The facts of an exported version that its spec does not have."""

from dataclasses import dataclass

from promptdb.domain.prompt_id import DEFAULT_NAMESPACE, PromptId


@dataclass(frozen=True, slots=True)
class Origin:
    """The prompt, and the aliases that point at the version."""

    prompt: PromptId
    aliases: tuple[str, ...] = ()

    @property
    def short_name(self) -> str:
        """The name as people write it, without the namespace `default`."""
        return str(self.prompt).removeprefix(f"{DEFAULT_NAMESPACE}/")

    def flat_name(self, separator: str) -> str:
        """Write the name for tools whose names have no `/`."""
        return self.short_name.replace("/", separator)
