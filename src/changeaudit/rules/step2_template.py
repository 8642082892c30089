"""Step 2: the developer fills out the pull request template and its security checklist.

Text is compared as a reader would: case, emphasis, links' targets, emoji and spaces do not
count (`markdown.plain`). An item of the checklist is recognised by its words at the start of a
box's text, so that a reason may follow them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from changeaudit.change import Change
from changeaudit.markdown import (
    LIMIT,
    Block,
    Document,
    Heading,
    Task,
    Words,
    begins_with,
    has_words,
    parse,
    plain,
)
from changeaudit.policy import Policy
from changeaudit.records import Record, Template, Unavailable
from changeaudit.rules.attribute import Attribute
from changeaudit.rules.description import cite_description, description_at_merge, written
from changeaudit.rules.excerpts import quoted, some
from changeaudit.rules.remembered import once_a_change, remembered
from changeaudit.rules.words import count, instant
from changeaudit.verdicts import (
    Citation,
    Finding,
    exception,
    not_applicable,
    passed,
    undetermined,
)

OPTIONAL = re.compile(r"\b(?:optional|if (?:any|applicable|needed|relevant))\b")
NOT_APPLICABLE = re.compile(r"(?<![^\W_])(?:n ?/ ?a|not applicable)(?![^\W_])")
BARE_BOX = re.compile(r"\s*\[[ xX]?\]\s*")


def template_filled(change: Change, policy: Policy) -> Finding:
    """Each heading that the template requires is there and holds words of the author's own.

    The template's own words, HTML comments, placeholders, blank lines and boxes that are not
    ticked are nothing. The headings are the policy's, or those of the repository's template less
    the ones marked optional; of several templates one must be filled. The security checklist is
    judged by 2.2 and 2.3. The description is read as it stood at the merge. A template that was
    changed after the pull request was opened shows a pass, but no exception: the description was
    begun with the template before it.
    """
    body = _description(change)
    if isinstance(body, Finding):
        return body
    templates = _templates(change)
    if policy.template.headings:
        return _filled_by_policy(change, policy, body, templates)
    if isinstance(templates, Finding):
        return templates
    if not templates.known and not templates.doubts:
        return undetermined(
            "The repository has no pull request template and the policy names no headings; add"
            " template.headings to the policy.",
            [_cite_repository(change)],
        )
    tried: list[tuple[list[str], Template]] = []
    nothing_asked: list[Template] = []
    for template in templates.known:
        asked = _Asked.of(template.text, policy.security_checklist.heading)
        if asked is None:
            continue
        if not asked.headings and not asked.whole:
            nothing_asked.append(template)
            continue
        found, lacking = _filled(change, policy, body, asked)
        if not lacking:
            return passed(
                f"The description fills {_what_is_filled(asked)} of the template {template.path}.",
                [*found, _cite_template(change, template)],
            )
        tried.append((lacking, template))
    doubts = list(templates.doubts)
    if not tried and doubts:
        return undetermined(
            f"The template at the merge is not known: {'; '.join(doubts)}.",
            [_cite_repository(change)],
        )
    if not tried and nothing_asked:
        return not_applicable(
            f"The template {nothing_asked[0].path} requires no heading besides the security"
            " checklist: see 2.2 and 2.3.",
            [_cite_template(change, nothing_asked[0])],
        )
    if not tried:
        return undetermined("The template holds no text.", [_cite_repository(change)])
    lacking, template = min(tried, key=lambda each: len(each[0]))
    doubts += _newer_than_the_pull_request(change, [each for _, each in tried])
    told = f"Not filled, of the template {template.path}: {some(lacking)}"
    evidence = [_cite_text(change), _cite_template(change, template)]
    if doubts:
        return undetermined(f"{told}; but {'; '.join(doubts)}.", evidence)
    return exception(f"{told}.", evidence)


def security_checklist_present(change: Change, policy: Policy) -> Finding:
    """Every item of the security checklist is in the description, under the checklist's heading.

    The items are the policy's, or the boxes under that heading in the repository's template. A
    heading or an item that is not there is an exception. A checklist that asks nothing is
    undetermined, for all of nothing is not a pass.
    """
    checklist = _checklist(change, policy)
    if isinstance(checklist, Finding):
        return checklist
    number, by = len(checklist.items), written(change)
    if not checklist.missing:
        return passed(
            f"All {number} items of the security checklist are there."
            if number > 1
            else "The one item of the security checklist is there.",
            [
                *[Citation(f"checklist item {text}", *by) for text in checklist.texts],
                checklist.source,
            ],
        )
    named = some(quoted(item) for item in checklist.missing)
    told = (
        f"Of the {count(number, 'item')} of the security checklist {len(checklist.missing)}"
        f" {'is' if len(checklist.missing) == 1 else 'are'} missing: {named}"
        if checklist.heading
        else f"The heading {quoted(policy.security_checklist.heading)} is missing, and with it"
        f" the {count(number, 'item')} of the security checklist"
    )
    evidence = [_cite_text(change), checklist.source]
    if checklist.doubts:
        return undetermined(f"{told}; but {'; '.join(checklist.doubts)}.", evidence)
    return exception(f"{told}.", evidence)


def security_checklist_answered(change: Change, policy: Policy) -> Finding:
    """Every item of the security checklist is ticked, or marked N/A with a reason.

    N/A counts only if the policy allows it, and only with at least one word of reason beside the
    item or in its list item; a template's own words are no reason. Boxes in HTML comments and code
    blocks are not there. If the policy names items that declare security impact and items that
    deny it, one ticked answers them all; whether the answer is true is 4.4's. Items that are
    missing are 2.2's.
    """
    checklist = _checklist(change, policy)
    if isinstance(checklist, Finding):
        return checklist
    if not checklist.tasks:
        if checklist.doubts:
            return undetermined("Whether the security checklist is there is not known: see 2.2.")
        return not_applicable("No item of the security checklist is there to answer: see 2.2.")
    allowed = policy.security_checklist.not_applicable_allowed
    all_ticked = False not in [task.ticked for task in checklist.tasks]
    declared = () if all_ticked else _declared(checklist, policy)
    own = frozenset() if all_ticked else _words_of_templates(change)
    answered: list[Citation] = []
    unanswered: list[str] = []
    by = written(change)
    for task, text in zip(checklist.tasks, checklist.texts, strict=True):
        if task.ticked:
            answered.append(Citation(f"ticked: {text}", *by))
        elif allowed and _reason_for_not_applicable(task, checklist, own, policy):
            answered.append(Citation(f"N/A with a reason: {text}", *by))
        elif task in declared:
            settles = next(each for each in declared if each.ticked)
            answered.append(Citation(f"settled by the item {quoted(settles.text)}: {text}", *by))
        else:
            unanswered.append(text)
    if unanswered:
        ticked = "ticked nor marked N/A with a reason" if allowed else "ticked"
        return exception(
            f"Of the {count(len(checklist.tasks), 'item')} of the security checklist in the"
            f" description {len(unanswered)} {'is' if len(unanswered) == 1 else 'are'}"
            f" {'neither' if allowed else 'not'} {ticked}: {some(unanswered)}.",
            [_cite_text(change), checklist.source],
        )
    if checklist.missing:
        told = f"The {count(len(checklist.tasks), 'item')} that are there are answered"
        if checklist.doubts:
            return undetermined(f"{told}; whether others are missing is not known: see 2.2.")
        return not_applicable(f"{told}; {len(checklist.missing)} missing: see 2.2.", answered)
    return passed(
        f"Each of the {count(len(checklist.tasks), 'item')} of the security checklist is ticked"
        " or marked N/A with a reason."
        if len(checklist.tasks) > 1
        else "The one item of the security checklist is answered.",
        [*answered, checklist.source],
    )


ATTRIBUTES = (
    Attribute("2.1", "The pull request template is filled out.", template_filled),
    Attribute("2.2", "Every item of the security checklist is there.", security_checklist_present),
    Attribute(
        "2.3",
        "Every item of the security checklist is ticked or marked N/A with a reason.",
        security_checklist_answered,
    ),
)


# The description and the templates


def _description(change: Change) -> Document | Finding:
    found = description_at_merge(change)
    if isinstance(found, Unavailable):
        return undetermined(f"The description at the merge could not be read: {found.reason}.")
    return found


class _Templates(Record, frozen=True):
    """Templates known to be those of the merge, and why others are not known."""

    known: tuple[Template, ...]
    doubts: tuple[str, ...]
    all: tuple[Template, ...]


@once_a_change
def _templates(change: Change) -> _Templates | Finding:
    templates = change.repository.templates
    if isinstance(templates, Unavailable):
        return undetermined(
            f"The repository's pull request template could not be read: {templates.reason}."
        )
    known: list[Template] = []
    doubts: list[str] = []
    for template in templates:
        if isinstance(template.changed_at, Unavailable):
            doubts.append(
                f"when {template.path} last changed could not be read: {template.changed_at.reason}"
            )
        elif template.changed_at >= change.pull.merged_at:
            doubts.append(
                f"{template.path} was changed at {instant(template.changed_at)}, not before the"
                " merge, and what it asked then is not known"
            )
        elif len(template.text) > LIMIT:
            doubts.append(f"{template.path} is longer than {LIMIT} characters")
        else:
            known.append(template)
    return _Templates(tuple(known), tuple(doubts), templates)


def _newer_than_the_pull_request(change: Change, templates: Iterable[Template]) -> list[str]:
    """Why templates that stood at the merge may not be the ones that were filled out."""
    opened = change.pull.created_at
    return [
        f"{template.path} was changed at {instant(template.changed_at)}, after the pull request was"
        f" opened at {instant(opened)}, and what it asked then is not known"
        for template in templates
        if not isinstance(template.changed_at, Unavailable) and template.changed_at >= opened
    ]


def _cite_template(change: Change, template: Template) -> Citation:
    repository = change.repository
    changed = None if isinstance(template.changed_at, Unavailable) else template.changed_at
    return Citation(
        f"template {template.path}, last changed",
        at=changed,
        url=f"{repository.url}/blob/{repository.default_branch}/{template.path}",
    )


def _cite_repository(change: Change) -> Citation:
    return Citation(
        "templates of the repository as collected",
        at=change.repository.collected_at,
        url=change.repository.url,
    )


def _cite_text(change: Change) -> Citation:
    body = change.at_merge.body
    length = 0 if isinstance(body, Unavailable) else len(body)
    return cite_description(change, f"description, {count(length, 'character')}")


# 2.1: what is the author's own


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a template asks: headings (or, without any, the `whole` text), and its own words.

    Each heading is there in quotation marks and made `plain`.
    """

    headings: tuple[tuple[str, str], ...]
    whole: bool
    own: frozenset[str]
    ticked: frozenset[str]

    @staticmethod
    @lru_cache(maxsize=64)  # the changes of a repository have its templates in common
    def of(text: str, checklist: str) -> _Asked | None:
        """What the template `text` asks beside its `checklist`; `None` where it holds nothing."""
        template = parse(text)
        if not template.blocks:
            return None
        judged_elsewhere = {
            block.plain
            for section in template.sections(checklist)
            for block in (section.heading, *section.blocks)
            if isinstance(block, Heading)
        }
        headings = {
            heading.plain: heading.text
            for heading in template.headings
            if heading.plain not in judged_elsewhere
        }
        required = tuple(
            (quoted(heading), read)
            for read, heading in headings.items()
            if read and not OPTIONAL.search(read)
        )
        own, ticked = _own_words(text)
        return _Asked(required, not template.headings, own, ticked)


