"""Shows a version: its texts with variables marked, its contract, the fragments that it includes, and its assets."""

import json
from typing import BinaryIO

import streamlit as st

from promptdb.dashboard.links import PROMPT, PROMPTS, Link
from promptdb.dashboard.showing.escaping import in_html, in_markdown
from promptdb.dashboard.showing.page import show_heading, show_html, show_link, show_note
from promptdb.dashboard.showing.tables import Html, code_html, table_html
from promptdb.dashboard.showing.templates import MAX_SHOWN, cut_note, template_html, text_html
from promptdb.domain.spec import Variable
from promptdb.domain.views import AssetView
from promptdb.project.edits.write_version import sections
from promptdb.render.renderable import RenderablePrompt
from promptdb.render.resolved import ResolvedPrompt
from promptdb.render.section_diff import Section

_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""Images without scripts."""

MAX_PREVIEW = 20_000
"""Bytes of a text file that are shown."""

MAX_IMAGE = 5 * 1024**2


def show_sections(prompt: RenderablePrompt) -> None:
    """Show each text of a prompt as it is rendered, and its other fields as YAML."""
    spec, contract = prompt.spec, prompt.variables
    fields = []
    for section in sections(spec):
        if section.title.startswith("fragment "):
            continue
        if section.is_field:
            fields.append(section)
            continue
        show_heading(section.title)
        # Messages of content parts are YAML, whose texts are templates too.
        if section.is_template or section.has_templates:
            show_html(template_html(section.text, spec.template_format, contract))
        else:
            show_text(section.text)
    shown = [section for section in fields if section.key not in ("metadata", "variables", "assets")]
    if shown:
        show_heading("Settings")
        show_text("".join(map(_text, shown)))


def _text(section: Section) -> str:
    return section.text if section.text.endswith("\n") else f"{section.text}\n"


def show_text(text: str) -> None:
    """Show text as it is, up to a limit."""
    show_html(text_html(in_html(text[:MAX_SHOWN])) + cut_note(text))


def show_contract(prompt: RenderablePrompt) -> None:
    """Show the variables that a caller must or may give."""
    show_heading("Contract")
    contract = prompt.variables
    if not contract:
        show_note("The prompt has no variables.")
        return
    header = ("Variable", "Type", "Required", "Default", "Allowed", "About")
    show_html(table_html("Contract", header, [_line(name, contract[name]) for name in contract]))
    if prompt.spec.variables is None:
        show_note("The file declares no variables: these are the names in its templates.")


def _line(name: str, variable: Variable) -> list[Html]:
    allowed = " ".join(code_html(_json(value)) for value in variable.enum or ())
    return [
        code_html(name),
        in_html(variable.type or "any"),
        "required" if variable.required else "optional",
        code_html(_json(variable.default)) if variable.default is not None else "",
        allowed,
        in_html(variable.description or ""),
    ]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def show_fragments(prompt: RenderablePrompt) -> None:
    """Show the fragments that a prompt includes, and lead to the other prompts that do."""
    spec = prompt.spec
    if not spec.includes:
        return
    show_heading("Fragments")
    for name, text in spec.includes.items():
        with st.expander(in_markdown(name)):
            show_html(template_html(text, spec.template_format))
        show_link(Link(PROMPTS, {"fragment": name}), f"Prompts that include {name}", icon=":material/account_tree:")


def show_assets(found: ResolvedPrompt, query: dict[str, str]) -> None:
    """Show the files of a version. The address names the one whose content is shown."""
    if not found.spec.assets:
        return
    show_heading("Assets")
    kinds = {asset.path: asset.kind for asset in found.spec.assets}
    for asset in found.assets:
        path = asset.path or ""
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            show_link(Link(PROMPT, {**query, "asset": path}), path, icon=":material/attach_file:")
            size = f"{asset.byte_size:,} bytes"
            show_html(f'<p class="pdb-line">{in_html(kinds.get(path, ""))}, {in_html(asset.content_type)}, {size}</p>')
        if query.get("asset") == path:
            _show_asset(found, asset)


def _show_asset(found: ResolvedPrompt, asset: AssetView) -> None:
    def opened() -> BinaryIO:
        return found.asset(asset.path or "")

    name = (asset.path or "asset").rpartition("/")[2]
    if asset.content_type in _IMAGES and asset.byte_size <= MAX_IMAGE:
        with opened() as stream:
            st.image(stream.read())
    elif asset.content_type.startswith("text/") or asset.content_type.startswith("application/json"):
        with opened() as stream:
            data = stream.read(MAX_PREVIEW)
        show_text(data.decode(errors="replace"))
        if asset.byte_size > MAX_PREVIEW:
            show_note(f"The first {MAX_PREVIEW:,} bytes. The download has all.")
    else:
        show_note("This kind of file has no preview.")
    st.download_button(
        in_markdown(f"Download {name}"), opened, file_name=name, mime="application/octet-stream", on_click="ignore"
    )
