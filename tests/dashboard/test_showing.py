"""Untrusted text on pages: escaped, visible, and marked where a template has tags."""

import re

import pytest
from dashboards import HOSTILE

from promptdb.dashboard.screens.history import time_in
from promptdb.dashboard.showing.escaping import in_attribute, in_html, in_label, in_markdown, visible
from promptdb.dashboard.showing.prompts import person_html, shortened
from promptdb.dashboard.showing.tables import table_html
from promptdb.dashboard.showing.templates import MAX_SHOWN, split_tags, template_html
from promptdb.domain.spec import TemplateFormat, Variable
from promptdb.errors import InvalidRef


@pytest.mark.parametrize("escaped", [in_html, in_attribute])
def test_no_text_is_markup(escaped: object) -> None:
    found = escaped(HOSTILE)  # type: ignore[operator]
    assert re.findall("<(?!/?span)", found) == []
    assert "&lt;script&gt;" in found
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert "U+202E" in found
    assert "\u241b" in found


def test_a_value_of_an_attribute_ends_where_it_should() -> None:
    assert in_attribute("a\"b'c\x00<") == "a&quot;b&#x27;c\u2400&lt;"


def test_every_sign_of_markdown_is_escaped() -> None:
    found = in_markdown("a_b *c* [d](e) `f` $g$ :smile: :red[h] <b> # | ~ line\nbreak")
    assert re.findall(r"(?<!\\)[_*\[\]()`$:<>#|~]", found) == []
    assert "\n" not in found


@pytest.mark.parametrize("address", ["http://a.example", "HTTPS://a.example", "www.a.example", "ann@a.example"])
def test_an_address_is_no_link_in_markdown(address: str) -> None:
    found = in_markdown(address).replace("\\", "")
    assert not re.search(r"https?:/|www\.|\w@", found, re.IGNORECASE)
    assert found.replace("\u2060", "") == address


def test_a_label_is_read_aloud_as_it_is_written() -> None:
    assert in_label("order_id_2, string, optional") == "order_id_2, string, optional"
    assert visible("a\u202e\x1b<b>_") == "aU+202E\u241b<b>_"
    assert in_label("_a_ *b* a__b") == r"\_a\_ \*b\* a\_\_b"


@pytest.mark.parametrize(
    ("kind", "text", "tags"),
    [
        ("f-string", "Hi {name}, {{not}} {a!r:>4}", ["{name}", "{a!r:>4}"]),
        ("f-string", "{{{name}}}", ["{name}"]),
        ("f-string", '{"json": ', []),
        (
            "jinja2",
            "{% if a %}{{ b | upper }}{# c #}{% endif %}",
            ["{% if a %}", "{{ b | upper }}", "{# c #}", "{% endif %}"],
        ),
        ("jinja2", "{{ a }} {% never", ["{{ a }}"]),
        ("mustache", "{{{a}}} {{#b}}x{{/b}}", ["{{{a}}}", "{{#b}}", "{{/b}}"]),
        ("plain", "{a} {{b}}", []),
    ],
)
def test_tags_are_found_in_each_format(kind: TemplateFormat, text: str, tags: list[str]) -> None:
    pieces = list(split_tags(text, kind))
    assert "".join(piece for _, piece in pieces) == text
    assert [piece for is_tag, piece in pieces if is_tag] == tags


def test_a_tag_says_what_the_contract_has_for_it() -> None:
    contract = {"name": Variable(type="string", description='who "asks" <b>')}
    found = template_html("Hi {name!r}", "f-string", contract)
    assert (
        '<mark class="pdb-tag" title="name, string, required: who &quot;asks&quot; &lt;b&gt;">{name!r}</mark>' in found
    )


@pytest.mark.parametrize("kind", ["f-string", "jinja2", "mustache", "plain"])
@pytest.mark.parametrize("part", ["{", "{{", "{%", "}", "{{a", "{a}"])
def test_a_long_text_is_cut_and_never_takes_long(kind: TemplateFormat, part: str) -> None:
    found = template_html(part * 500_000, kind)
    assert f"The first {MAX_SHOWN:,} of {len(part) * 500_000:,} characters." in found


def test_a_table_escapes_its_words() -> None:
    found = table_html("<i>", ["<b>"], [["x", "y"]])
    assert found.count("&lt;i&gt;") == 2
    assert "<b>" not in found
    assert '<th scope="row">x</th><td>y</td>' in found


def test_a_long_text_becomes_one_short_line() -> None:
    assert shortened("a  b\nc", 10) == "a b c"
    assert shortened("word " * 100, 12) == "word word w…"


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-30", "2026-11-30T00:00:00+00:00"),
        ("2026-11-30 14:05", "2026-11-30T14:05:00+00:00"),
        ("2026-11-30T14:05:30Z", "2026-11-30T14:05:30+00:00"),
        ("2026-11-30T14:05+02:00", "2026-11-30T12:05:00+00:00"),
    ],
)
def test_a_time_is_in_utc_unless_it_says_otherwise(text: str, iso: str) -> None:
    assert time_in(text).isoformat() == iso


@pytest.mark.parametrize("text", ["", "now", "14:05", "2026-13-01", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
def test_other_texts_are_no_times(text: str) -> None:
    with pytest.raises(InvalidRef, match="is not a time"):
        time_in(text)


@pytest.mark.parametrize(
    ("person", "shown"),
    [
        ("ann", "ann"),
        ("Ann <ann@a.example>", '<span title="Ann &lt;ann@a.example&gt;">Ann</span>'),
        (" <ann@a.example>", "&lt;ann@a.example&gt;"),
    ],
)
def test_a_person_has_one_name_on_all_pages(person: str, shown: str) -> None:
    assert person_html(person).strip() == shown
