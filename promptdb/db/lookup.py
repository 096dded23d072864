"""Finds the version of a reference: one SELECT for each kind of selector, and a helpful error."""

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from promptdb.db.columns import absences, aliases, prompts, redirects, runs, sources, versions
from promptdb.db.heads import is_highest
from promptdb.db.repository import (
    PromptRepository,
    ReadAssets,
    VersionRow,
    among,
    in_namespace,
    named,
    select_versions,
    stored_of,
)
from promptdb.db.runs import APPLIED, is_clean_run
from promptdb.domain.git_refs import TAGS
from promptdb.domain.prompt_id import PromptId
from promptdb.domain.refs import LATEST, ByCommit, ByDigest, ByLabel, ByRevision, ByVersionId, PromptRef, Selector
from promptdb.domain.version_ids import version_id
from promptdb.domain.views import StoredVersion
from promptdb.errors import IntegrityFailure, PromptNotFound, VersionNotFound

_SHOWN = 5  # revisions or commits in a hint
_NUMBER = re.compile(r"(?:v|r|rev)?([1-9][0-9]{0,9})")
UNRECORDED = "no sync has recorded that commit; "
"""The begin of a hint about `git:` and a commit that the registry does not know."""


def find_version(connection: sa.Connection, ref: PromptRef, assets: ReadAssets | None = None) -> StoredVersion:
    """Find the version of a reference.

    Raises:
        PromptNotFound: no prompt has or had this name. The hint lists similar names.
        VersionNotFound: the prompt has no such version, or an abbreviated digest or commit is ambiguous. The hint lists
            alternatives.
    """
    found = _find(connection, ref.prompt, ref.selector, assets)
    if found is not None:
        return found
    prompt = existing_name(connection, ref.prompt)
    if prompt != ref.prompt and (found := _find(connection, prompt, ref.selector, assets)) is not None:
        return found
    raise _no_version(connection, ref, prompt)


def find_versions(
    connection: sa.Connection,
    alias: str,
    namespace: str | None = None,
    assets: ReadAssets | None = None,
    names: Collection[PromptId] | None = None,
) -> list[StoredVersion]:
    """Find the version of an alias, or of `latest`, for all prompts that have it, in or below a namespace or among some."""
    split = sa.null() if alias == LATEST else aliases.c.split_json
    query = select_versions().add_columns(versions.c.spec_json, first_commit().label("commit_id"), split)
    if alias == LATEST:
        query = query.where(is_highest)
    else:
        query = query.join(aliases, aliases.c.version_id == versions.c.id).where(aliases.c.alias == alias)
    if namespace is not None:
        query = query.where(in_namespace(namespace))
    if names is not None:
        query = query.where(sa.tuple_(prompts.c.namespace, prompts.c.name).in_(names))
    named_alias = None if alias == LATEST else alias
    return [stored_of(row, named_alias, row[-2], assets, row[-1]) for row in connection.execute(query).all()]


def current_name(connection: sa.Connection, prompt: PromptId) -> PromptId | None:
    """Find the current name of a prompt, which may have been renamed. None if there was never such a prompt."""
    if connection.execute(sa.select(prompts.c.id).where(*named(prompt))).first() is not None:
        return prompt
    query = (
        sa.select(prompts.c.namespace, prompts.c.name)
        .join(redirects, redirects.c.prompt_id == prompts.c.id)
        .where(redirects.c.namespace == prompt.namespace, redirects.c.name == prompt.name)
    )
    row = connection.execute(query).first()
    return PromptId(row.namespace, row.name) if row is not None else None


def existing_name(connection: sa.Connection, prompt: PromptId) -> PromptId:
    """Find the current name of a prompt, which may have been renamed.

    Raises:
        PromptNotFound: there was never such a prompt. The hint lists similar names.
    """
    name = current_name(connection, prompt)
    if name is None:
        raise _no_prompt(connection, prompt)
    return name


