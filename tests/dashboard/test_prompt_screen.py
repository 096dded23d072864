"""The page of a prompt: its text, contract, files and versions, at an address for each version."""

from pathlib import Path

from dashboards import HOSTILE, html_of, links_of, visit
from registries import on_sqlite

from promptdb import PromptService
from promptdb.dashboard.links import PROMPT, PROMPTS, Link, to_prompt
from promptdb.domain.prompt_id import PromptId

pytestmark = on_sqlite

ONE = PromptId("a", "one")


def test_a_version_has_its_text_its_contract_and_its_aliases(dashboard: PromptService) -> None:
    variables = {
        "name": {"type": "string", "description": "whom to greet"},
        "mood": {"enum": ["good", "bad"], "default": "good"},
    }
    dashboard.register_text("a/one", "Old")
    dashboard.register_text(
        "a/one", "Hello {name}, {mood}", variables=variables, model={"name": "gpt"}, alias="production"
    )
    app = visit(to_prompt(ONE, "production"))
    found = html_of(app)
    assert app.title[0].value == "a/one"
    assert '<mark class="pdb-tag" title="name, string, required: whom to greet">{name}</mark>' in found
    assert "<td>required</td>" in found
    assert "<code>&quot;bad&quot;</code>" in found
    assert "model:\n  name: gpt" in found
    assert "<strong>v2</strong>" in found
    links = links_of(app)
    assert ("v1", "prompt?name=a%2Fone&version=rev%3A1") in links
    assert ("production", "prompt?name=a%2Fone&version=production") in links
    assert "Old" in html_of(visit(to_prompt(ONE, "rev:1")))


def test_content_parts_have_their_variables_marked(dashboard: PromptService) -> None:
    parts = [{"type": "text", "text": "See {picture}"}, {"type": "image_url", "image_url": {"url": "{address}"}}]
    dashboard.register_spec("a/one", {"messages": [{"role": "human", "template": parts}]})
    found = html_of(visit(to_prompt(ONE)))
    assert ">{picture}</mark>" in found
    assert ">{address}</mark>" in found


def versions_of(link: Link) -> list[tuple[str, str]]:
    return [(label, address) for label, address in links_of(visit(link)) if address.startswith("prompt?")]


def test_long_histories_have_pages(dashboard: PromptService) -> None:
    for number in range(1, 56):
        dashboard.register_text("a/one", f"Hello {number}")
    first = versions_of(to_prompt(ONE))
    assert [label for label, _ in first] == [f"v{n}" for n in range(55, 5, -1)] + ["Older"]
    assert first[-1][1] == "prompt?name=a%2Fone&before=6"
    second = versions_of(Link(PROMPT, {"name": "a/one", "before": "6"}))
    assert [label for label, _ in second] == ["v5", "v4", "v3", "v2", "v1", "Newest", "Newer"]
    assert second[-1][1] == "prompt?name=a%2Fone&before=56"


def test_an_unknown_prompt_is_an_error_that_says_what_there_is(dashboard: PromptService) -> None:
    dashboard.register_text("a/one", "Hello")
    app = visit(to_prompt(PromptId("a", "onw")))
    assert "a/one" in app.error[0].value.replace("\\", "")
    assert [link for link in links_of(app) if link[1].startswith("prompt")] == [
        ("a/one", "prompt?name=a%2Fone"),
        ("All prompts", "prompts?"),
    ]
    assert ("a/one, newest version", "prompt?name=a%2Fone") in links_of(visit(to_prompt(ONE, "rev:9")))
    assert "rev:1" in visit(to_prompt(ONE, "rev:9")).error[0].value.replace("\\", "")
    assert "no prompt" in visit(Link(PROMPT)).info[0].value


def test_everything_that_a_prompt_says_is_text(dashboard: PromptService) -> None:
    spec = {
        "template_format": "plain",
        "template": HOSTILE,
        "model": {"note": HOSTILE},
        "metadata": {"title": HOSTILE, "description": HOSTILE, "tags": [HOSTILE], "owners": [HOSTILE]},
    }
    dashboard.register_spec("a/one", spec)
    dashboard.promote("a/one", "production", reason=HOSTILE[:40])
    app = visit(to_prompt(ONE))
    found = html_of(app)
    assert "<script" not in found
    assert "<img" not in found
    assert [block.value for block in app.markdown if "script" in block.value] == []


def test_fragments_lead_to_the_prompts_that_include_them_and_assets_are_shown(
    dashboard: PromptService, tree: Path, sync: object
) -> None:
    (tree / "_shared").mkdir()
    (tree / "_shared/tone.md").write_text("Be {{ kind }}.")
    (tree / "_shared/data.json").write_text('{"a": "<b>"}')
    for name in ("one", "two"):
        file = tree / "a" / f"{name}.j2"
        file.parent.mkdir(exist_ok=True)
        file.write_text(
            '---\nassets: [{path: ../_shared/data.json, kind: attachment}]\n---\n{% include "_shared/tone.md" %}'
        )
    sync()  # type: ignore[operator]
    app = visit(to_prompt(ONE))
    assert "Be <mark" in html_of(app)
    links = dict(links_of(app))
    assert links["Prompts that include _shared/tone.md"].endswith("?fragment=_shared%2Ftone.md")
    including = links_of(visit(Link(PROMPTS, {"fragment": "_shared/tone.md"})))
    assert [label for label, _ in including] == ["Show all prompts", "a/one", "a/two"]
    assert "attachment, application/json, 12 bytes" in html_of(app)
    asset = {"name": "a/one", "asset": "../_shared/data.json"}
    assert "{&quot;a&quot;: &quot;&lt;b&gt;&quot;}" in html_of(visit(Link(PROMPT, asset)))
