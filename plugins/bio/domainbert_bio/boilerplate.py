"""What publishers add to abstracts, and no author wrote."""

from __future__ import annotations

import re

from domainbert import CorpusStep
from domainbert.readers import replacing

BOILERPLATE = CorpusStep(
    "abstract-boilerplate",
    replacing(
        {
            "truncation_notes": (re.compile(r" ?\(ABSTRACT TRUNCATED(?: AT \d+ WORDS)?\)"), ""),
            # Behind the last sentence of a line, with its year and its owner.
            "copyright_notes": (
                re.compile(
                    r"(?m)(?:(?<=[.)\]!?])|^) ?(?:(?:Copyright\b ?)?(?:©|\(c\))|Copyright) ?"
                    r"(?:19|20)\d\d\b(?=[.,;]?\s*(?:$|(?-i:[A-Z])|by\b|the\b))[^\n]{0,160}$"
                    r"| ?This article is protected by copyright\.(?: All rights reserved\.?)?$",
                    re.IGNORECASE,
                ),
                "",
            ),
        }
    ),
    apart=True,
)
"""Takes notes on truncation and copyright out of abstracts."""
