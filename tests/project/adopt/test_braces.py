"""The braces of texts decide their format."""

import pytest

from promptdb.project.adopt.braces import braces, chosen_format

JSON = 'Reply as {"a": {"b": 1}}.'


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param(["Hi {name}", "Hi"], None, id="f-strings"),
        pytest.param(["Hi {name}", "Hi {a} {b}", JSON], {}, id="most are f-strings"),
        pytest.param(["Hi {name}", JSON], {"text_format": "plain"}, id="as many are not"),
        pytest.param([JSON, "Hi"], {"text_format": "plain"}, id="no names"),
        pytest.param(["Hi {{name}}", "Hi {{ a }}", "Hi"], {"text_format": "mustache"}, id="mustache"),
        pytest.param(["Hi {{name}}", JSON], {"text_format": "mustache"}, id="mustache beside other braces"),
        pytest.param(
            ["Hi {{name}}", "{{#if a}} {{/b}}", JSON], {"text_format": "plain"}, id="tags of another language"
        ),
        pytest.param(["Hi {{name}}", "Hi {name}"], None, id="mixed"),
    ],
)
def test_the_format_of_texts(texts: list[str], expected: dict[str, str] | None):
    chosen = chosen_format([braces(text, is_broken=text == JSON or "#" in text) for text in texts])
    assert (chosen and chosen[0]) == expected
