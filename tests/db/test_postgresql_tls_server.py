"""TLS of PostgreSQL itself, where one is installed that has it: what it asks of its clients, and that it goes away."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from certificates import make_certificates
from memory import server_folder
from postgres import OPTIONS, PostgresServer, running
from registries import rows, write

from promptdb.db import migrate
from promptdb.domain.plan import Policy
from promptdb.errors import Unreachable
from promptdb.project.load import load_tree
from promptdb.service import PromptService
from promptdb.sync.sync_tree import sync_tree

pytestmark = pytest.mark.slow

RULES = """\
hostssl all encrypted 127.0.0.1/32 trust
hostssl all certified 127.0.0.1/32 trust clientcert=verify-ca
hostssl all client,server 127.0.0.1/32 cert
host all postgres 127.0.0.1/32 trust
"""
"""A user named as a certificate must show that one."""


@dataclass(frozen=True)
class Tls:
    server: PostgresServer
    folder: Path

    def url(self, user: str, certificate: str | None, mode: str = "verify-full") -> str:
        options = f"sslmode={mode}&sslrootcert={self.folder}/authority.crt"
        if certificate is not None:
            options += f"&sslcert={self.folder}/{certificate}.crt&sslkey={self.folder}/{certificate}.key"
        return f"{self.server.url('registry').replace('postgres@', f'{user}@')}?{options}"


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not installed:
        pytest.skip("no PostgreSQL with TLS is installed (Debian: apt-get install postgresql)")
    folder = tmp_path_factory.mktemp("tls")
    make_certificates(folder)
    files = {"key": "server.key", "cert": "server.crt", "ca": "authority.crt"}
    options = (*OPTIONS, "ssl=on", *(f"ssl_{kind}_file={folder}/{name}" for kind, name in files.items()))
    with running(server_folder(tmp_path_factory, "postgres"), options, binaries=installed[-1].parent) as server:
        for user in ("encrypted", "certified", "client", "server"):
            server.execute(f"CREATE ROLE {user} LOGIN SUPERUSER")
        server.create_database(name="registry")
        (server.folder / "data" / "pg_hba.conf").write_text(RULES)
        server.execute("SELECT pg_reload_conf()")
        yield Tls(server, folder)


@pytest.mark.parametrize(
    ("user", "certificate", "mode", "said", "hint"),
    [
        ("certified", None, "verify-full", "requires a valid client certificate", "sslcert=FILE&sslkey=FILE"),
        ("certified", "stranger", "verify-full", "unknown ca", "rejects the certificate in sslcert"),
        ("certified", "expired", "verify-full", "certificate expired", "rejects the certificate in sslcert"),
        ("server", "client", "verify-full", "certificate authentication failed", "must name the same user"),
        ("encrypted", None, "disable", "no encryption", "set sslmode=require"),
    ],
)
def test_a_client_that_is_refused_is_told_why_at_once(
    tls: Tls,
    open_service: Callable[[str], PromptService],
    user: str,
    certificate: str | None,
    mode: str,
    said: str,
    hint: str,
) -> None:
    service = open_service(tls.url(user, certificate, mode))
    attempts: list[object] = []
    sa.event.listen(service.engine, "do_connect", lambda *_: attempts.append(1))
    with pytest.raises(Unreachable, match=said) as caught:
        service.list_prompts()
    assert hint in str(caught.value.hint)
    assert len(attempts) == 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["restart", "crash"])
def test_a_sync_with_a_certificate_survives_that_the_server_goes_away(
    tls: Tls, open_service: Callable[[str], PromptService], tree: Path, how: signal.Signals
) -> None:
    service = open_service(tls.url("client", "client"))
    migrate.upgrade(service.engine)
    gone: list[object] = []

    def restart(*given: Any) -> None:
        if "INSERT INTO prompt_versions" in given[2] and not gone:
            gone.append(how)
            tls.server.stop(how)
            tls.server.start()

    name = how.name.lower()
    write(tree, {f"{name}/one.txt": "One", f"{name}/two.txt": "Two"})
    sa.event.listen(service.engine, "before_cursor_execute", restart)
    applied = sync_tree(service.registry, load_tree(service.settings), Policy())
    assert gone == [how]
    assert len(applied.plan.changes) == len(service.list_prompts(f"{name}/*")) == 2
    assert rows(service.engine, "sync_runs")[-1]["id"] == applied.run_id
    assert service.get(f"{name}/one").render_text() == "One"