@lru_cache(maxsize=64)
def _own_words(template: str) -> tuple[frozenset[str], frozenset[str]]:
    """The lines and paragraphs of a template, and the items that it ticks by itself."""
    own: set[str] = set()
    ticked: set[str] = set()
    for block in parse(template).blocks:
        texts = [block.text, block.note] if isinstance(block, Task) else [block.text]
        for text in texts:
            own |= {plain(text), *map(plain, text.splitlines())}
        if isinstance(block, Task) and block.ticked:
            ticked.add(block.plain)
    return frozenset(own), frozenset(ticked)


def _filled(
    change: Change, policy: Policy, body: Document, asked: _Asked
) -> tuple[list[Citation], list[str]]:
    """Citations of what is filled, and the headings that are missing or not filled."""
    found: list[Citation] = []
    lacking: list[str] = []
    if asked.whole:
        words = _authors_words(body.blocks, asked, policy)
        if words:
            found.append(cite_description(change, f"description: {quoted(words)}"))
        else:
            lacking.append("the description (it holds nothing besides the template's own words)")
    by = written(change)
    for heading, read in asked.headings:
        words, sections = "", body.under(read)
        for section in sections:
            words = words or _authors_words(section.blocks, asked, policy)
        if words:
            found.append(Citation(f"under {heading}: {quoted(words)}", *by))
        else:
            lacking.append(f"{heading} ({'empty' if sections else 'missing'})")
    return found, lacking


