"""Where a client's prompts come from. A source may wrap another one, which is how a cache joins."""

from typing import Protocol

from promptdb.domain.refs import PromptRef
from promptdb.domain.views import StoredVersion
from promptdb.service import PromptService


class Source(Protocol):
    def find(self, ref: PromptRef) -> StoredVersion:
        """The version a reference names.

        Raises:
            NotFound: there is none: a definite answer.
            StorageError: the source cannot be reached: no answer.
        """
        ...


class DatabaseSource:
    """Straight from the registry's database."""

    def __init__(self, service: PromptService) -> None:
        self._service = service

    def find(self, ref: PromptRef) -> StoredVersion:
        return self._service.find(ref)
