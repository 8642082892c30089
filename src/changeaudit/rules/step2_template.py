"""Step 2: the developer fills out the pull request template and its security checklist.

Text is compared as a reader would: case, emphasis, links' targets, emoji and spaces do not
count (`markdown.plain`). An item of the checklist is recognised by its words at the start of a
box's text, so that a reason may follow them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
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
from changeaudit.records import Template, Unavailable
from changeaudit.rules.attribute import Attribute
from changeaudit.rules.description import cite_description, description_at_merge
from changeaudit.rules.excerpts import quoted, some
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
        asked = _Asked.of(parse(template.text), policy)
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
    number = len(checklist.items)
    evidence = [_cite_text(change), checklist.source]
    if not checklist.missing:
        return passed(
            f"All {number} items of the security checklist are there."
            if number > 1
            else "The one item of the security checklist is there.",
            [
                cite_description(change, f"checklist item {quoted(task.text)}")
                for task in checklist.tasks
            ]
            + [checklist.source],
        )
    named = some(quoted(item) for item in checklist.missing)
    told = (
        f"Of the {count(number, 'item')} of the security checklist {len(checklist.missing)}"
        f" {'is' if len(checklist.missing) == 1 else 'are'} missing: {named}"
        if checklist.heading
        else f"The heading {quoted(policy.security_checklist.heading)} is missing, and with it"
        f" the {count(number, 'item')} of the security checklist"
    )
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
    declared = _declared(checklist, policy)
    own = _words_of_templates(change)
    answered: list[Citation] = []
    unanswered: list[str] = []
    for task in checklist.tasks:
        reason = _reason_for_not_applicable(task, checklist, own, policy)
        if task.ticked:
            answered.append(cite_description(change, f"ticked: {quoted(task.text)}"))
        elif reason and policy.security_checklist.not_applicable_allowed:
            answered.append(cite_description(change, f"N/A with a reason: {quoted(task.text)}"))
        elif task in declared:
            answered.append(cite_description(change, f"answered by another: {quoted(task.text)}"))
        else:
            unanswered.append(quoted(task.text))
    if unanswered:
        allowed = policy.security_checklist.not_applicable_allowed
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


@dataclass(frozen=True, slots=True)
class _Templates:
    """Templates known to be those of the merge, and why others are not known."""

    known: tuple[Template, ...]
    doubts: tuple[str, ...]
    all: tuple[Template, ...]


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
        elif parse(template.text).cut:
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
    """What a template asks: headings (or, without any, the `whole` text), and its own words."""

    headings: tuple[str, ...]
    whole: bool
    own: frozenset[str]
    ticked: frozenset[str]

    @classmethod
    def of(cls, template: Document, policy: Policy) -> _Asked | None:
        """What `template` asks; `None` where it holds nothing."""
        if not template.blocks:
            return None
        checklist = policy.security_checklist.heading
        judged_elsewhere = {
            plain(block.text)
            for section in template.sections(checklist)
            for block in (section.heading, *section.blocks)
            if isinstance(block, Heading)
        }
        headings = {
            plain(heading.text): heading.text
            for heading in template.headings
            if plain(heading.text) not in judged_elsewhere
        }
        required = tuple(h for text, h in headings.items() if text and not OPTIONAL.search(text))
        own, ticked = _own_words(template.blocks)
        return cls(required, not template.headings, own, ticked)


def _own_words(blocks: Iterable[Block]) -> tuple[frozenset[str], frozenset[str]]:
    """The lines and paragraphs of a template, and the items that it ticks by itself."""
    own: set[str] = set()
    ticked: set[str] = set()
    for block in blocks:
        texts = [block.text, block.note] if isinstance(block, Task) else [block.text]
        for text in texts:
            own |= {plain(text), *map(plain, text.splitlines())}
        if isinstance(block, Task) and block.ticked:
            ticked.add(plain(block.text))
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
            found.append(cite_description(change, f"description: {quoted(words[0])}"))
        else:
            lacking.append("the description (it holds nothing besides the template's own words)")
    for heading in asked.headings:
        sections = body.sections(heading)
        words = [w for s in sections for w in _authors_words(s.blocks, asked, policy)]
        if words:
            what = f"under {quoted(heading)}: {quoted(words[0])}"
            found.append(cite_description(change, what))
        else:
            lacking.append(f"{quoted(heading)} ({'empty' if sections else 'missing'})")
    return found, lacking


def _authors_words(blocks: Iterable[Block], asked: _Asked, policy: Policy) -> list[str]:
    """The lines that are neither the template's own nor placeholders, and the boxes ticked."""
    words: list[str] = []
    for block in blocks:
        if isinstance(block, Task):
            words += _answer(block, asked, policy)
            words += _own_lines(block.note, asked, policy)
        elif isinstance(block, Words):
            words += _own_lines(block.text, asked, policy)
    return words


def _own_lines(text: str, asked: _Asked, policy: Policy) -> list[str]:
    if plain(text) in asked.own:
        return []
    return [
        line
        for line in text.splitlines()
        if (compared := plain(BARE_BOX.sub(" ", line)))
        and has_words(compared)
        and compared not in asked.own
        and not _placeholder(compared, policy)
    ]


