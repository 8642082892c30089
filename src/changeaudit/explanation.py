"""One change explained: its verdicts, what they mean, and what would have made each a pass."""

from __future__ import annotations

from datetime import datetime

import msgspec

from changeaudit.verdicts import (
    AttributeInfo,
    AuditedChange,
    Excluded,
    PolicyInfo,
    Run,
    StepInfo,
)

SCHEMA = "changeaudit/explain/1"
"""The version of the explanation's form, as `docs/explain.schema.json` describes it."""


class Remedy(msgspec.Struct, frozen=True):
    """What would have made an attribute pass, and the keys of the policy that say how it is asked.

    `text` is addressed to whoever makes the next change: what has merged stays as it is.
    """

    attribute: str
    text: str
    policy_keys: tuple[str, ...]


class Explanation(msgspec.Struct, frozen=True):
    """A change as a story: everything that its explanation shows, in any form.

    Either `change` holds its verdicts, or `excluded` the rule that puts it out of scope; then
    nothing was judged. `collected_at` is when the change was collected (UTC), where that is known.
    `procedure` and `attributes` describe what the change was judged by, and `remedies` go with
    those of its attributes that are exceptions or undetermined.
    """

    schema: str
    run: Run
    demonstration: bool
    policy: PolicyInfo
    collected_at: datetime | None
    change: AuditedChange | None
    excluded: Excluded | None
    procedure: tuple[StepInfo, ...]
    attributes: tuple[AttributeInfo, ...]
    remedies: tuple[Remedy, ...]
    limitations: tuple[str, ...]
