"""TLS to PostgreSQL, with PgBouncer as the one that speaks it: what works, and what each failure is told as."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from certificates import make_certificates
from pgbouncer import Pooler, running_pooler
from postgres import PostgresServer
from registries import rows, write

from promptdb.cli import app
from promptdb.db.engine import reading
from promptdb.domain.plan import Policy
from promptdb.errors import Unreachable
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree


@dataclass(frozen=True)
class Tls:
    """`folder` has certificates, each with its key beside it; `ports` are those of the servers, by name."""

    folder: Path
    poolers: dict[str, Pooler]
    server: PostgresServer

    def url(self, name: str, options: str, database: str = "postgres") -> str:
        """`options` may name files of the folder as `{}/FILE`."""
        server = self.poolers.get(name, self.server)
        return f"{server.url(database)}?{options.format(*[self.folder] * options.count('{}'))}"


SERVERS = {
    "tls": ("server", "client_tls_sslmode = require"),
    "offers tls": ("server", "client_tls_sslmode = allow"),
    "another name": ("elsewhere", "client_tls_sslmode = require"),
    "expired": ("expired", "client_tls_sslmode = require"),
    "wants a certificate": ("server", "client_tls_sslmode = verify-full"),
    "wants a certificate, TLS 1.2": ("server", "client_tls_sslmode = verify-full\nclient_tls_protocols = tlsv1.2"),
}
"""By what they are: the certificate and the options of each."""


@pytest.fixture(scope="module")
def tls(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder)
    with ExitStack() as stack:
        poolers = {}
        for name, (certificate, options) in SERVERS.items():
            files = (
                f"client_tls_key_file = {folder}/{certificate}.key\nclient_tls_cert_file = {folder}/{certificate}.crt"
            )
            lines = f"{options}\n{files}\nclient_tls_ca_file = {folder}/authority.crt"
            poolers[name] = stack.enter_context(running_pooler(postgres_server, lines))
        yield Tls(folder, poolers, postgres_server)


CHECKED = "sslmode=verify-full&sslrootcert={}/authority.crt"
OWN = "&sslcert={}/client.crt&sslkey={}/client.key"

WORKS: dict[str, tuple[str, str, bool]] = {
    "checked with its host name": ("tls", CHECKED, True),
    "not checked": ("tls", "sslmode=require", True),
    "not checked, since the file is not there": ("tls", "sslmode=require&sslrootcert={}/nowhere.crt", True),
    "checked without its host name": ("another name", "sslmode=verify-ca&sslrootcert={}/authority.crt", True),
    "checked without its host name too": ("another name", "sslmode=require&sslrootcert={}/authority.crt", True),
    "offered": ("offers tls", "", True),
    "offered and not checked": ("offers tls", "sslrootcert={}/another.crt", False),
    "a certificate of one's own": ("wants a certificate", CHECKED + OWN, True),
    "a key with a password": (
        "wants a certificate",
        f"{CHECKED}&sslcert={{}}/locked.crt&sslkey={{}}/locked.key&sslpassword=hunter2",
        True,
    ),
}
"""The server, the options of the URL, and whether the connection is encrypted."""


@pytest.mark.parametrize("name", WORKS)
def test_a_connection(tls: Tls, open_service: Callable[[str], PromptService], name: str) -> None:
    server, options, is_encrypted = WORKS[name]
    with reading(open_service(tls.url(server, options)).engine) as connection:
        driver: Any = connection.connection.driver_connection
        assert (connection.execute(sa.text("SELECT 1")).scalar(), driver.pgconn.ssl_in_use) == (1, is_encrypted)


def test_the_certificates_of_the_system_are_where_the_variable_says(
    tls: Tls, open_service: Callable[[str], PromptService], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{tls.folder}/authority.crt")
    with reading(open_service(tls.url("tls", "sslmode=verify-full&sslrootcert=system")).engine) as connection:
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


ROOT = "sslmode=verify-full&sslrootcert="
REFUSED: dict[str, tuple[str, str, str, str]] = {
    "another authority": ("tls", f"{ROOT}{{}}/another.crt", "certificate verify failed", "sslrootcert=FILE"),
    "another authority, without its host name": (
        "tls",
        "sslmode=require&sslrootcert={}/another.crt",
        "certificate verify failed",
        "sslrootcert=FILE",
    ),
    "an authority that the system does not know": ("tls", f"{ROOT}system", "certificate verify failed", "sslrootcert=FILE"),
    "an expired certificate": ("expired", CHECKED, "certificate verify failed", "expired"),
    "another host name": ("another name", CHECKED, "does not match host name", "host name that the certificate names"),
    "an authority that is not there": ("tls", f"{ROOT}{{}}/nowhere.crt", "does not exist", "set sslrootcert"),
    "an authority that is text": ("tls", f"{ROOT}{{}}/text.pem", "could not read root certificate", "set sslrootcert"),
    "an authority that is a key": ("tls", f"{ROOT}{{}}/authority.key", "could not read root certificate", "set sslrootcert"),
    "an authority that is text, without sslmode": ("tls", "sslrootcert={}/text.pem", "could not read root certificate", "set sslrootcert"),
    "the system, unchecked": ("tls", "sslmode=require&sslrootcert=system", "weak sslmode", "needs sslmode=verify-full"),
    "a server without TLS": ("none", "sslmode=require", "does not support SSL", "turn on TLS"),
    "a server with nothing but TLS": ("tls", "sslmode=disable", "SSL required", "sslmode=require"),
    "a TLS of the future": (
        "wants a certificate, TLS 1.2",
        "sslmode=require&ssl_min_protocol_version=TLSv1.3",
        "any SSL protocol version",
        "ssl_min_protocol_version",
    ),
    "no certificate": ("wants a certificate", CHECKED, "certificate required", "sslcert=FILE&sslkey=FILE"),
    "no certificate, TLS 1.2": ("wants a certificate, TLS 1.2", CHECKED, "handshake failure", "sslcert=FILE&sslkey=FILE"),
    "a certificate that is not there": (
        "wants a certificate",
        f"{CHECKED}&sslcert={{}}/nowhere.crt&sslkey={{}}/client.key",
        "certificate required",
        "existing files",
    ),
    "a certificate that is text": (
        "wants a certificate",
        f"{CHECKED}&sslcert={{}}/text.pem&sslkey={{}}/client.key",
        "could not read certificate file",
        "set sslcert",
    ),
    "a certificate of another authority": (
        "wants a certificate",
        f"{CHECKED}&sslcert={{}}/stranger.crt&sslkey={{}}/stranger.key",
        "unknown ca",
        "rejects the certificate in sslcert",
    ),
    "a certificate that has expired": (
        "wants a certificate",
        f"{CHECKED}&sslcert={{}}/expired.crt&sslkey={{}}/expired.key",
        "certificate expired",
        "rejects the certificate in sslcert",
    ),
    "a certificate without its key": ("wants a certificate", f"{CHECKED}&sslcert={{}}/client.crt", "not private key", "sslkey=FILE"),
    "a key that is not there": (
        "wants a certificate",
        f"{CHECKED}&sslcert={{}}/client.crt&sslkey={{}}/nowhere.key",
        "not private key file",
        "sslkey=FILE",
    ),
    "the key of another": (
        "wants a certificate",
        f"{CHECKED}&sslcert={{}}/client.crt&sslkey={{}}/server.key",
        "could not load private key file",
        "set sslkey to the PEM file with the key",
    ),
    "a key that others may read": (
        "wants a certificate",
        f"{CHECKED}&sslcert={{}}/client.crt&sslkey={{}}/open.key",
        "group or world access",
        "chmod 600",
    ),
    "a wrong password of the key": (
        "wants a certificate",
        f"{CHECKED}&sslcert={{}}/locked.crt&sslkey={{}}/locked.key&sslpassword=hunter3",
        "could not load private key file",
        "sslpassword",
    ),
}  # fmt: skip
"""The server, the options of the URL, what libpq says and what promptdb adds. (Its reason for a file is at times a stale one.)"""


@pytest.mark.parametrize("name", REFUSED)
def test_what_lasts_is_told_at_once_with_its_remedy(
    tls: Tls, open_service: Callable[[str], PromptService], name: str
) -> None:
    server, options, said, hint = REFUSED[name]
    service = open_service(tls.url(server, options))
    attempts: list[object] = []
    sa.event.listen(service.engine, "do_connect", lambda *_: attempts.append(1))
    with pytest.raises(Unreachable, match=said) as caught:
        service.list_prompts()
    assert hint in str(caught.value.hint)
    assert "hunter" not in f"{caught.value} {service.engine!r} {service.engine.url}"
    assert len(attempts) == 1


@pytest.mark.parametrize("name", ["another host name", "a certificate without its key", "a server without TLS"])
def test_the_command_line_and_the_doctor_say_the_same(
    tls: Tls, tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    server, options, said, hint = REFUSED[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROMPTDB_DATABASE_URL", tls.url(server, options))
    assert app.run(["list"]) == 1
    out, err = capsys.readouterr()
    error, remedy = err.splitlines()
    assert (out, said in error, hint in remedy) == ("", True, True)
    assert app.run(["db", "doctor"]) == 1
    told = capsys.readouterr().out.splitlines()
    (row,) = [number for number, line in enumerate(told) if line.startswith("fail")]
    assert told[row].split(maxsplit=2)[1:] == ["database", error.removeprefix("error: ")]
    assert told[row + 1].strip() == remedy.replace("hint", "remedy")


@pytest.fixture
def registry(
    tls: Tls,
    postgres: PostgresServer,
    migrated_database: Callable[..., str],
    open_service: Callable[[str], PromptService],
    tmp_path: Path,
) -> PromptService:
    """Through TLS, with a certificate of one's own."""
    database = migrated_database("postgresql", tmp_path).rpartition("/")[2]
    return open_service(tls.url("wants a certificate", CHECKED + OWN, database))


