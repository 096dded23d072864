"""Version ids are pinned: other values would re-identify what users have stored."""

from uuid import UUID

from promptdb.domain.digest import digest_of
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.version_ids import prompt_id, version_id

TRIAGE = PromptId("support", "triage")
DIGEST = digest_of(b"x")


def test_the_id_of_a_prompt_is_pinned():
    assert prompt_id(TRIAGE) == UUID("79e87b94-3537-54bb-8a75-2b9b00d1c02d")


def test_the_id_of_a_version_is_pinned():
    assert version_id(prompt_id(TRIAGE), 1, DIGEST) == UUID("473d3c8f-d262-5110-80a9-761e9f466108")


def test_ids_are_uuid_version_5():
    assert prompt_id(TRIAGE).version == version_id(prompt_id(TRIAGE), 1, DIGEST).version == 5


def test_a_later_prompt_of_the_same_name_has_an_id_of_its_own():
    ids = {prompt_id(TRIAGE, generation) for generation in range(4)}
    assert len(ids) == 4


def test_the_id_depends_on_prompt_revision_and_digest():
    prompt, other = prompt_id(TRIAGE), prompt_id(PromptId("support", "reply"))
    ids = {
        version_id(prompt, 1, DIGEST),
        version_id(other, 1, DIGEST),
        version_id(prompt, 2, DIGEST),
        version_id(prompt, 1, digest_of(b"y")),
    }
    assert len(ids) == 4
