"""Requests that schemathesis makes from the OpenAPI document, to a registry in which most of them find something."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from apis import API, bearer, token_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.stateful import run_state_machine_as_test
from registries import settings_for, write
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.modes import GenerationMode
from servers import Raw, get, in_thread

from promptdb import PromptService, create_app
from promptdb.api.connections import MAX_HEADERS
from promptdb.delivery.worker import WebhookWorker
from promptdb.registry.webhooks import add_webhook

DOCUMENT = json.loads((Path(__file__).resolve().parents[2] / "docs" / "openapi.json").read_text())
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]
PUBLIC = frozenset({f"{API}/healthz", f"{API}/readyz"})
SECRET = "dromedary"
"""A word in all texts of the prompt that a token for one namespace must not see."""

# schemathesis leaves sockets to the garbage collector, in whichever test that is.
leaves_sockets = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)

_ANSWERS = ["2xx", "3xx", "401", "403", "404", "409"]
# The document cannot say which combinations of fields there are, which cursors and labels, and where an alias is now.
_CHECKS = {"positive_data_acceptance": {"expected-statuses": [*_ANSWERS, "412", "422", "428"]}}
# Otherwise every third request has a token that is made up.
_GENERATION = {"with-security-parameters": False}
_CONFIG = SchemathesisConfig.from_dict({"checks": _CHECKS, "generation": _GENERATION})
_SEQUENCES = SchemathesisConfig.from_dict({"checks": _CHECKS, "generation": {**_GENERATION, "mode": "positive"}})
_PARTS = "path_parameters", "query", "headers", "body"


@dataclass
class Contract:
    """A server with the document that it gives. `values` are names of things in its registry, by the parameters for them."""

    service: PromptService
    file: Path
    url: str
    schema: schemathesis.BaseSchema
    tokens: dict[str, dict[str, str]]
    values: dict[str, list[Any]]

    @contextmanager
    def naming(self, **values: list[Any]) -> Iterator[None]:
        """Name other things for a while."""
        before, self.values = self.values, {**self.values, **values}
        try:
            yield
        finally:
            self.values = before

    def renew(self, name: str) -> None:
        """Make another prompt and another webhook, so that a test does not depend on those before it."""
        for alias in ("production", "staging"):
            self.service.register_file(self.file, f"support/{name}", alias=alias)
        for alias in ("production", "staging"):
            self.service.register_text(f"support/{name}", "Sort the {ticket}", alias=alias)
        for alias in ("production", "staging"):
            self.service.register_file(self.file, f"support/{name}", alias=alias)
        webhook = add_webhook(self.service.registry, "https://hooks.example.com/", [], "*", []).webhook
        self.values |= {"prompt": [f"support/{name}"], "webhook": [webhook.id]}


@contextmanager
def contract_of(url: str, folder: Path) -> Iterator[Contract]:
    """Serve a registry whose streams end at once, and which sends no webhooks: their addresses are made up."""
    with ExitStack() as stack:
        service = stack.enter_context(PromptService(settings_for(url, folder)))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(WebhookWorker, "start", lambda _: None)
        service.register_text("legal/secret", f"The {SECRET} {{ticket}}", alias="production")
        spec = "template: Sort {ticket}\nassets: [{path: data.csv, kind: attachment}]\n"
        write(folder, {"triage.yaml": spec, "data.csv": "a,b\n"})
        file = folder / "triage.yaml"
        service.register_file(file, "support/triage", alias="production")
        scoped = ("read@support", "write@support", "promote:staging@support")
        tokens = {
            "admin": bearer(token_of(service, "admin")),
            "scoped": bearer(token_of(service, *scoped, name="scoped")),
            "none": {},
        }
        app = create_app(service.settings)
        port = stack.enter_context(in_thread(app))
        with Raw(port, get("/healthz")) as probe:
            assert probe.head()[0] == 200
        hub = app.state.served.hub
        hub._loop.call_soon_threadsafe(hub.close)
        schema = schemathesis.openapi.from_dict(DOCUMENT, config=_CONFIG)
        values: dict[str, list[Any]] = {
            "alias": ["production", "staging"],
            "selector": ["production", "latest", "rev:1"],
            "from": ["rev:1"],
            "to": ["production"],
            "if-match": ["*"],
            "path": ["data.csv"],
            "spec": [{"template": "Hello {name}"}],
            "arms": [[{"selector": "rev:1", "weight": 9}, {"selector": "rev:2", "weight": 1}]],
            "variables": [{"ticket": "My order is late."}],
        }
        yield Contract(service, file, f"http://127.0.0.1:{port}", schema, tokens, values)


def ask(
    contract: Contract, path: str, method: str, mode: GenerationMode, who: str = "admin", *, examples: int, again: bool
) -> list[Any]:
    """Send requests of an operation, hold each answer against the document with every check, and return the answers.

    Args:
        contract: the server.
        path: that of the operation in the document.
        method: its method.
        mode: requests that the document allows, or that it does not.
        who: the token.
        examples: the number of requests.
        again: the same requests in each run.
    """
    operation = contract.schema[path][method]
    strategy, headers, answers = operation.as_strategy(generation_mode=mode), contract.tokens[who], []
    if mode is GenerationMode.POSITIVE:
        strategy = st.builds(_with_known, strategy, _choices(contract.values))
    strategy = strategy.filter(_fits)

    # A failure is the first one that is met: to look for a smaller one would take minutes.
    @settings(
        max_examples=examples,
        derandomize=again,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def send(case: schemathesis.Case) -> None:
        answers.append(case.call_and_validate(contract.url, headers=headers))

    # A request that is not allowed is impossible where nothing can be wrong.
    with suppress(Unsatisfiable):
        send()
    return answers


def ask_in_sequence(url_of: Callable[[Path], str], folder: Path, *, sequences: int, steps: int) -> Counter[int]:
    """Send sequences of requests, each with values of the answers before it and to a registry of its own.

    The sequences are the same in each run. Return how often there was which status.

    Args:
        url_of: makes a database in a folder.
        folder: for the registries.
        sequences: their number.
        steps: the most requests of one.
    """
    schema, statuses, numbers = schemathesis.openapi.from_dict(DOCUMENT, config=_SEQUENCES), Counter[int](), count()

    class Sequence(schema.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            own = folder / str(next(numbers))
            own.mkdir()
            self.opened = ExitStack()
            self.contract = self.opened.enter_context(contract_of(url_of(own), own))

        def teardown(self) -> None:
            self.opened.close()

        def get_call_kwargs(self, _: schemathesis.Case) -> dict[str, Any]:
            return {"headers": self.contract.tokens["admin"], "base_url": self.contract.url}

        def validate_response(self, response: Any, case: schemathesis.Case, **more: Any) -> None:
            statuses[response.status_code] += 1
            super().validate_response(response, case, **more)

    phases, checks = [Phase.generate], list(HealthCheck)
    run_state_machine_as_test(
        Sequence,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=steps,
            derandomize=True,
            database=None,
            deadline=None,
            phases=phases,
            suppress_health_check=checks,
        ),
    )
    return statuses


def _fits(case: schemathesis.Case) -> bool:
    """Whether the headers are not too large. The server answers then before it knows the operation: the document has no 431."""
    return len(quote(f"{case.path_parameters} {case.query} {case.headers}")) < MAX_HEADERS


def _choices(values: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Choose for each parameter one of the values that exist, or none: then the one of the request stays."""
    return st.fixed_dictionaries({name: st.sampled_from([*known * 3, None]) for name, known in values.items()})


def _with_known(case: schemathesis.Case, chosen: dict[str, Any]) -> schemathesis.Case:
    for part in (getattr(case, name) for name in _PARTS):
        for name in part.keys() & chosen.keys() if isinstance(part, MutableMapping) else ():
            if chosen[name] is not None:
                part[name] = chosen[name]
    return case
