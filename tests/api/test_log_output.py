"""The log of the server: its lines, and how they are written."""

import json
import logging
from collections.abc import Iterator

import pytest
from waiting import until

from promptdb.api import log_output
from promptdb.api.log_output import BatchedOutput
from promptdb.api.logs import Exchange, JsonLines, TextLines, log_exchange, logging_of

EXCHANGE = Exchange("id-1", "GET", "/prompts/{prompt}/resolve", 200, 0.0123, 512, "token:reader")


@pytest.fixture
def output() -> Iterator[BatchedOutput]:
    made = BatchedOutput()
    made.setFormatter(JsonLines())
    yield made
    made.close()


def record(level: int, message: str, **more: object) -> logging.LogRecord:
    found = logging.LogRecord("promptdb.api", level, "", 0, message, (), None)
    found.__dict__.update(more)
    return found


def test_lines_are_written_in_their_order_soon_and_errors_at_once(
    output: BatchedOutput, capsys: pytest.CaptureFixture[str]
) -> None:
    read = ""

    def messages() -> list[str]:
        nonlocal read
        read += capsys.readouterr().err
        return [json.loads(line)["message"] for line in read.splitlines()]

    for number in range(5):
        output.handle(record(logging.INFO, str(number)))
    output.handle(record(logging.ERROR, "error"))
    assert messages() == ["0", "1", "2", "3", "4", "error"]
    output.handle(record(logging.INFO, "later"))
    until(lambda: messages()[-1] == "later")
    output.handle(record(logging.INFO, "last"))
    output.close()
    assert messages()[-1] == "last"


def test_lines_that_wait_have_a_limit(
    output: BatchedOutput, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_output, "MAX_WAITING", 10)
    monkeypatch.setattr(log_output, "EVERY", 60)
    for number in range(25):
        output.handle(record(logging.INFO, str(number)))
        assert len(output._lines) <= 10
    assert len(capsys.readouterr().err.splitlines()) >= 20


def test_a_line_is_one_line_whatever_is_in_it() -> None:
    forged = record(logging.WARNING, 'a"\n\x1b[31m{"level":"info"}')
    assert json.loads(JsonLines().format(forged))["message"] == forged.msg
    assert TextLines().format(forged).count("\n") == 0
    assert "\x1b" not in TextLines().format(forged)
    assert "200 GET /prompts/{prompt}/resolve 12.3 ms, 512 bytes by token:reader [id-1]" in TextLines().format(
        record(logging.INFO, "request", exchange=EXCHANGE)
    )


def test_exceptions_are_in_the_line() -> None:
    try:
        raise ValueError("cause")
    except ValueError as error:
        failed = logging.LogRecord("x", logging.ERROR, "", 0, "failed", (), (type(error), error, error.__traceback__))
    assert "ValueError: cause" in json.loads(JsonLines().format(failed))["exception"]


def test_an_application_that_holds_the_app_gets_each_request_in_its_own_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "promptdb.access"):
        log_exchange(EXCHANGE)
    [found] = caplog.records
    assert (found.name, found.getMessage(), found.exchange) == ("promptdb.access", "request", EXCHANGE)
    with caplog.at_level(logging.WARNING, "promptdb.access"):
        log_exchange(EXCHANGE)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("level", "uvicorn"), [("info", "WARNING"), ("debug", "DEBUG")])
def test_the_level_is_that_of_the_settings(level: str, uvicorn: str) -> None:
    loggers = logging_of(level, as_text=False)["loggers"]
    assert (loggers["promptdb"]["level"], loggers["uvicorn"]["level"]) == (level.upper(), uvicorn)
