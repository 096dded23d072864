"""Describes prompts and versions in lines."""

from collections.abc import Callable

from promptdb.dashboard.showing.escaping import in_attribute, in_html
from promptdb.dashboard.showing.tables import Html, badges_html, code_html, time_html
from promptdb.domain.forges import file_address
from promptdb.domain.listing import ListedPrompt
from promptdb.domain.splits import Split
from promptdb.domain.views import LogEntry, Provenance

_MAX_ABOUT = 160
SHORT_COMMIT = 10

FileLink = Callable[[Provenance], str | None]
"""Finds the address of a file at its commit, on the web."""


def version_name(revision: int) -> str:
    """Name a version for people: v3."""
    return f"v{revision}"


def target_name(revision: int | None, split: Split | None = None, nothing: str = "nothing") -> str:
    """Name what an alias points at: a version, the arms of a split with their weights, or nothing."""
    if split is not None:
        return " ".join(f"{version_name(arm.revision)}={arm.weight}" for arm in split.arms)
    return nothing if revision is None else version_name(revision)


def selector_of(revision: int) -> str:
    return f"rev:{revision}"


def shortened(text: str, most: int) -> str:
    text = " ".join(text[: most * 4].split())
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def person_name(person: str) -> str:
    """Name a person for readers: an author of git without the mail address."""
    return person.partition(" <")[0] or person


def person_html(person: str) -> Html:
    """Name a person. The full name of an author shows under the pointer."""
    name = person_name(person)
    return in_html(name) if name == person else f'<span title="{in_attribute(person)}">{in_html(name)}</span>'


def about_prompt_html(listed: ListedPrompt) -> Html:
    """Describe a prompt by its title, or otherwise its description, its tags and its owners."""
    about = in_html(shortened(listed.title or listed.description or "", _MAX_ABOUT))
    marks = badges_html(listed.tags, "#")
    owners = in_html(", ".join(listed.owners))
    more = " ".join(filter(None, [marks, f'<span class="pdb-muted">{owners}</span>' if owners else ""]))
    return f'<p class="pdb-line">{about}{"<br>" if about and more else ""}{more}</p>'


def state_of_prompt_html(listed: ListedPrompt) -> Html:
    """Describe the newest version of a prompt, and the versions that its aliases point at."""
    summary = listed.summary
    newest = f"{version_name(summary.revision)} of {time_html(summary.updated_at)}"
    aliases = badges_html(
        f"{alias} {target_name(revision, summary.splits.get(alias))}" for alias, revision in summary.aliases.items()
    )
    archived = badges_html(["archived"]) if summary.archived else ""
    return f'<p class="pdb-line">{newest} {archived}<br>{aliases or "no alias"}</p>'


def version_html(entry: LogEntry, link: FileLink, *, is_shown: bool = False) -> Html:
    """Describe a version: the aliases that point at it, and the commit that changed the prompt."""
    version, source = entry.version, entry.source
    label = code_html(version.user_version) if version.user_version else ""
    here = "<strong>shown here</strong>" if is_shown else ""
    first = " ".join(filter(None, [label, badges_html(entry.aliases), here]))
    author, at = version.created_by, version.created_at
    if source is not None and source.commit_id is not None:
        author, at = source.author or author, source.committed_at or at
    who = f"{person_html(author)}, {time_html(at)}"
    return f'<p class="pdb-line">{first}{"<br>" if first else ""}{who} {source_html(source, link)}</p>'


def source_html(source: Provenance | None, link: FileLink) -> Html:
    """Describe the origin of a version, as a link to its file if it is on the web."""
    if source is None:
        return "without a file"
    if source.commit_id is None:
        return f"{code_html(source.path)}, without git"
    commit = code_html(source.commit_id[:SHORT_COMMIT])
    if source.is_dirty:
        return f"{code_html(source.path)}, edited after {commit}"
    address = link(source)
    if address is None:
        return commit
    path = in_attribute(source.path)
    return f'<a href="{in_attribute(address)}" title="{path}" target="_blank" rel="noopener noreferrer">{commit}</a>'


def file_link(template: str | None) -> FileLink:
    """Make the finder of addresses from the setting `source_link`."""

    def find(source: Provenance) -> str | None:
        if template is None or source.commit_id is None:
            return None
        return file_address(template, source.commit_id, source.path)

    return find