def _authors_words(blocks: Iterable[Block], asked: _Asked, policy: Policy) -> str:
    """The first line that is neither the template's own nor a placeholder, or box that is ticked.

    It is "" where there is none.
    """
    for block in blocks:
        words = ""
        if isinstance(block, Words):
            words = _own_line(block, asked, policy)
        elif isinstance(block, Task):
            if _answers(block, asked, policy):
                return block.text
            words = _own_line(Words(block.note), asked, policy) if block.note else ""
        if words:
            return words
    return ""


def _own_line(words: Words, asked: _Asked, policy: Policy) -> str:
    if words.plain in asked.own:
        return ""
    for line in words.lines:
        compared = line.plain
        if "[" in line.text:
            compared = plain(BARE_BOX.sub(" ", line.text))
        if compared in asked.own or not has_words(compared):
            continue
        if not _placeholder(compared, policy):
            return line.text
    return ""


def _answers(task: Task, asked: _Asked, policy: Policy) -> bool:
    """Whether it is a box that the author ticked, or has words of the author's after its own."""
    text = task.plain
    if task.ticked:
        return has_words(text) and text not in asked.ticked
    if text in asked.own:
        return False
    starts = [own for own in asked.own if own and begins_with(text, own)]
    added = text[max(map(len, starts)) :].strip(" :.;,-–—()") if starts else ""
    return has_words(added) and not _placeholder(added, policy)