def stored_specs(connection: sa.Connection, version_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Read the spec of each version, as stored."""
    query = sa.select(versions.c.id, versions.c.spec_json)
    return {row.id: row.spec_json for row in among(connection, query, versions.c.id, version_ids)}


def specs_of_siblings(connection: sa.Connection, version: UUID, revisions: Collection[int]) -> dict[int, str]:
    """Read the specs of some revisions of the prompt that has a version. It leaves out revisions that are not written."""
    prompt = sa.select(versions.c.prompt_id).where(versions.c.id == version).scalar_subquery()
    query = sa.select(versions.c.revision, versions.c.spec_json)
    rows = connection.execute(query.where(versions.c.prompt_id == prompt, versions.c.revision.in_(revisions)))
    return {row.revision: row.spec_json for row in rows}


def _find(
    connection: sa.Connection, prompt: PromptId, selector: Selector, assets: ReadAssets | None
) -> StoredVersion | None:
    query = select_for(type(selector))  # type: ignore[arg-type]  # types are hashable
    parameters: dict[str, Any] = {"namespace": prompt.namespace, "name": prompt.name}
    match selector:
        case ByVersionId(value) | ByRevision(value) | ByLabel(value):
            parameters["value"] = value
        case ByDigest(prefix):
            _require_one_digest(connection, prompt, prefix)
            parameters["value"] = f"sha256:{prefix}"
        case ByCommit(name):
            run = _run_of(connection, name)
            query = query.where(_in_commit(run, name))
            if run is not None:
                # The commit of another ref than the main one may have an earlier version again.
                again = sa.exists().where(sources.c.version_id == versions.c.id, sources.c.run_id == run)
                query = query.order_by(None).order_by(
                    sa.case((again.correlate(versions), 0), else_=1), versions.c.revision.desc()
                )
    try:
        row = connection.execute(query, parameters).first()
    except IntegrityFailure as error:  # a value that is not an id or a time
        raise edited(prompt) from error
    return found_in(row, prompt, assets) if row is not None else None


def found_in(row: VersionRow, prompt: PromptId, assets: ReadAssets | None) -> StoredVersion:
    """Read a row of `select_for`. Raise IntegrityFailure if the row was edited."""
    columns: tuple[Any, ...] = row
    key, revision, digest, *_, prompt_id, commit_id, alias, split = columns
    if key != version_id(prompt_id, revision, digest):
        raise edited(prompt)
    return stored_of(row, alias, commit_id, assets, split)


def edited(prompt: PromptId) -> IntegrityFailure:
    return IntegrityFailure(f"the row of a version of {prompt} was edited", "see: promptdb verify")


# To make a statement takes longer than to run it.
@cache
def select_for(kind: type[Any]) -> sa.Select[Any]:
    """Make the statement for a kind of selector, with the parameters `namespace`, `name` and `value`."""
    value: sa.BindParameter[Any] = sa.bindparam("value")
    text = sa.bindparam("value", type_=sa.String)
    pointed = versions.c.id == _pointed(text, aliases.c.version_id)
    by_alias = sa.case((pointed, text)) if kind is ByLabel else sa.null()
    split = _pointed(text, aliases.c.split_json) if kind is ByLabel else sa.null()
    query = (
        select_versions()
        .add_columns(versions.c.spec_json, versions.c.prompt_id, first_commit().label("commit_id"))
        .add_columns(by_alias.label("alias"), split.label("split_json"))
        .where(prompts.c.namespace == sa.bindparam("namespace"), prompts.c.name == sa.bindparam("name"))
        .limit(1)
    )
    if kind is ByVersionId:
        query = query.where(versions.c.id == value)
    elif kind is ByRevision:
        query = query.where(versions.c.revision == value)
    elif kind is ByDigest:
        query = query.where(versions.c.spec_hash.startswith(text))
    elif kind is ByLabel:  # the alias comes first, then the newest version with this `user_version`
        query = query.where(sa.or_(pointed, versions.c.user_version == text)).order_by(sa.case((pointed, 0), else_=1))
    return query.order_by(versions.c.revision.desc())


def _pointed(alias: sa.ColumnElement[str], column: sa.Column[Any]) -> sa.ScalarSelect[Any]:
    """Select a column of an alias of the prompt."""
    return (
        sa.select(column)
        .where(aliases.c.prompt_id == prompts.c.id, aliases.c.alias == alias)
        .correlate(prompts)
        .scalar_subquery()
    )


def first_commit() -> sa.ScalarSelect[str | None]:
    """Select the first clean commit of the version."""
    return (
        sa.select(sources.c.commit_id)
        .where(sources.c.version_id == versions.c.id, ~sources.c.is_dirty)
        .order_by(sources.c.id)
        .limit(1)
        .correlate(versions)
        .scalar_subquery()
    )


def _require_one_digest(connection: sa.Connection, prompt: PromptId, prefix: str) -> None:
    query = (
        sa.select(versions.c.spec_hash)
        .distinct()
        .join(prompts, prompts.c.id == versions.c.prompt_id)
        .where(*named(prompt), versions.c.spec_hash.startswith(f"sha256:{prefix}"))
        .order_by(versions.c.spec_hash)
    )
    digests = list(connection.execute(query).scalars())
    if len(digests) > 1:
        shown = ", ".join(digest[: len("sha256:") + len(prefix) + 4] for digest in digests)
        message = f"sha256:{prefix} matches {len(digests)} digests of {prompt}"
        raise VersionNotFound(message, f"give more digits: {shown}")


def _in_commit(run: int | None, name: str) -> sa.ColumnElement[bool]:
    """Select the versions in a commit: those from a file up to the commit's run, if there was a file then.

    `name` is a branch, a tag or a commit id, abbreviated or not. It may also be a commit that changed the file, without a run.
    """
    commit = name.lower()
    own = sources.alias("own")
    fits = own.c.run_id <= run if run is not None else own.c.commit_id.startswith(commit, autoescape=True)
    found = sa.exists().where(own.c.version_id == versions.c.id, ~own.c.is_dirty, fits).correlate(versions)
    if run is None:
        return found
    ended = sa.and_(absences.c.until_run_id.is_not(None), absences.c.until_run_id <= run)
    absent = sa.exists().where(absences.c.prompt_id == versions.c.prompt_id, absences.c.from_run_id <= run, ~ended)
    return found & ~absent.correlate(versions)


def _run_of(connection: sa.Connection, name: str) -> int | None:
    """Find the newest clean run of a branch, tag or commit."""
    clean = sa.select(sa.func.max(runs.c.id)).where(is_clean_run)
    run: int | None = connection.execute(clean.where(runs.c.git_ref.in_([name, TAGS + name]))).scalar()
    if run is None:
        commit = name.lower()
        _require_one_commit(connection, name, commit)
        run = connection.execute(clean.where(runs.c.commit_id.startswith(commit, autoescape=True))).scalar()
    return run


def _require_one_commit(connection: sa.Connection, name: str, commit: str) -> None:
    if not all(character in "0123456789abcdef" for character in commit):
        return
    query = sa.union(
        sa.select(runs.c.commit_id).where(runs.c.commit_id.startswith(commit), runs.c.outcome == APPLIED),
        sa.select(sources.c.commit_id).where(sources.c.commit_id.startswith(commit)),
    )
    commits = list(connection.execute(query).scalars())
    if len(commits) > 1:
        shown = ", ".join(sorted(found[: len(commit) + 4] for found in commits)[:_SHOWN])
        raise VersionNotFound(f"git:{name} matches {len(commits)} commits", f"give more digits: {shown}")


def _no_prompt(connection: sa.Connection, prompt: PromptId) -> PromptNotFound:
    names = [str(summary.prompt) for summary in PromptRepository(connection).summaries(archived=True)]
    near = (
        get_close_matches(str(prompt), names, 3, 0.7)
        or [name for name in names if name.endswith(f"/{prompt.name}")][:3]
    )
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    elif names:
        hint = "'promptdb list' shows all prompts"
    else:
        hint = "the registry is empty; run 'promptdb sync'"
    return PromptNotFound(f"there is no prompt {prompt}", hint)


def _no_version(connection: sa.Connection, ref: PromptRef, prompt: PromptId) -> VersionNotFound:
    repository = PromptRepository(connection)
    shown = [f"{alias.alias} -> {alias.split or f'rev:{alias.revision}'}" for alias in repository.aliases(prompt)]
    newest = [f"rev:{view.revision}" for view in repository.versions(prompt, _SHOWN)]
    hint = f"aliases: {', '.join(shown) or 'none'}; newest revisions: {', '.join(newest) or 'none'}"
    if isinstance(ref.selector, ByLabel) and (number := _NUMBER.fullmatch(ref.selector.label)) is not None:
        hint = f"did you mean rev:{number[1]}? {hint}"
    if isinstance(ref.selector, ByCommit):
        is_recorded = _run_of(connection, ref.selector.name) is not None
        hint = f"{'there was no valid file in that commit; ' if is_recorded else UNRECORDED}{hint}"
    return VersionNotFound(f"{prompt} has no version {ref.text.partition(':')[2]!r}", hint)
