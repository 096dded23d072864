"""`promptdb token`: the secret is printed once, alone, and nowhere else."""

import io
import re
import sys
from pathlib import Path

import pytest
from clitools import Run, failure, steady

from promptdb.domain.tokens import TOKEN_PATTERN, token_text

VALID = token_text("abcdefghijklmnopqrstuvwxyzABCD")


def give(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))


def test_the_token_stands_alone_on_standard_output(run: Run, synced: Path) -> None:
    made = run("token", "create", "ci", "--scope", "read@support", "--scope", "promote:production")
    assert made.code == 0
    assert re.fullmatch(rf"{TOKEN_PATTERN}\n", made.out)
    assert made.err == (
        f"note: token ci (id 1, ...{made.out[-5:-1]}) has read@support, promote:production and ends when it is revoked;"
        " it is not shown again\n"
    )
    listed = run("token", "list")
    assert steady(listed.out).replace(made.out[-5:-1], "abcd") == (
        "ID  NAME  TOKEN    STATE   SCOPES                            EXPIRES  LAST USED  BY      CREATED\n"
        "1   ci    ...abcd  active  read@support, promote:production  never    never      tester  2026-01-01 00:00\n"
    )
    assert made.out[:20] not in listed.out


def test_a_scope_with_the_name_of_a_prompt_is_a_warning(run: Run, synced: Path) -> None:
    made = run("token", "create", "ci", "--scope", "read@support/triage", "--scope", "read@support/*")
    assert made.code == 0
    assert made.err.startswith(
        "warning: read@support/triage does not cover the prompt support/triage: a scope cannot name a prompt\nnote: "
    )
    assert "warning" not in run("token", "create", "cd", "--scope", "read@support").err


def test_quiet_prints_the_token_all_the_same(run: Run, synced: Path) -> None:
    made = run("-q", "token", "create", "ci", "--scope", "read")
    assert re.fullmatch(rf"{TOKEN_PATTERN}\n", made.out)
    assert made.err == ""


def test_a_revoked_token_stays_in_the_list(run: Run, synced: Path) -> None:
    made = run("token", "create", "ci", "--scope", "read", "--expires", "90d", "--json").json
    assert made["expires_at"] > made["created_at"]
    assert run("token", "revoke", "ci").out == f"token ci (id 1, ...{made['token'][-4:]}) is revoked\n"
    assert [(token["state"], "token" in token) for token in run("token", "list", "--json").json] == [("revoked", False)]
    assert run("token", "create", "ci", "--scope", "read") == (
        5,
        "",
        failure(
            "there is a token 'ci', which is revoked",
            "take another name: histories name tokens, so a name is given once",
        ),
    )


def test_an_unknown_token_is_not_revoked_and_a_secret_not_repeated(run: Run, synced: Path) -> None:
    hint = "'promptdb token list' shows names and ids"
    assert run("token", "revoke", VALID) == (1, "", failure("no token has this name", hint))
    assert run("token", "revoke", "3") == (1, "", failure("no token has the id 3", hint))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ci"], "Missing option '--scope'"),
        (["ci", "--scope", "fly"], "'fly' is not a scope; use read, write, promote:ALIAS or admin"),
        (["ci", "--scope", "read@support/**"], "'support/**' is not a pattern of namespaces"),
        (["ci", "--scope", "read", "--expires", "soon"], "'soon' is neither a number of days nor a time"),
        (["ci", "--scope", "read", "--expires", "0d"], "'0d' is neither"),
        (["ci", "--scope", "read", "--expires", "99999d"], "'99999d' is neither"),
        (["ci", "--scope", "read", "--expires", "2020-01-31"], "the token would have expired at 2020-01-31"),
        (["12", "--scope", "read"], "'12' cannot name a token"),
        ([VALID, "--scope", "read"], "the name of a token cannot start with pdb_"),
    ],
)
def test_a_token_that_would_surprise_its_owner_is_not_made(
    run: Run, synced: Path, arguments: list[str], message: str
) -> None:
    refused = run("token", "create", *arguments)
    assert refused.code != 0
    assert refused.out == ""
    assert message in refused.err
    assert VALID not in refused.err
    assert run("token", "list") == (0, "", "no tokens; 'promptdb token create' makes one\n")


def test_no_database_is_made_for_a_token(run: Run, project: Path) -> None:
    refused = run("token", "create", "ci", "--scope", "admin")
    assert "there is no database" in refused.err
    assert list(project.glob("*.sqlite3")) == []


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (VALID.encode(), 0, "this is the form of a token\n"),
        (f"  {VALID}\r\n".encode(), 0, "this is the form of a token\n"),
        (VALID[:-1].encode(), 1, "this is not a token: a token has 40 characters, and this has 39\n"),
        (VALID.encode() * 1000, 1, "this is not a token: a token has 40 characters, and this has 1000\n"),
        (b"", 1, "this is not a token: there is no text\n"),
        (b"pdb_\xff", 1, "this is not a token: a token has 40 characters, and this has 5\n"),
    ],
)
def test_check_reads_standard_input_and_repeats_nothing(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, code: int, said: str
) -> None:
    give(monkeypatch, text)
    assert run("token", "check") == (code, said, "")
    give(monkeypatch, text)
    checked = run("token", "check", "--json").json
    assert checked["well_formed"] is (code == 0)
    assert checked["fault"] is None or checked["fault"] in said


def test_check_takes_no_argument_that_others_could_see(run: Run, project: Path) -> None:
    refused = run("token", "check", VALID)
    assert refused.code == 2
    assert "unexpected extra argument" in refused.err
