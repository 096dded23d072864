"""The decision: what a sync would do, for every way in which files and registry can differ."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptdb.domain.changes import ChangedFile
from promptdb.domain.digest import Digest, digest_of
from promptdb.domain.plan import Action, Change, Desired, Head, LabelUse, Plan, Policy, Recorded, plan
from promptdb.domain.plan_result import performed
from promptdb.domain.prompt_id import PromptId
from promptdb.errors import Conflict, Guard

A, B, C = (PromptId("n", name) for name in "abc")
OLD, NEW = digest_of(b"old"), digest_of(b"new")
KEEP, PRUNE = Policy(), Policy(prune=True, max_prune=100)


def recorded(*heads: Head, **labels: LabelUse) -> Recorded:
    """Labels are given for prompt A."""
    return Recorded({head.prompt: head for head in heads}, {(A, label): use for label, use in labels.items()})


def after(planned: Plan, before: Recorded) -> Recorded:
    """Return what the registry holds when the plan was performed.

    Says the same as `performed`, in other words: a test compares the two.
    """
    heads, labels = dict(before.heads), dict(before.labels)
    for change in planned.changes:
        match change:
            case Change(Action.RENAME, prompt, renamed_from=PromptId() as earlier):
                heads[prompt] = replace(heads.pop(earlier), prompt=prompt)
                labels = {(prompt if p == earlier else p, label): use for (p, label), use in labels.items()}
            case Change(Action.REVIVE, prompt):
                heads[prompt] = replace(heads[prompt], archived=False)
            case Change(Action.ARCHIVE, prompt):
                heads[prompt] = replace(heads[prompt], archived=True)
            case Change(Action.CREATE | Action.UPDATE, prompt, revision=int() as revision, digest=str() as digest):
                assert revision == (heads[prompt].revision + 1 if prompt in heads else 1)
                heads[prompt] = Head(prompt, revision, digest)
            case _:
                pytest.fail(f"an incomplete change: {change}")
    return Recorded(heads, labels)


@pytest.mark.parametrize(
    ("desired", "before", "changes"),
    [
        pytest.param([], recorded(), [], id="nothing on both sides"),
        pytest.param(
            [Desired(A, NEW, "n/a.yaml")], recorded(), [Change(Action.CREATE, A, "n/a.yaml", 1, NEW)], id="create"
        ),
        pytest.param([Desired(A, OLD, "n/a.yaml")], recorded(Head(A, 3, OLD)), [], id="unchanged"),
        pytest.param(
            [Desired(A, NEW, "n/a.yaml")],
            recorded(Head(A, 3, OLD)),
            [Change(Action.UPDATE, A, "n/a.yaml", 4, NEW, 3, OLD)],
            id="update",
        ),
        pytest.param([Desired(A, OLD, "n/a.md")], recorded(Head(A, 1, OLD)), [], id="the same content in another file"),
        pytest.param(
            [Desired(A, OLD, "n/a.yaml")],
            recorded(Head(A, 2, OLD, archived=True)),
            [Change(Action.REVIVE, A, "n/a.yaml", old_revision=2, old_digest=OLD)],
            id="revive",
        ),
        pytest.param(
            [Desired(A, NEW, "n/a.yaml")],
            recorded(Head(A, 2, OLD, archived=True)),
            [
                Change(Action.REVIVE, A, "n/a.yaml", old_revision=2, old_digest=OLD),
                Change(Action.UPDATE, A, "n/a.yaml", 3, NEW, 2, OLD),
            ],
            id="revive with new content",
        ),
        pytest.param(
            [Desired(B, OLD, "n/b.yaml", renamed_from=(A,))],
            recorded(Head(A, 2, OLD)),
            [Change(Action.RENAME, B, "n/b.yaml", renamed_from=A)],
            id="rename",
        ),
        pytest.param(
            [Desired(B, NEW, "n/b.yaml", renamed_from=(A,))],
            recorded(Head(A, 2, OLD)),
            [
                Change(Action.RENAME, B, "n/b.yaml", renamed_from=A),
                Change(Action.UPDATE, B, "n/b.yaml", 3, NEW, 2, OLD),
            ],
            id="rename with new content",
        ),
        pytest.param(
            [Desired(B, OLD, "n/b.yaml", renamed_from=(A,))],
            recorded(Head(A, 2, OLD, archived=True)),
            [
                Change(Action.RENAME, B, "n/b.yaml", renamed_from=A),
                Change(Action.REVIVE, B, "n/b.yaml", old_revision=2, old_digest=OLD),
            ],
            id="rename of an archived prompt",
        ),
        pytest.param(
            [Desired(B, NEW, "n/b.yaml", renamed_from=(A,))],
            recorded(Head(A, 2, OLD, archived=True)),
            [
                Change(Action.RENAME, B, "n/b.yaml", renamed_from=A),
                Change(Action.REVIVE, B, "n/b.yaml", old_revision=2, old_digest=OLD),
                Change(Action.UPDATE, B, "n/b.yaml", 3, NEW, 2, OLD),
            ],
            id="rename of an archived prompt with new content",
        ),
        pytest.param(
            [Desired(B, NEW, "n/b.yaml", renamed_from=(A,))],
            recorded(),
            [Change(Action.CREATE, B, "n/b.yaml", 1, NEW)],
            id="an earlier name that was never recorded",
        ),
        pytest.param(
            [Desired(A, OLD, "n/a.yaml"), Desired(B, NEW, "n/b.yaml", renamed_from=(A,))],
            recorded(Head(A, 2, OLD)),
            [Change(Action.CREATE, B, "n/b.yaml", 1, NEW)],
            id="an earlier name that still has a file is a copy",
        ),
        pytest.param(
            [Desired(B, OLD, "n/b.yaml", renamed_from=(A,))],
            recorded(Head(A, 2, NEW, archived=True), Head(B, 1, OLD)),
            [],
            id="a rename that was done already",
        ),
        pytest.param(
            [Desired(C, OLD, "n/c.yaml", renamed_from=(A, B))],
            recorded(Head(B, 2, OLD)),
            [Change(Action.RENAME, C, "n/c.yaml", renamed_from=B)],
            id="the first earlier name that is recorded",
        ),
        pytest.param(
            [Desired(C, OLD, "n/c.yaml", renamed_from=(B, A))],
            recorded(Head(A, 1, NEW), Head(B, 2, OLD)),
            [Change(Action.RENAME, C, "n/c.yaml", renamed_from=B)],
            id="earlier names in the order in which they are given",
        ),
        pytest.param(
            [Desired(B, OLD, "n/b.yaml", renamed_from=(A,)), Desired(C, NEW, "n/c.yaml", renamed_from=(A,))],
            recorded(Head(A, 2, OLD)),
            [Change(Action.RENAME, B, "n/b.yaml", renamed_from=A), Change(Action.CREATE, C, "n/c.yaml", 1, NEW)],
            id="two files claim one earlier name: the first by name gets it",
        ),
        pytest.param([], recorded(Head(A, 2, OLD)), [], id="a file that is gone, without prune"),
    ],
)
def test_plan(desired: list[Desired], before: Recorded, changes: list[Change]):
    assert list(plan(desired, before, KEEP).changes) == changes


@pytest.mark.parametrize(
    ("desired", "before", "archived"),
    [
        pytest.param([], recorded(Head(A, 2, OLD)), [A], id="the file is gone"),
        pytest.param([], recorded(Head(A, 2, OLD, archived=True)), [], id="archived already"),
        pytest.param([], recorded(Head(A, 2, OLD, from_file=False)), [], id="registered without a file"),
        pytest.param([Desired(A, OLD)], recorded(Head(A, 2, OLD)), [], id="the file is there"),
        pytest.param([Desired(B, OLD, renamed_from=(A,))], recorded(Head(A, 2, OLD)), [], id="renamed away"),
        pytest.param(
            [Desired(B, OLD, renamed_from=(A,))],
            recorded(Head(A, 2, OLD), Head(B, 1, OLD)),
            [A],
            id="left behind by a copy",
        ),
    ],
)
def test_prune_archives(desired: list[Desired], before: Recorded, archived: list[PromptId]):
    changes = plan(desired, before, PRUNE).changes
    assert [change for change in changes if change.action is Action.ARCHIVE] == [
        Change(Action.ARCHIVE, prompt, old_revision=2, old_digest=OLD) for prompt in archived
    ]


def test_what_prune_would_archive_is_missing_without_it():
    before = recorded(Head(C, 1, OLD), Head(A, 1, OLD), Head(B, 1, OLD, archived=True))
    assert plan([], before, KEEP).missing == (A, C)
    assert plan([], before, PRUNE).missing == ()


def test_changes_are_sorted_by_prompt_then_action():
    desired = [Desired(C, NEW, renamed_from=(B,)), Desired(A, NEW)]
    before = recorded(Head(B, 1, OLD, archived=True), Head(PromptId("m", "z"), 1, OLD))
    assert [(change.action, str(change.prompt)) for change in plan(desired, before, PRUNE).changes] == [
        (Action.ARCHIVE, "m/z"),
        (Action.CREATE, "n/a"),
        (Action.RENAME, "n/c"),
        (Action.REVIVE, "n/c"),
        (Action.UPDATE, "n/c"),
    ]


@pytest.mark.parametrize(
    ("desired", "before", "unchanged"),
    [
        pytest.param([Desired(A, OLD), Desired(B, OLD)], recorded(Head(A, 1, OLD), Head(B, 4, OLD)), 2, id="both"),
        pytest.param([Desired(A, NEW)], recorded(Head(A, 1, OLD)), 0, id="updated"),
        pytest.param([Desired(A, NEW)], recorded(), 0, id="created"),
        pytest.param([Desired(A, OLD)], recorded(Head(A, 1, OLD, archived=True)), 0, id="revived"),
        pytest.param([Desired(B, OLD, renamed_from=(A,))], recorded(Head(A, 1, OLD)), 0, id="renamed"),
    ],
)
def test_unchanged_counts(desired: list[Desired], before: Recorded, unchanged: int):
    assert plan(desired, before, KEEP).unchanged == unchanged


@pytest.mark.parametrize(
    ("desired", "before", "empty"),
    [
        pytest.param([Desired(A, OLD)], recorded(Head(A, 1, OLD)), True, id="unchanged"),
        pytest.param([], recorded(Head(A, 1, OLD)), True, id="missing without prune"),
        pytest.param([Desired(A, NEW)], recorded(Head(A, 1, OLD)), False, id="changed"),
    ],
)
def test_is_empty(desired: list[Desired], before: Recorded, empty: bool):
    assert plan(desired, before, KEEP).is_empty is empty


def test_count_by_action():
    planned = plan([Desired(A, NEW), Desired(B, NEW)], recorded(Head(C, 1, OLD)), PRUNE)
    assert {action: planned.count(action) for action in Action} == {
        Action.RENAME: 0,
        Action.REVIVE: 0,
        Action.CREATE: 2,
        Action.UPDATE: 0,
        Action.ARCHIVE: 1,
    }


USED = LabelUse(1, OLD)


@pytest.mark.parametrize(
    ("desired", "before", "conflicts"),
    [
        pytest.param(
            Desired(A, NEW, user_version="1.0"),
            recorded(Head(A, 2, digest_of(b"mid")), **{"1.0": USED}),
            ["n/a: user_version '1.0' already names revision 1, which differs"],
            id="a label for other content",
        ),
        pytest.param(
            Desired(A, NEW, user_version="1.1"), recorded(Head(A, 1, OLD), **{"1.0": USED}), [], id="a new label"
        ),
        pytest.param(Desired(A, NEW), recorded(Head(A, 1, OLD), **{"1.0": USED}), [], id="no label"),
        pytest.param(
            Desired(A, OLD, user_version="1.0"),
            recorded(Head(A, 2, NEW), **{"1.0": USED}),
            [],
            id="a revert brings the old label back",
        ),
        pytest.param(Desired(A, NEW, user_version="1.0"), recorded(), [], id="a new prompt"),
        pytest.param(
            Desired(B, NEW, user_version="1.0", renamed_from=(A,)),
            recorded(Head(A, 1, OLD), **{"1.0": USED}),
            ["n/b: user_version '1.0' already names revision 1, which differs"],
            id="labels follow a rename",
        ),
        pytest.param(
            Desired(B, NEW, user_version="1.0"),
            recorded(Head(A, 1, OLD), Head(B, 1, OLD), **{"1.0": USED}),
            [],
            id="labels belong to one prompt",
        ),
    ],
)
def test_label_conflicts(desired: Desired, before: Recorded, conflicts: list[str]):
    planned = plan([desired], before, KEEP)
    assert list(planned.label_conflicts) == conflicts
    assert not (conflicts and planned.is_empty)


def test_a_plan_with_a_label_conflict_is_not_sound():
    planned = plan([Desired(A, NEW, user_version="1.0")], recorded(Head(A, 1, OLD), **{"1.0": USED}), KEEP)
    with pytest.raises(Conflict, match="already names revision 1") as caught:
        planned.require_sound(KEEP)
    assert not isinstance(caught.value, Guard)


@pytest.mark.parametrize(
    ("tracked", "archived", "max_prune", "sound"),
    [
        pytest.param(5, 1, 20, True, id="a fifth is allowed"),
        pytest.param(4, 1, 20, False, id="a quarter is not"),
        pytest.param(10, 2, 20, True, id="exactly the limit"),
        pytest.param(10, 3, 20, False, id="one more"),
        pytest.param(1, 1, 20, False, id="the only one"),
        pytest.param(1, 1, 100, True, id="everything, if allowed"),
        pytest.param(100, 1, 0, False, id="nothing is allowed"),
        pytest.param(100, 0, 0, True, id="nothing to archive"),
        pytest.param(0, 0, 20, True, id="an empty registry"),
    ],
)
def test_the_guard_compares_with_the_tracked_prompts(tracked: int, archived: int, max_prune: int, sound: bool):
    prompts = [PromptId("n", f"p{number}") for number in range(tracked)]
    policy = Policy(prune=True, max_prune=max_prune)
    before = recorded(*(Head(prompt, 1, OLD) for prompt in prompts))
    planned = plan([Desired(prompt, OLD) for prompt in prompts[archived:]], before, policy)
    assert planned.tracked == tracked
    if sound:
        planned.require_sound(policy)
    else:
        with pytest.raises(
            Guard, match=f"--prune would archive {archived} of {tracked} prompts, more than {max_prune} percent"
        ):
            planned.require_sound(policy)


def test_archived_and_registered_prompts_are_not_tracked():
    before = recorded(Head(A, 1, OLD), Head(B, 1, OLD, archived=True), Head(C, 1, OLD, from_file=False))
    assert plan([Desired(A, OLD)], before, PRUNE).tracked == 1


@pytest.mark.parametrize(
    ("desired", "head", "unconfirmed"),
    [
        pytest.param(Desired(A, OLD, "n/a.yaml"), Head(A, 1, OLD, is_confirmed=False), (A,), id="the same content"),
        pytest.param(Desired(A, OLD, "n/a.yaml"), Head(A, 1, OLD), (), id="confirmed already"),
        pytest.param(Desired(A, NEW, "n/a.yaml"), Head(A, 1, OLD, is_confirmed=False), (), id="other content"),
        pytest.param(Desired(A, OLD), Head(A, 1, OLD, is_confirmed=False), (), id="registered without a file"),
        pytest.param(
            Desired(B, OLD, "n/b.yaml", renamed_from=(A,)), Head(A, 1, OLD, is_confirmed=False), (B,), id="renamed"
        ),
    ],
)
def test_unconfirmed_content_is_told_and_makes_no_change_of_its_own(
    desired: Desired, head: Head, unconfirmed: tuple[PromptId, ...]
):
    planned = plan([desired], recorded(head), KEEP)
    assert planned.unconfirmed == unconfirmed
    assert {change.action for change in planned.changes} <= {Action.UPDATE, Action.RENAME}


PROMPTS = [PromptId("n", name) for name in "abcdef"]
DIGESTS: list[Digest] = [digest_of(bytes([number])) for number in range(3)]


@st.composite
def desired_states(draw: st.DrawFn) -> list[Desired]:
    prompts = draw(st.lists(st.sampled_from(PROMPTS), unique=True))
    earlier = st.lists(st.sampled_from(PROMPTS), max_size=3, unique=True).map(tuple)
    return [
        Desired(prompt, draw(st.sampled_from(DIGESTS)), f"{prompt}.yaml", None, draw(earlier)) for prompt in prompts
    ]


@st.composite
def recorded_states(draw: st.DrawFn) -> Recorded:
    prompts = draw(st.lists(st.sampled_from(PROMPTS), unique=True))
    return recorded(
        *(
            Head(
                prompt,
                draw(st.integers(1, 5)),
                draw(st.sampled_from(DIGESTS)),
                draw(st.booleans()),
                draw(st.booleans()),
            )
            for prompt in prompts
        )
    )


@given(desired_states(), recorded_states(), st.booleans())
@pytest.mark.slow
def test_performing_a_plan_and_planning_again_gives_an_empty_one(desired: list[Desired], before: Recorded, prune: bool):
    policy = Policy(prune=prune)
    then = after(plan(desired, before, policy), before)
    again = plan(desired, then, policy)
    assert again.is_empty
    assert again.unchanged == len(desired)


@given(desired_states(), recorded_states(), st.booleans())
@pytest.mark.slow
def test_a_plan_that_is_performed_in_memory_gives_what_its_changes_say(
    desired: list[Desired], before: Recorded, prune: bool
):
    planned = plan(desired, before, Policy(prune=prune))
    assert performed(planned, before, {item.prompt: item for item in desired}) == after(planned, before)


def test_labels_name_new_versions_and_follow_a_rename_once_a_plan_is_performed():
    desired = [Desired(B, NEW, "n/b.yaml", "1.1", renamed_from=(A,)), Desired(C, OLD, "n/c.yaml", "1.0")]
    before = recorded(Head(A, 1, OLD), **{"1.0": USED})
    then = performed(plan(desired, before, KEEP), before, {item.prompt: item for item in desired})
    assert then.labels == {(B, "1.0"): USED, (B, "1.1"): LabelUse(2, NEW), (C, "1.0"): LabelUse(1, OLD)}


@given(desired_states(), recorded_states())
@pytest.mark.slow
def test_after_a_pruning_plan_the_registry_says_what_the_files_say(desired: list[Desired], before: Recorded):
    then = after(plan(desired, before, PRUNE), before)
    live = {head.prompt: head.digest for head in then.heads.values() if not head.archived}
    registered = {head.prompt for head in then.heads.values() if not head.from_file}
    wanted = {item.prompt: item.digest for item in desired}
    assert {prompt: digest for prompt, digest in live.items() if prompt in wanted} == wanted
    assert live.keys() - wanted.keys() <= registered


@given(desired_states(), recorded_states(), st.booleans(), st.randoms(use_true_random=False))
@pytest.mark.slow
def test_the_order_of_the_files_decides_nothing(desired: list[Desired], before: Recorded, prune: bool, random: object):
    shuffled = list(desired)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert plan(shuffled, before, Policy(prune=prune)) == plan(desired, before, Policy(prune=prune))


@given(desired_states(), recorded_states())
@pytest.mark.slow
def test_no_version_is_ever_lost(desired: list[Desired], before: Recorded):
    """A head stays, is renamed, or is followed by a higher revision."""
    then = after(plan(desired, before, PRUNE), before)
    assert len(then.heads) >= len(before.heads)
    assert sum(head.revision for head in then.heads.values()) >= sum(head.revision for head in before.heads.values())


def test_a_file_is_a_shared_cause_where_its_change_makes_several_versions():
    def update(prompt: PromptId, **files: str) -> Change:
        return Change(Action.UPDATE, prompt, files=tuple(ChangedFile(path, kind) for path, kind in files.items()))  # type: ignore[arg-type]

    changes = (
        update(A, x="changed", y="changed", once="changed", new="added"),
        update(B, x="changed", y="changed", new="added", old="removed"),
        update(C, y="changed", old="removed"),
    )
    assert list(Plan(changes).shared_causes().items()) == [("y", 3), ("x", 2)]


# Renames that may be meant, and those that do not count


@pytest.mark.parametrize(
    ("desired", "before", "proposed"),
    [
        pytest.param([Desired(B, OLD, "b")], recorded(Head(A, 2, OLD)), [(A, B)], id="the content of one that is gone"),
        pytest.param([Desired(B, NEW, "b")], recorded(Head(A, 2, OLD)), [], id="other content"),
        pytest.param([Desired(A, OLD, "a"), Desired(B, OLD, "b")], recorded(Head(A, 2, OLD)), [], id="a copy"),
        pytest.param([Desired(B, OLD, "b"), Desired(C, OLD, "c")], recorded(Head(A, 2, OLD)), [], id="two are new"),
        pytest.param([Desired(C, OLD, "c")], recorded(Head(A, 1, OLD), Head(B, 1, OLD)), [], id="two are gone"),
        pytest.param([Desired(B, OLD, "b")], recorded(Head(A, 2, OLD, archived=True)), [], id="gone long ago"),
        pytest.param([Desired(B, OLD, "b")], recorded(Head(A, 2, OLD, from_file=False)), [], id="never had a file"),
        pytest.param([Desired(B, OLD, "b", renamed_from=(A,))], recorded(Head(A, 2, OLD)), [], id="renamed already"),
        pytest.param([Desired(B, OLD, "b")], recorded(Head(A, 2, OLD), Head(B, 1, NEW)), [], id="not new"),
    ],
)
@pytest.mark.parametrize("policy", [KEEP, PRUNE], ids=["keep", "prune"])
def test_a_rename_is_proposed_where_it_can_only_be_one(
    desired: list[Desired], before: Recorded, proposed: list[tuple[PromptId, PromptId]], policy: Policy
) -> None:
    assert plan(desired, before, policy).proposed_renames == tuple(proposed)


def test_a_file_that_cannot_be_read_is_not_gone() -> None:
    assert plan([Desired(B, OLD, "b")], recorded(Head(A, 2, OLD)), KEEP, {A}).proposed_renames == ()


@pytest.mark.parametrize(
    ("desired", "before", "passed"),
    [
        pytest.param([Desired(B, OLD, "b", renamed_from=(A,))], recorded(Head(A, 1, OLD)), [], id="made now"),
        pytest.param([Desired(B, OLD, "b", renamed_from=(A,))], recorded(Head(B, 1, OLD)), [], id="made before"),
        pytest.param([Desired(B, OLD, "b", renamed_from=(A,))], recorded(), [], id="never recorded"),
        pytest.param(
            [Desired(B, OLD, "b", renamed_from=(A,))],
            recorded(Head(A, 1, OLD), Head(B, 1, OLD)),
            [(A, B)],
            id="the new name has versions of its own",
        ),
        pytest.param(
            [Desired(B, OLD, "b", renamed_from=(A,))],
            recorded(Head(A, 1, OLD, archived=True), Head(B, 1, OLD)),
            [],
            id="and the old prompt is archived",
        ),
        pytest.param(
            [Desired(A, NEW, "a"), Desired(B, OLD, "b", renamed_from=(A,))],
            recorded(Head(A, 1, OLD)),
            [(A, B)],
            id="a file has the old name",
        ),
        pytest.param(
            [Desired(A, NEW, "a"), Desired(B, OLD, "b", renamed_from=(A,))],
            recorded(Head(A, 1, NEW), Head(B, 1, OLD)),
            [],
            id="another prompt took the old name since",
        ),
        pytest.param(
            [Desired(B, OLD, "b", renamed_from=(A,)), Desired(C, OLD, "c", renamed_from=(A,))],
            recorded(Head(A, 1, OLD)),
            [(A, C)],
            id="another file gets it",
        ),
    ],
)
def test_a_rename_that_does_not_count_is_told(
    desired: list[Desired], before: Recorded, passed: list[tuple[PromptId, PromptId]]
) -> None:
    assert plan(desired, before, KEEP).passed_renames == tuple(passed)