def test_a_tree_is_synced_and_resolved(registry: PromptService, tree: Path) -> None:
    write(tree, {f"a/p{number}.txt": f"Prompt {number}" for number in range(3)})
    assert len(sync_tree(registry.registry, load_tree(registry.settings), Policy()).plan.changes) == 3
    registry.promote("a/p1", "production")
    assert registry.get("a/p1:production").render_text() == "Prompt 1"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["restart", "crash"])
@pytest.mark.parametrize("statement", ["pg_advisory_xact_lock", "INSERT INTO prompt_versions", "pg_notify"])
def test_a_sync_survives_that_the_connection_is_lost(
    registry: PromptService, tls: Tls, tree: Path, statement: str, how: signal.Signals
) -> None:
    lost: list[str] = []

    def restart(*given: Any) -> None:
        if statement in given[2] and not lost:
            lost.append(statement)
            tls.poolers["wants a certificate"].stop(how)
            tls.poolers["wants a certificate"].start()

    write(tree, {"a/one.txt": "One", "a/two.txt": "Two"})
    sa.event.listen(registry.engine, "before_cursor_execute", restart)
    applied = sync_tree(registry.registry, load_tree(registry.settings), Policy())
    assert lost == [statement]
    assert len(applied.plan.changes) == len(registry.list_prompts()) == 2
    assert [run["id"] for run in rows(registry.engine, "sync_runs")] == [applied.run_id]