def _answer(task: Task, asked: _Asked, policy: Policy) -> list[str]:
    """A box that the author ticked, or words that the author put after the template's."""
    text = plain(task.text)
    if task.ticked:
        return [task.text] if has_words(text) and text not in asked.ticked else []
    if text in asked.own:
        return []
    starts = [own for own in asked.own if own and begins_with(text, own)]
    added = text[max(map(len, starts)) :].strip(" :.;,-–—()") if starts else ""
    return [task.text] if has_words(added) and not _placeholder(added, policy) else []


def _placeholder(compared: str, policy: Policy) -> bool:
    """Whether a line, made `plain`, is a placeholder, alone or with what it announces."""
    names = _placeholders(policy.template.placeholders)
    return any(compared == name or compared.startswith(f"{name}:") for name in names)


@lru_cache(maxsize=8)
def _placeholders(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in map(plain, texts) if name)


def _filled_by_policy(
    change: Change, policy: Policy, body: Document, templates: _Templates | Finding
) -> Finding:
    """2.1 by the policy's headings; the words of the repository's templates are still nothing."""
    checklist = plain(policy.security_checklist.heading)
    headings = tuple(h for h in policy.template.headings if plain(h) != checklist)
    if not headings:
        return not_applicable(
            "The policy's template.headings hold the security checklist alone: see 2.2 and 2.3."
        )
    known = () if isinstance(templates, Finding) else templates.all
    words = [_own_words(parse(template.text).blocks) for template in known]
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


@dataclass(frozen=True, slots=True)
class _Checklist:
    """The checklist that is asked, and what the description has of it.

    `items` are what is asked, made `plain`; `missing` those that are not there, as they are
    written; `tasks` the boxes that are there; `heading` whether the heading is. `doubts` say why
    a missing item may not have been asked.
    """

    items: tuple[str, ...]
    missing: tuple[str, ...]
    tasks: tuple[Task, ...]
    heading: bool
    source: Citation
    doubts: tuple[str, ...]


def _checklist(change: Change, policy: Policy) -> _Checklist | Finding:
    body = _description(change)
    if isinstance(body, Finding):
        return body
    if policy.security_checklist.items:
        source = Citation("checklist items of the policy")
        return _compared(body, policy, policy.security_checklist.items, source, ()) or undetermined(
            "The policy's security_checklist.items hold no words, so that the checklist is empty."
        )
    templates = _templates(change)
    if isinstance(templates, Finding):
        return templates
    heading = policy.security_checklist.heading
    compared: list[_Checklist] = []
    for template in templates.known:
        sections = parse(template.text).sections(heading)
        items = [task.text for section in sections for task in section.tasks]
        doubts = [*templates.doubts, *_newer_than_the_pull_request(change, [template])]
        found = _compared(body, policy, items, _cite_template(change, template), doubts)
        if found:
            compared.append(found)
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


def _compared(
    body: Document, policy: Policy, items: Sequence[str], source: Citation, doubts: Sequence[str]
) -> _Checklist | None:
    """The description against a list of items; `None` where the list is empty."""
    asked = {text: item for item in items if has_words(text := plain(item))}
    if not asked:
        return None
    sections = body.sections(policy.security_checklist.heading)
    matched = [(item_of(task, asked), task) for section in sections for task in section.tasks]
    there = {item for item, _ in matched}
    return _Checklist(
        items=tuple(asked),
        missing=tuple(item for text, item in asked.items() if text not in there),
        tasks=tuple(task for item, task in matched if item is not None),
        heading=bool(sections),
        source=source,
        doubts=tuple(doubts),
    )


def item_of(task: Task, items: Iterable[str]) -> str | None:
    """The longest of `items`, each made `plain`, that the words of a box begin with.

    An N/A may stand before them.
    """
    text = _without_mark(plain(task.text))
    return max((item for item in items if begins_with(text, item)), key=len, default=None)


def _without_mark(text: str) -> str:
    mark = NOT_APPLICABLE.match(text)
    return text[mark.end() :].lstrip(" :.;,-–—)") if mark else text


def _words_of_templates(change: Change) -> frozenset[str]:
    """The lines and paragraphs of the repository's templates, made `plain`."""
    templates = change.repository.templates
    known = () if isinstance(templates, Unavailable) else templates
    return frozenset().union(*(_own_words(parse(t.text).blocks)[0] for t in known))


def _reason_for_not_applicable(
    task: Task, checklist: _Checklist, own: frozenset[str], policy: Policy
) -> str:
    """The words beside an N/A, "" where there is no N/A or no word but the template's `own`."""
    text = plain(task.text)
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
        [task for task in checklist.tasks if item_of(task, map(plain, items)) is not None]
        for items in (policy.security_review.impact_items, policy.security_review.no_impact_items)
    ]
    both = [*kinds[0], *kinds[1]]
    return tuple(both) if all(kinds) and any(task.ticked for task in both) else ()