def _placeholder(compared: str, policy: Policy) -> bool:
    """Whether a line, made `plain`, is a placeholder, alone or with what it announces."""
    names = _placeholders(policy.template.placeholders)
    if not compared.startswith(names):
        return False
    return any(compared == name or compared.startswith(f"{name}:") for name in names)


@lru_cache(maxsize=8)
def _placeholders(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in map(plain, texts) if name)


def _filled_by_policy(
    change: Change, policy: Policy, body: Document, templates: _Templates | Finding
) -> Finding:
    """2.1 by the policy's headings; the words of the repository's templates are still nothing."""
    checklist = plain(policy.security_checklist.heading)
    every = [(quoted(heading), plain(heading)) for heading in policy.template.headings]
    headings = tuple(each for each in every if each[1] != checklist)
    if not headings:
        return not_applicable(
            "The policy's template.headings hold the security checklist alone: see 2.2 and 2.3."
        )
    known = () if isinstance(templates, Finding) else templates.all
    words = [_own_words(template.text) for template in known]
    asked = _Asked(
        headings,
        False,
        frozenset().union(*(own for own, _ in words)),
        frozenset().union(*(ticked for _, ticked in words)),
    )
    found, lacking = _filled(change, policy, body, asked)
    if lacking:
        return exception(
            f"Not filled, of the headings that the policy requires: {some(lacking)}.",
            [_cite_text(change)],
        )
    if isinstance(templates, Finding):
        return undetermined(
            "The headings that the policy requires hold words, but whether they are the"
            f" template's own could not be told. {templates.reason}",
            found,
        )
    noted = f" Note: {'; '.join(templates.doubts)}." if templates.doubts else ""
    return passed(f"The description fills {_what_is_filled(asked)} of the policy.{noted}", found)


def _what_is_filled(asked: _Asked) -> str:
    return "the text" if asked.whole else count(len(asked.headings), "required heading")


# 2.2 and 2.3: the checklist


class _Checklist(Record, frozen=True):
    """The checklist that is asked, and what the description has of it.

    `items` are what is asked, made `plain`; `missing` those that are not there, as they are
    written; `tasks` the boxes that are there, `texts` what they say, in quotation marks; `heading`
    whether the heading is there. `doubts` say why a missing item may not have been asked.
    """

    items: tuple[str, ...]
    missing: tuple[str, ...]
    tasks: tuple[Task, ...]
    texts: tuple[str, ...]
    heading: bool
    source: Citation
    doubts: tuple[str, ...]


