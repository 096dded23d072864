"""A database URL that is wrong: one message without the values of the URL, whatever SQLAlchemy and the driver say."""

from pathlib import Path

import pytest

from promptdb.db.engine import make_engine, reading
from promptdb.errors import ConfigError, Unreachable

REFUSED = [
    ("sqlite://user:hunter2@host/x.db", "no user, password or host", "three slashes"),
    ("sqlite://host/x.db", "no user, password or host", "three slashes"),
    ("sqlite://:hunter2@/x.db", "no user, password or host", "three slashes"),
    ("sqlite:////data/hunter2%00", "malformed", "%00"),
    ("postgresql://u:hunter2%00@host/db", "malformed", "%00"),
    ("postgresql://host/db?pasword=hunter2", "does not know: pasword", "storage.md"),
    ("postgresql://host/db?row_factory=hunter2", "does not know: row_factory", "storage.md"),
    ("postgresql://host/db?host=/x&port=hunter2", "a port that is not a number", "5432"),
]


@pytest.mark.parametrize(("url", "message", "hint"), REFUSED)
def test_a_wrong_database_url_is_refused_without_its_values(url: str, message: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        make_engine(url, tmp_path)
    assert message in refused.value.message
    assert hint in str(refused.value.hint)
    assert "hunter2" not in f"{refused.value.message} {refused.value.hint}"


OPTIONS = ("sslmode", "connect_timeout", "keepalives_idle", "target_session_attrs", "channel_binding", "service")


@pytest.mark.parametrize("option", OPTIONS)
def test_a_bad_value_of_an_option_is_not_in_the_message(option: str, tmp_path: Path) -> None:
    engine = make_engine(f"postgresql://127.0.0.1:1/db?{option}=hunter2", tmp_path)
    with pytest.raises(Unreachable) as failed, reading(engine):
        pass
    assert option in failed.value.message or option == "service"
    assert "hunter2" not in f"{failed.value.message} {failed.value.hint}"
    assert "..." in failed.value.message


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    engine = make_engine("postgresql://127.0.0.1:1/db?sslmode=verify-full&sslrootcert=/no/such.pem", tmp_path)
    with pytest.raises(Unreachable) as failed, reading(engine):
        pass
    assert "/no/such.pem" in failed.value.message or "Connection refused" in failed.value.message
