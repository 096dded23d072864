"""`promptdb webhook`: from a new webhook to the log of its deliveries."""

import os
import re
import signal
from pathlib import Path

import pytest
from clitools import Run, as_seen, failure, started, steady, terminal
from receiver import Receiver, answer
from standardwebhooks.webhooks import Webhook

LOOPBACK = '["127.0.0.0/8"]'


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMPTDB_WEBHOOK_PRIVATE_NETWORKS", LOOPBACK)


def test_a_webhook_is_added_tested_and_gets_what_it_subscribes_to(
    run: Run, synced: Path, receiver: Receiver, allowed: None
) -> None:
    made = run("webhook", "add", receiver.url, "--event", "alias.moved", "--namespace", "support")
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", made.out)
    assert made.err == "note: added webhook 1; its secret is not shown again\n"
    assert run("webhook", "test", 1) == (0, "delivery 1 to webhook 1: delivered: status 204\n", "")
    assert run("promote", "support/triage", "production").code == run("promote", "greet", "production").code == 0
    ran = run("webhook", "deliver")
    assert ran.out == "delivery 2 to webhook 1: delivered: status 204\n1 attempt, 1 delivered\n"
    assert run("webhook", "deliver").out == "0 attempts, 0 delivered\n"
    assert receiver.types == ["webhook.ping", "alias.moved"]
    for request in receiver.requests:
        Webhook(made.out.strip()).verify(request.body, dict(request.headers))
    assert steady(run("webhook", "list").out) == (
        "ID  URL" + " " * (len(receiver.url) - 1) + "EVENTS       NAMESPACE  PENDING  FAILED  STATE\n"
        f"1   {receiver.url}  alias.moved  support    0        0       enabled\n"
    )
    assert steady(run("webhook", "deliveries").out) == (
        "ID  HOOK  WHEN              EVENT         PROMPT          STATE      TRIES  WHY\n"
        "2   1     2026-01-01 00:00  alias.moved   support/triage  delivered  1\n"
        "1   1     2026-01-01 00:00  webhook.ping  -               delivered  1\n"
    )


def test_what_failed_is_shown_and_replayed(run: Run, synced: Path, receiver: Receiver, allowed: None) -> None:
    assert run("webhook", "add", receiver.url).code == 0
    receiver.answers += [answer(500, b"no disk"), answer(410)]
    tested = run("webhook", "test", 1)
    assert (tested.code, tested.out) == (1, "delivery 1 to webhook 1: failed: status 500: no disk\n")
    assert run("promote", "greet", "production").code == 0
    assert "status 410; the webhook is disabled" in run("webhook", "deliver").out
    assert run("webhook", "list").out.splitlines()[1].endswith("disabled  the receiver answered 410 Gone")
    hint = "'promptdb webhook enable 1' enables it"
    ran = run("webhook", "replay", 1, 2)
    assert (ran.code, ran.err) == (5, failure("webhook 1 is disabled: the receiver answered 410 Gone", hint))
    assert run("webhook", "enable", 1).out == "webhook 1 is enabled\n"
    assert run("webhook", "replay", 1, 2).out == (
        "1 delivery is due again; 'promptdb serve' or 'promptdb webhook deliver' sends it\n"
    )
    assert run("webhook", "deliver").out.endswith("1 attempt, 1 delivered\n")
    assert run("webhook", "deliveries", 1, "--state", "failed").out.count("\n") == 2


def test_a_rotated_secret_is_printed_alone_and_the_old_one_signs_on(
    run: Run, synced: Path, receiver: Receiver, allowed: None
) -> None:
    old = run("webhook", "add", receiver.url).out.strip()
    made = run("-q", "webhook", "rotate", 1)
    assert (made.err, made.out.count("\n")) == ("", 1)
    assert run("webhook", "test", 1).code == 0
    for secret in (old, made.out.strip()):
        Webhook(secret).verify(receiver.requests[0].body, dict(receiver.requests[0].headers))
    everything = "".join(run("webhook", *words).out for words in (["list", "--json"], ["deliveries", "--json"]))
    assert old not in everything
    assert made.out.strip() not in everything


def test_a_removed_webhook_takes_what_was_pending_with_it(run: Run, synced: Path) -> None:
    assert run("webhook", "add", "https://example.com/a").code == 0
    assert run("promote", "greet", "production").code == 0
    assert run("promote", "greet", "staging").code == 0
    assert run("webhook", "remove", 1).out == "removed webhook 1 (https://example.com/a) and 2 pending deliveries\n"
    assert run("webhook", "list") == (0, "", "no webhooks; 'promptdb webhook add' adds one\n")
    assert run("webhook", "deliveries") == (0, "", "no deliveries\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["add", "https://10.0.0.1/"], 1, "error: 10.0.0.1 is not a public address\n"),
        (["add", "http://example.com/"], 1, "error: webhooks need https://\n"),
        (["add", "https://example.com/", "--namespace", "a/**"], 1, "error: 'a/**' is not a pattern of namespaces\n"),
        (["add", "https://example.com/", "--event", "alias.promoted"], 2, "Error: Invalid value for '--event'"),
        (["remove", "7"], 1, "error: there is no webhook 7\n"),
        (["remove", "0"], 2, "Error: Invalid value for 'WEBHOOK'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_is_one_clear_message(
    run: Run, synced: Path, arguments: list[str], code: int, message: str
) -> None:
    ran = run("webhook", *arguments)
    assert ran.code == code
    assert message in ran.err


@pytest.mark.parametrize("network", ["10.0.0.0/33", "localhost", "10.0.0.1/8"])
def test_a_network_that_is_none_is_an_error_of_the_setting(
    run: Run, synced: Path, monkeypatch: pytest.MonkeyPatch, network: str
) -> None:
    monkeypatch.setenv("PROMPTDB_WEBHOOK_PRIVATE_NETWORKS", f'["{network}"]')
    ran = run("webhook", "list")
    assert ran.code == 1
    assert "a network is an address or a range, such as 10.0.0.0/8 or ::1" in ran.err


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_watching_worker_sends_until_it_is_stopped(
    run: Run, synced: Path, receiver: Receiver, allowed: None, ending: signal.Signals, code: int
) -> None:
    assert run("webhook", "add", receiver.url).code == 0
    with started("webhook", "deliver", "--watch") as worker:
        for number, alias in enumerate(("production", "staging"), 1):
            assert run("promote", "greet", alias).code == 0
            receiver.wait_for(number)
        os.kill(worker.pid, ending)
        out, err = worker.communicate()
    assert (worker.returncode, out.count("delivered: status 204\n")) == (code, 2)
    assert err == ""


@pytest.mark.slow
def test_tables_fit_a_terminal(run: Run, synced: Path) -> None:
    assert run("webhook", "add", "https://hooks.example.com/services/T024BE7LD/promptdb").code == 0
    assert run("promote", "support/triage", "production").code == 0
    for words in ("list", "deliveries"):
        shown = terminal("webhook", words)
        assert shown.code == 0
        assert max(map(len, as_seen(shown.out).splitlines())) <= 80