@remembered
def _checklist(change: Change, policy: Policy) -> _Checklist | Finding:
    body = _description(change)
    if isinstance(body, Finding):
        return body
    if policy.security_checklist.items:
        source = Citation("checklist items of the policy")
        asked = _by_words(policy.security_checklist.items)
        if asked:
            return _compared(body, policy, asked, source, ())
        return undetermined(
            "The policy's security_checklist.items hold no words, so that the checklist is empty."
        )
    templates = _templates(change)
    if isinstance(templates, Finding):
        return templates
    heading = policy.security_checklist.heading
    compared: list[_Checklist] = []
    for template in templates.known:
        asked = _items_of(template.text, heading)
        if asked:
            doubts = [*templates.doubts, *_newer_than_the_pull_request(change, [template])]
            source = _cite_template(change, template)
            compared.append(_compared(body, policy, asked, source, doubts))
    if compared:
        return min(compared, key=lambda checklist: len(checklist.missing))
    if templates.doubts:
        return undetermined(
            f"The security checklist at the merge is not known: {'; '.join(templates.doubts)}.",
            [_cite_repository(change)],
        )
    where = f"no item under {quoted(heading)}" if templates.all else "no template"
    return undetermined(
        f"The security checklist is empty: the repository has {where} and the policy names no"
        " items; add security_checklist.items to the policy.",
        [_cite_repository(change)],
    )


@lru_cache(maxsize=64)
def _by_words(items: tuple[str, ...]) -> Mapping[str, str]:
    """Items by their words, made `plain`; those without any are left out."""
    return {text: item for item in items if has_words(text := plain(item))}


@lru_cache(maxsize=64)
def _items_of(template: str, heading: str) -> Mapping[str, str]:
    """The items of a template's checklist by their words."""
    sections = parse(template).sections(heading)
    return _by_words(tuple(task.text for section in sections for task in section.tasks))


def _compared(
    body: Document,
    policy: Policy,
    asked: Mapping[str, str],
    source: Citation,
    doubts: Sequence[str],
) -> _Checklist:
    """The description against a list of items, which are given by their words."""
    sections = body.sections(policy.security_checklist.heading)
    there: set[str] = set()
    tasks: list[Task] = []
    for section in sections:
        for task in section.tasks:
            item = item_of(task, asked)
            if item is not None:
                there.add(item)
                tasks.append(task)
    return _Checklist(
        items=tuple(asked),
        missing=tuple([item for text, item in asked.items() if text not in there]),
        tasks=tuple(tasks),
        texts=tuple([_quoted_item(task.text) for task in tasks]),
        heading=bool(sections),
        source=source,
        doubts=tuple(doubts),
    )


@lru_cache(maxsize=256)  # the items of a checklist come again in every change
def _quoted_item(text: str) -> str:
    return quoted(text)


def item_of(task: Task, items: Collection[str]) -> str | None:
    """The longest of `items`, each made `plain`, that the words of a box begin with.

    An N/A may stand before them.
    """
    text = _without_mark(task.plain)
    if text in items:
        return text
    return max((item for item in items if begins_with(text, item)), key=len, default=None)


def _without_mark(text: str) -> str:
    mark = NOT_APPLICABLE.match(text) if text.startswith("n") else None
    return text[mark.end() :].lstrip(" :.;,-–—)") if mark else text


def _words_of_templates(change: Change) -> frozenset[str]:
    """The lines and paragraphs of the repository's templates, made `plain`."""
    templates = change.repository.templates
    known = () if isinstance(templates, Unavailable) else templates
    return frozenset().union(*(_own_words(template.text)[0] for template in known))


def _reason_for_not_applicable(
    task: Task, checklist: _Checklist, own: frozenset[str], policy: Policy
) -> str:
    """The words beside an N/A, "" where there is no N/A or no word but the template's `own`."""
    text = task.plain
    item = item_of(task, {*checklist.items, *own} - {""}) or ""
    note = [] if plain(task.note) in own else task.note.splitlines()
    lines = [line for line in map(plain, note) if line not in own]
    beside = " ".join([text.replace(item, " ", 1), *lines])
    if not NOT_APPLICABLE.search(beside):
        return ""
    reason = plain(NOT_APPLICABLE.sub(" ", beside)).strip(" ()[]:.;,-–—")
    return reason if has_words(reason) and not _placeholder(reason, policy) else ""


def _declared(checklist: _Checklist, policy: Policy) -> tuple[Task, ...]:
    """Boxes that declare or deny security impact, where both are offered and one is ticked."""
    kinds = [
        [task for task in checklist.tasks if item_of(task, set(map(plain, items))) is not None]
        for items in (policy.security_review.impact_items, policy.security_review.no_impact_items)
    ]
    both = [*kinds[0], *kinds[1]]
    return tuple(both) if all(kinds) and any(task.ticked for task in both) else ()
