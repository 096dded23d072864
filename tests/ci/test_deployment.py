"""The files for containers: their commands, settings and secrets, as a parser sees them."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from promptdb.cli.app import cli
from promptdb.settings import PREFIX, AppSettings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if service["image"].startswith("promptdb")]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SECRETS = ("POSTGRES_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY")


def instruction(name: str) -> list[str]:
    """The arguments of an instruction in the form of a list."""
    found = re.findall(rf"^\s*{name} (\[.*\])$", DOCKERFILE, re.MULTILINE)
    arguments: list[str] = json.loads(found[-1])
    return arguments


def parse(arguments: list[str]) -> click.Context:
    """Parse the arguments of a command, as `promptdb` does, without running it. Raise UsageError if they are wrong."""
    command: click.Command = cli
    context = command.make_context("promptdb", list(arguments))
    while isinstance(command, click.Group):
        _, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        command = found
        context = command.make_context(command.name, rest, parent=context)
    return context


def filled(text: str) -> str:
    """The text with its variables, as compose fills them: secrets from .env, and defaults for the rest."""
    return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", lambda one: one[3] if one[2] == "-" else f"value{one[1]}", text)


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_one_of_ours(name: str) -> None:
    assert parse(SERVICES[name]["command"]).command.name


def test_the_image_serves_on_all_addresses() -> None:
    assert instruction("ENTRYPOINT") == ["promptdb"]
    assert parse(instruction("CMD")).params == {"host": "0.0.0.0", "port": 8000, "workers": 1}


def test_a_wrong_command_is_found() -> None:
    for wrong in (["serve", "--hots", "x"], ["nothing"], ["db", "upgrad"], ["serve", "--port", "x"]):
        with pytest.raises(click.UsageError):
            parse(wrong)


@pytest.mark.parametrize("name", OURS)
def test_each_setting_exists_and_has_a_value_that_fits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = SERVICES[name]["environment"]
    names = {variable.removeprefix(PREFIX).lower() for variable in environment}
    assert names <= AppSettings.model_fields.keys()
    for variable, value in environment.items():
        monkeypatch.setenv(variable, filled(value))
    settings = AppSettings()
    assert settings.storage_backend == "minio"
    assert settings.minio_secret_key is not None
    assert settings.minio_secret_key.get_secret_value() == "valueS3_SECRET_KEY"
    assert settings.minio_endpoint == "s3:8333"


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "compose.yaml").read_text()
    used = re.findall(r"\$\{(\w+):?(.)", text)
    assert {name for name, kind in used if kind == "?"} == set(SECRETS)
    assert not {name for name, kind in used if kind != "?"} & set(SECRETS)
    page = (ROOT / "docs" / "deploy.md").read_text()
    assert all(name in page for name in SECRETS)
    assert not re.search(r"password|secret|token|key", DOCKERFILE, re.IGNORECASE)
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


def test_the_s3_server_knows_the_keys_of_the_api() -> None:
    [identity] = json.loads(filled(COMPOSE["configs"]["s3"]["content"]))["identities"]
    api = SERVICES["api"]["environment"]
    [keys] = identity["credentials"]
    assert keys["accessKey"] == filled(api["PROMPTDB_MINIO_ACCESS_KEY"])
    assert keys["secretKey"] == filled(api["PROMPTDB_MINIO_SECRET_KEY"])
    target = SERVICES["s3"]["configs"][0]["target"]
    assert f"-s3.config={target}" in SERVICES["s3"]["command"]
    assert "-s3.port=8333" in SERVICES["s3"]["command"]
    assert "-master.telemetry=false" in SERVICES["s3"]["command"]


def test_images_are_pinned() -> None:
    images = [*re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)]
    images += [service["image"] for name, service in SERVICES.items() if name not in OURS]
    assert len(images) == 4
    assert all(re.search(r":\d+\.\d+", image) for image in images)


def test_the_container_has_few_rights_and_a_check() -> None:
    assert re.search(r"^USER 10001$", DOCKERFILE, re.MULTILINE)
    assert "healthz" in " ".join(instruction("CMD") + re.findall(r"HEALTHCHECK(?:.|\n)*?\]", DOCKERFILE))
    for name in OURS:
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES["api"]["ports"] == ["127.0.0.1:${PROMPTDB_PORT:-8000}:8000"]
    assert not any("ports" in service for name, service in SERVICES.items() if name != "api")


def test_what_the_image_is_built_from_is_sent_to_the_builder() -> None:
    copied = {
        name for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE) for name in line.split()[:-1]
    }
    sent = {
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    assert copied == sent
    assert all((ROOT / name).exists() for name in copied)
