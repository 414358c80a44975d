"""Lines that every filing has, and paragraphs that lawyers add to every report."""

from __future__ import annotations

import re

from domainbert import CorpusStep
from domainbert.readers import replacing

_WHOLE_LINE = r"(?mi)^(?:{})[ .:-]*(?:\n|\Z)"

BOILERPLATE = CorpusStep(
    "filing-boilerplate",
    replacing(
        {
            "references_to_notes": (
                re.compile(
                    _WHOLE_LINE.format(
                        r"the accompanying notes are an integral part of [^\n]{0,80}"
                        r"|see (?:the )?(?:accompanying )?notes(?: to [^\n]{0,60})?"
                    )
                ),
                "",
            ),
            "page_headings": (
                re.compile(
                    _WHOLE_LINE.format(
                        r"notes to (?:the )?(?:consolidated )?financial statements"
                        r"(?:[ -]*\(?continued\)?)?|table of contents|\(continued\)"
                    )
                ),
                "",
            ),
            "safe_harbours": (
                re.compile(
                    r"(?m)^[^\n]{0,1000}forward-looking statements[^\n]{0,1000}"
                    r"Private Securities Litigation Reform Act[^\n]{0,1000}(?:\n|\Z)"
                    r"|^[^\n]{0,1000}Private Securities Litigation Reform Act[^\n]{0,1000}"
                    r"forward-looking statements[^\n]{0,1000}(?:\n|\Z)"
                ),
                "",
            ),
        }
    ),
    apart=True,
)
"""Takes page headings, references to notes and safe-harbour paragraphs out of filings."""
