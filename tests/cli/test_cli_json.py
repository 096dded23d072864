"""The keys of all JSON output, frozen: programs read them. docs/json-output.md tells the same."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clitools import TRIAGE, Make, Run, commands, keys
from registries import write
from repositories import commit_all, new_repository

DOCS = Path(__file__).parents[2] / "docs" / "json-output.md"

VERSION = dict.fromkeys(
    ("id", "prompt", "revision", "spec_hash", "user_version", "created_by", "created_at", "is_recorded")
)
PROVENANCE = dict.fromkeys(("path", "commit_id", "branch", "author", "committed_at", "blob_id", "is_dirty"))
MOVE = dict.fromkeys(
    ("prompt", "alias", "action", "from_revision", "to_revision", "to_version", "from_version", "generation")
) | {"breaking": [], "git_target": None}
ASSET = dict.fromkeys(("kind", "object_key", "content_type", "byte_size", "checksum_sha256", "path"))
CHANGE = {
    **dict.fromkeys(("action", "prompt", "path", "revision", "digest", "old_revision", "old_digest", "renamed_from")),
    "parts": [],
    "files": [],
    "contract": [],
}
CONTRACT_CHANGE = dict.fromkeys(("kind", "name", "message", "is_breaking"))
CHANGED_FILE = dict.fromkeys(("path", "change"))
ALIAS_MOVE = dict.fromkeys(("prompt", "alias", "from_revision", "to_revision", "reason", "breaking"))
ORDER = dict.fromkeys(("verdict", "ref", "commit_id"))
PLAN = {
    "changes": [CHANGE],
    "unchanged": None,
    "missing": [None],
    "unconfirmed": [],
    "label_conflicts": [],
    "tracked": None,
    "order": ORDER,
    "moves": [],
    "held": [],
    "ended_holds": [],
    "reused": [],
    "proposed_renames": [],
    "passed_renames": [],
}
PROBLEM = dict.fromkeys(("path", "line", "column", "code", "message", "hint", "detail", "severity"))
METADATA = {**dict.fromkeys(("title", "description", "user_version")), "tags": [], "owners": [], "labels": {}}
SPEC: dict[str, Any] = {
    **dict.fromkeys(("kind", "template", "messages", "variables", "response_schema", "template_format", "few_shot")),
    "partial_variables": {},
    "model": {},
    "tools": [],
    "metadata": METADATA,
    "assets": [],
    "includes": {},
}
TOKEN = {
    **dict.fromkeys(
        ("id", "name", "last_four", "created_by", "created_at", "expires_at", "revoked_at", "last_used_at")
    ),
    "state": None,
    "scopes": [None],
}
WEBHOOK = {
    **dict.fromkeys(("id", "url", "namespace", "created_by", "created_at", "rests_until", "disabled_at")),
    **dict.fromkeys(("disabled_reason", "pending", "failed")),
    "events": [None],
}
DELIVERY = {
    **dict.fromkeys(("id", "webhook_id", "message_id", "event", "prompt", "state", "attempts", "created_at")),
    **dict.fromkeys(("attempted_at", "due_at", "status", "error")),
}
ATTEMPT = {
    **dict.fromkeys(("delivery_id", "webhook_id")),
    "answer": dict.fromkeys(("status", "error", "retry_after")),
    "outcome": dict.fromkeys(("state", "due_at", "rests_until", "disables")),
}
ROWS = dict.fromkeys(
    (
        *("prompts", "sync_runs", "prompt_versions", "prompt_assets", "version_sources"),
        *("prompt_aliases", "alias_events", "git_targets", "prompt_redirects", "prompt_absences", "source_heads"),
    )
)

SHAPES: dict[str, Any] = {
    "list": [
        {**dict.fromkeys(("prompt", "version_id", "revision", "spec_hash", "updated_at", "archived")), "aliases": {}}
    ],
    "show greet": {"ref": None, **VERSION, "spec": SPEC, "assets": [ASSET]},
    "log greet": [{"version": VERSION, "source": PROVENANCE, "aliases": {}}],
    "render greet -v name=Bo -v place=Oz": {
        "ref": None,
        "version": VERSION,
        "text": None,
        "messages": [{"role": None, "content": None}],
    },
    "diff greet": {"from": None, "to": None, "parts": [], "diff": [None], "contract": []},
    "plan": PLAN,
    "sync": {"plan": PLAN, "run_id": None, "confirmed": []},
    "status": {
        **dict.fromkeys(
            ("prompts_root", "database", "schema", "blobs", "branch", "commit", "dirty", "problems", "refused")
        ),
        "plan": PLAN,
    },
    "promote support/triage canary": [MOVE],
    "promote --all latest canary": [MOVE],
    "rollback support/triage production": [MOVE],
    "alias set support/triage canary": [MOVE],
    "alias delete support/triage production": [MOVE],
    "alias list": [dict.fromkeys(("prompt", "alias", "revision", "version_id", "generation", "updated_at", "held"))],
    "alias log support/triage": [
        dict.fromkeys(
            ("prompt", "alias", "action", "from_revision", "to_revision", "actor", "reason", "created_at", "run_id")
        )
        | {"breaking": [], "run_id": None}
    ],
    "register-file prompts/greet.txt": {"version": VERSION, "created": None, "revived": None, "alias": None},
    "export greet out.yaml": {"ref": None, "files": [None]},
    "export --all out.zip": {"file": None, "rows": ROWS, "blobs": None},
    "mv greet hello --dry-run": {
        **dict.fromkeys(("from", "to", "old_path", "new_path", "makes_version", "is_valid", "claimed_by", "staged")),
        **dict.fromkeys(("undo", "dry_run")),
        "renamed_from": [None],
        "mended": [],
        "declared_aliases": [],
    },
    "snapshot -o x.snapshot --alias production": {
        **dict.fromkeys(("file", "address", "published", "digest", "registry", "generation", "namespace", "prompts")),
        **dict.fromkeys(("versions", "with_assets", "size", "key")),
        "aliases": {},
    },
    "token create ci --scope read": {"token": None, **TOKEN},
    "token list": [TOKEN],
    "token revoke deploy": TOKEN,
    "webhook add https://example.com/a --event sync.finished": {"webhook": WEBHOOK, "secret": None},
    "webhook list": [WEBHOOK],
    "webhook rotate 1": {"webhook": WEBHOOK, "secret": None, "previous_until": None},
    "webhook enable 1": WEBHOOK,
    "webhook deliver": [ATTEMPT],
    "webhook deliveries": [DELIVERY],
    "webhook replay 1": {"webhook": None, "deliveries": None},
    "webhook remove 1": WEBHOOK,
    "db current": dict.fromkeys(("database", "current", "needed")),
}


@pytest.fixture
def busy(copied: Callable[[Make], Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry with history, and a tree with something of everything to plan."""
    monkeypatch.setenv("PROMPTDB_WEBHOOK_PRIVATE_NETWORKS", '["127.0.0.1"]')
    return copied(make_busy)


