"""The names of prompts in paths: their slashes, encoded or not, and words of routes in them."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.domain.prompt_id import PromptId
from promptdb.domain.wire.paths import WORDS, prompt_path, routed_path

API = "/api/v1"


@pytest.mark.parametrize(
    ("sent", "name", "below"),
    [
        ("support/triage", "support/triage", ""),
        ("support/triage/resolve", "support/triage", "/resolve"),
        ("support/eu/triage/resolve", "support/eu/triage", "/resolve"),
        ("support%2Feu%2Ftriage/resolve", "support/eu/triage", "/resolve"),
        ("support%2feu%2ftriage/resolve", "support/eu/triage", "/resolve"),
        ("support/eu/tri%61ge/%72esolve", "support/eu/triage", "/resolve"),
        ("support%2Fresolve", "support/resolve", ""),
        ("support%2Fresolve/resolve", "support/resolve", "/resolve"),
        ("resolve/resolve", "resolve", "/resolve"),
        ("versions/history2/diff", "versions/history2", "/diff"),
        ("a%2Fb%2Fresolve", "a/b/resolve", ""),
        ("a%2Fb%2Fresolve/resolve", "a/b/resolve", "/resolve"),
        ("a/b/resolve/c", "a/b/resolve/c", ""),
        ("a/b/assets/_data/rows.jsonl", "a/b", "/assets/_data/rows.jsonl"),
        ("a/b/assets/_data%2Frows.jsonl", "a/b", "/assets/_data/rows.jsonl"),
        ("a/b/assets/x/resolve", "a/b", "/assets/x/resolve"),
        ("a/b/aliases/production/rollback", "a/b", "/aliases/production/rollback"),
        ("a/b/aliases/x%2Frollback", "a/b", "/aliases/x%2Frollback"),
        ("hello", "hello", ""),
        ("hello/resolve", "hello", "/resolve"),
        # No name can have these, which is for the parser of names to say.
        ("support%252Ftriage/resolve", "support%2Ftriage", "/resolve"),
        ("../../etc/passwd/resolve", "../../etc/passwd", "/resolve"),
        ("..%2F..%2Fetc%2Fpasswd/resolve", "../../etc/passwd", "/resolve"),
        ("a//b/resolve", "a//b", "/resolve"),
        ("a/b%00/resolve", "a/b\0", "/resolve"),
        ("a/b%FF/resolve", "a/b\ufffd", "/resolve"),
    ],
)
def test_a_path_is_a_name_and_a_route_below_it(sent: str, name: str, below: str) -> None:
    assert routed_path(f"{API}/prompts/{sent}", API) == f"{API}/prompts/{quote(name, safe='')}{below}"


@pytest.mark.parametrize(
    ("sent", "routed"),
    [
        ("/exports/a/b/c/rev:3", "/exports/a%2Fb%2Fc/rev:3"),
        ("/exports/a%2Fb/git:release%2F2", "/exports/a%2Fb/git:release%2F2"),
        ("/snapshots/prod%75ction", "/snapshots/production"),
        ("/snapshots/a%2Fb", "/snapshots/a%2Fb"),
        ("/prompts/", "/prompts/"),
        ("/prompts", "/prompts"),
    ],
)
def test_other_paths_are_decoded_once(sent: str, routed: str) -> None:
    assert routed_path(API + sent, API) == API + routed


def test_a_path_outside_the_api_is_only_decoded() -> None:
    assert routed_path("/health%7A/prompts/a/b/resolve", API) == "/healthz/prompts/a/b/resolve"


SEGMENTS = st.one_of(st.sampled_from(WORDS), st.sampled_from(["a", "b", "support", "prompts", "exports"]))


@given(st.lists(SEGMENTS, min_size=2, max_size=5), st.sampled_from(["", "/resolve", "/assets/a/b", "/aliases/x/split"]))
def test_each_prompt_is_found_below_the_path_that_is_written_for_it(segments: list[str], below: str) -> None:
    prompt = PromptId.from_segments(segments)
    routed = routed_path(f"{API}/prompts/{prompt_path(prompt)}{below}", API)
    name, slash, rest = routed.removeprefix(f"{API}/prompts/").partition("/")
    assert (unquote(name), slash + rest) == (str(prompt), below)
