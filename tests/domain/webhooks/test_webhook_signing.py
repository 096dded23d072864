"""Signatures, which the verifier of Standard Webhooks accepts."""

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from promptdb.domain.webhooks.signing import SECRET_BYTES, secret_text, signed_headers

OLD, NEW = secret_text(b"o" * SECRET_BYTES), secret_text(b"n" * SECRET_BYTES)


def test_a_secret_has_the_form_and_the_length_of_the_standard() -> None:
    assert OLD.startswith("whsec_")
    assert 24 <= len(base64.b64decode(OLD.removeprefix("whsec_"), validate=True)) <= 64


def test_the_signature_is_that_of_the_standard_s_own_example() -> None:
    """From the test vectors of the reference libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    found = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [secret])
    assert found == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.text(max_size=200).map(lambda text: text.encode(errors="replace")))
def test_the_verifier_accepts_any_body(body: bytes) -> None:
    headers = signed_headers("msg_1", int(time.time()), body, [OLD])
    Webhook(OLD).verify(body, headers, json_parse=False)


def test_both_secrets_verify_while_they_are_changed() -> None:
    headers = signed_headers("msg_1", int(time.time()), b"{}", [NEW, OLD])
    for secret in (OLD, NEW):
        assert Webhook(secret).verify(b"{}", headers) == {}
    assert headers["webhook-signature"].count("v1,") == 2


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": str(int(time.time()) - 1)},
        {"webhook-timestamp": str(int(time.time()) - 301)},
        {"webhook-signature": "v1," + base64.b64encode(b"x" * 32).decode()},
    ],
)
def test_the_verifier_refuses_what_was_not_signed(change: dict[str, str]) -> None:
    headers = signed_headers("msg_1", int(time.time()), b"{}", [OLD])
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(b"{}", headers | change)