def make_busy(folder: Path) -> None:
    write(folder, {"prompts/gone.txt": "x"})
    git = new_repository(folder)
    commit_all(git)
    commands("sync")
    for revision in (1, 2):
        commands(f"promote support/triage:rev:{revision} production")
        write(folder, {"prompts/support/triage.yaml": TRIAGE.replace("Triage", f"Sort {revision}")})
        commands("sync")
    commands("token create deploy --scope promote:production")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROMPTDB_WEBHOOK_PRIVATE_NETWORKS", '["127.0.0.1"]')
        # Nothing answers there.
        commands("webhook add http://127.0.0.1:1/ --event alias.moved")
    commands("promote support/triage staging")
    write(folder, {"prompts/greet.txt": "Hi {name} in {place}!"})
    (folder / "prompts/gone.txt").unlink()


def in_json(run: Run, command: str) -> Any:
    ran = run(*command.split(), "--json")
    assert ran.code == 0, ran.err
    assert ran.err == ""
    return json.loads(ran.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.mark.slow
@pytest.mark.parametrize("command", SHAPES)
def test_the_keys_of_each_command_are_frozen(run: Run, busy: Path, command: str) -> None:
    assert keys(in_json(run, command)) == SHAPES[command]


def test_the_keys_of_a_file_that_an_update_comes_from_are_frozen(run: Run, project: Path) -> None:
    write(project, {"prompts/m.mustache": "{{> _f}}", "prompts/_f": "x"})
    assert run("sync").code == 0
    write(project, {"prompts/_f": "y"})
    [change] = in_json(run, "plan")["changes"]
    assert keys(change) == {**CHANGE, "files": [CHANGED_FILE]}


def test_the_keys_of_check_are_frozen(run: Run, project: Path) -> None:
    write(project, {"prompts/warn.yaml": "template: x\nvariables: {a: {}}\n"})
    assert keys(in_json(run, "check")) == {"prompts": None, "tests": None, "problems": [PROBLEM], "blank_chats": None}


def test_a_message_has_further_keys_where_they_are_set(run: Run, project: Path) -> None:
    message = "{role: generic, role_name: judge, name: Jo, template: x, additional_kwargs: {a: 1}}"
    write(project, {"prompts/m.yaml": f"messages: [{message}]\n"})
    assert run("sync").code == 0
    assert in_json(run, "render m")["messages"] == [
        {"role": "generic", "role_name": "judge", "name": "Jo", "content": "x", "additional_kwargs": {"a": 1}}
    ]


def test_the_keys_of_a_full_spec_are_frozen(run: Run, project: Path) -> None:
    text = (
        "messages: [{variable_name: past, optional: true}, {role: human, template: '{a}'}]\n"
        "variables: {a: {type: string, enum: [x], description: d}}\n"
        "few_shot: {examples: [{q: x}], chat_messages: [{role: human, template: '{q}'}]}\n"
        "assets: [{path: _data.csv}]\n"
    )
    write(project, {"prompts/full.yaml": text, "prompts/_data.csv": "x"})
    assert run("sync").code == 0
    spec = in_json(run, "show full")["spec"]
    message = dict.fromkeys(("role", "template", "role_name", "name")) | {"additional_kwargs": {}}
    assert [keys(item) for item in spec["messages"]] == [dict.fromkeys(("variable_name", "optional")), message]
    assert keys(spec["variables"]["a"]) == {
        **dict.fromkeys(("type", "required", "default", "description")),
        "enum": [None],
    }
    assert keys(spec["few_shot"]) == {
        **dict.fromkeys(("string_template", "insert_at", "example_separator")),
        "chat_messages": [message],
        "examples": [{"q": None}],
    }
    assert keys(spec["assets"]) == [dict.fromkeys(("path", "kind", "digest"))]


def make_of_any_script(folder: Path) -> None:
    write(folder, {"prompts/greet.txt": "Grüße {name} {place} \U0001f600"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROMPTDB_ACTOR", "Zoë 日本")
        commands("sync", "promote support/triage production")


@pytest.mark.parametrize("command", SHAPES)
@pytest.mark.slow
def test_text_of_any_script_is_readable(
    run: Run, copied: Callable[[Make], Path], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTDB_ACTOR", "Zoë 日本")
    copied(make_of_any_script)
    ran = run(*command.split(), "--json")
    assert "\\u" not in ran.out


def top_level(shape: Any) -> set[str]:
    return set(shape[0] if isinstance(shape, list) else shape)


@pytest.mark.parametrize("command", [*SHAPES, "check"])
def test_every_key_is_documented(command: str) -> None:
    """In the row of the command, in braces; a version, a plan and a move have a place of their own on the page."""
    page = DOCS.read_text(encoding="utf-8")
    words = next(name for name in (command, *(" ".join(command.split()[:n]) for n in (2, 1))) if f"`{name}" in page)
    rows = [line for line in page.splitlines() if line.startswith("|")]
    row = next(line for line in rows if re.search(rf"`{words}`", line.split(" | ")[0]))
    braces = {key for group in re.findall(r"\{([^}]*)\}", row) for key in re.findall(r"\w+", group)}
    shape = (
        {"prompts", "tests", "problems", "blank_chats", *PROBLEM} if command == "check" else top_level(SHAPES[command])
    )
    if words == "show":
        shape -= VERSION.keys()
        braces |= set(re.findall(r"`(\w+)`", row))
    assert shape - braces == set()
    assert braces - shape <= {"role", "content", "show"}


@pytest.mark.parametrize(
    "part",
    [
        *(VERSION, PROVENANCE, CHANGE, CHANGED_FILE, CONTRACT_CHANGE, ASSET, MOVE, PROBLEM, ORDER, ALIAS_MOVE, WEBHOOK),
        *(DELIVERY, ATTEMPT["answer"], ATTEMPT["outcome"], ATTEMPT),
    ],
    ids=[
        "version",
        "provenance",
        "change",
        "changed file",
        "contract change",
        "asset",
        "move",
        "problem",
        "order",
        "alias move",
        "webhook",
        "delivery",
        "answer",
        "outcome",
        "attempt",
    ],
)
def test_every_key_of_a_part_is_documented(part: dict[str, Any]) -> None:
    page = DOCS.read_text(encoding="utf-8")
    groups = [set(re.findall(r"\w+", group)) for group in re.findall(r"\{([^{}]*)\}", page)]
    assert set(part) in groups
