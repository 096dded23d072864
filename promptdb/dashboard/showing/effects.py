"""Shows the effects of a new version on callers, and the files that it has or does not have any more."""

from collections.abc import Sequence

from promptdb.dashboard.showing.escaping import in_html
from promptdb.dashboard.showing.tables import Html, badges_html, code_html, table_html
from promptdb.domain.changes import ContractChange
from promptdb.domain.spec import PromptSpec

MAX_EFFECTS = 200


def effects_html(changes: Sequence[ContractChange]) -> Html:
    """List what callers notice. Breaking changes come first and are named so."""
    lines = [
        f"<li>{_BREAKING if change.is_breaking else badges_html(['compatible'])} {in_html(change.message)}</li>"
        for change in changes[:MAX_EFFECTS]
    ]
    if len(changes) > MAX_EFFECTS:
        lines.append(f"<li>{len(changes) - MAX_EFFECTS:,} more</li>")
    return f'<ul class="pdb-effects">{"".join(lines)}</ul>'


_BREAKING = '<span class="pdb-badge pdb-breaking">⚠ breaking</span>'


def assets_html(old: PromptSpec, new: PromptSpec) -> Html | None:
    """List the assets that differ, or return None if there are none."""
    before, after = ({asset.path: asset for asset in spec.assets} for spec in (old, new))
    lines = [
        [
            code_html(path),
            "added" if path not in before else "removed" if path not in after else "changed",
            code_html(before[path].digest[:15]) if path in before else "",
            code_html(after[path].digest[:15]) if path in after else "",
        ]
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    ]
    return table_html("Assets that differ", ("File", "Change", "Before", "After"), lines) if lines else None
