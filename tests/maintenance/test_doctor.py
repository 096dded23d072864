"""What the doctor finds on PostgreSQL, and how it judges numbers."""

import http.server
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres import PostgresServer
from registries import on_postgresql, settings_for

from promptdb.db.columns import metadata
from promptdb.db.engine import make_engine, writing
from promptdb.maintenance.doctor import Level
from promptdb.maintenance.doctor.clock import compared, http_offset
from promptdb.maintenance.doctor.database import examine_database
from promptdb.maintenance.doctor.disk import room_finding
from promptdb.service import PromptService
from promptdb.settings import AppSettings

MIB = 1024**2


def levels(settings: AppSettings) -> dict[str, Level]:
    return {finding.check: finding.level for finding in examine_database(settings)}


@on_postgresql
def test_a_database_in_good_health(settings: AppSettings) -> None:
    checks = ("database", "schema", "permissions", "lock", "clock")
    assert levels(settings) == dict.fromkeys(checks, Level.OK)


@on_postgresql
def test_an_empty_database_needs_an_upgrade(empty_url: str, tmp_path: Path) -> None:
    found = {finding.check: finding for finding in examine_database(settings_for(empty_url, tmp_path))}
    assert found["schema"].level is Level.FAIL
    assert str(found["schema"].remedy).endswith("run: promptdb db upgrade")
    assert "permissions" not in found


@on_postgresql
def test_a_database_that_is_not_there_is_not_made(postgres: PostgresServer, tmp_path: Path, backend: str) -> None:
    [only] = [*_examined(settings_for(postgres.url("nowhere"), tmp_path))]
    assert only.level is Level.FAIL
    assert '"nowhere" does not exist' in only.detail
    engine = make_engine(postgres.url("postgres"), Path())
    with engine.connect() as connection:
        query = sa.text("SELECT count(*) FROM pg_database WHERE datname = 'nowhere'")
        assert connection.execute(query).scalar() == 0
    engine.dispose()


def _examined(settings: AppSettings) -> Iterator:
    from promptdb.maintenance.doctor.finding import examined

    return examined("database", lambda: examine_database(settings))


@on_postgresql
def test_the_holder_of_the_lock_is_named_with_its_time(settings: AppSettings, service: PromptService) -> None:
    with writing(service.engine) as connection:
        backend = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar()
        found = {finding.check: finding for finding in examine_database(settings)}
    assert found["lock"].level is Level.WARN
    assert f"by backend {backend} of 127.0.0.1 (idle in transaction)" in found["lock"].detail
    assert f"pg_terminate_backend({backend})" in (found["lock"].remedy or "")
    assert found["permissions"].level is Level.WARN  # not tried


@pytest.fixture
def role(postgres: PostgresServer, settings: AppSettings) -> Iterator[Callable[..., AppSettings]]:
    """Settings for a role that may do nothing but what it is granted."""
    admin = make_engine(settings.database_url.get_secret_value(), Path())

    def make(*grants: str) -> AppSettings:
        with admin.begin() as connection:
            connection.execute(sa.text("CREATE ROLE reader LOGIN"))
            for grant in grants:
                connection.execute(sa.text(f"GRANT {grant} TO reader"))
        url = admin.url.set(username="reader").render_as_string(hide_password=False)
        return settings.model_copy(update={"database_url": type(settings.database_url)(url)})

    yield make
    with admin.begin() as connection:
        connection.execute(sa.text("DROP OWNED BY reader"))
        connection.execute(sa.text("DROP ROLE reader"))
    admin.dispose()


@on_postgresql
def test_a_role_that_may_only_read_is_told_what_it_lacks(role: Callable[..., AppSettings]) -> None:
    found = {finding.check: finding for finding in examine_database(role("SELECT ON ALL TABLES IN SCHEMA public"))}
    assert found["permissions"].level is Level.FAIL
    assert "INSERT on prompt_versions" in found["permissions"].detail
    assert "DELETE on prompt_aliases" in found["permissions"].detail
    assert "SELECT" not in found["permissions"].detail


@on_postgresql
def test_a_role_that_may_do_what_a_writer_does_is_fine(role: Callable[..., AppSettings]) -> None:
    tables, sequences = "ON ALL TABLES IN SCHEMA public", "ON ALL SEQUENCES IN SCHEMA public"
    settings = role(f"SELECT, INSERT, UPDATE, DELETE {tables}", f"USAGE, UPDATE {sequences}")
    assert levels(settings)["permissions"] is Level.OK


@on_postgresql
def test_a_role_that_may_use_no_sequence_is_told(role: Callable[..., AppSettings]) -> None:
    settings = role("SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public")
    found = {finding.check: finding for finding in examine_database(settings)}
    assert found["permissions"].level is Level.FAIL
    assert "USAGE on public.sync_runs_id_seq, UPDATE on public.sync_runs_id_seq" in found["permissions"].detail


@on_postgresql
def test_the_privileges_of_a_writer_are_known_for_every_table(role: Callable[..., AppSettings]) -> None:
    lacking = next(
        found for found in examine_database(role("SELECT ON alembic_version")) if found.check == "permissions"
    )
    assert [name for name in metadata.tables if f"SELECT on {name}" not in lacking.detail] == []


# Numbers


@pytest.mark.parametrize(
    ("free", "files", "level"),
    [
        (2048 * MIB, 1_000_000, Level.OK),
        (2048 * MIB, None, Level.OK),
        (1024 * MIB, None, Level.OK),
        (1024 * MIB - 1, None, Level.WARN),
        (100 * MIB, 1_000_000, Level.WARN),
        (100 * MIB - 1, 1_000_000, Level.FAIL),
        (2048 * MIB, 9_999, Level.WARN),
        (2048 * MIB, 999, Level.FAIL),
        (0, 0, Level.FAIL),
    ],
)
def test_room_is_judged_in_bytes_and_files(free: int, files: int | None, level: Level) -> None:
    found = room_finding("blobs", Path("blobs"), free, files)
    assert found.level is level
    assert (found.remedy is None) == (level is Level.OK)


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, "ok"), (-30, "ok"), (31, "warn"), (-31, "warn"), (300, "warn"), (301, "fail"), (-301, "fail")],
)
def test_a_clock_is_judged_by_its_distance(seconds: int, level: str) -> None:
    [found] = compared("of the server", timedelta(seconds=seconds))
    assert found.level == level
    assert ("ahead" in found.detail) == (seconds > 0)


def test_one_clock_is_nothing_to_speak_of() -> None:
    assert [*compared("of the server", None)] == []


@pytest.mark.parametrize("ahead", [timedelta(), timedelta(minutes=10), timedelta(hours=-1)])
def test_the_clock_of_a_server_is_read_from_its_answer(ahead: timedelta) -> None:
    """Whatever it answers: S3 refuses a question without a signature, and says the time with it."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(403)
            self.send_header("Date", format_datetime(datetime.now(UTC) + ahead, usegmt=True))
            self.end_headers()

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        offset = http_offset(f"127.0.0.1:{server.server_port}", secure=False)
        thread.join()
    assert offset is not None
    assert abs(offset - ahead) < timedelta(seconds=15)


def test_a_server_that_does_not_speak_http_is_an_os_error(postgres_server: PostgresServer) -> None:
    with pytest.raises(OSError, match=r"no answer|reset"):
        http_offset(f"127.0.0.1:{postgres_server.port}", secure=False)
