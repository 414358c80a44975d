"""Lines that every patent has, and paragraphs on its family and its sponsors."""

from __future__ import annotations

import re

from domainbert import CorpusStep
from domainbert.readers import replacing

BOILERPLATE = CorpusStep(
    "patent-boilerplate",
    replacing(
        {
            "claim_openings": (
                re.compile(
                    r"(?mi)^(?:what[ ]is[ ]claimed(?: as new)?(?: is)?|(?:i|we) claim"
                    r"|the invention claimed is|it is claimed)[:.]?[ ]*(?:\n|\Z)"
                ),
                "",
            ),
            # The heading and the paragraph below it; a longer one is more than a list.
            "related_applications": (
                re.compile(
                    r"(?mi)^cross[- ]references? to (?:other )?related "
                    r"(?:u\.s\. )?(?:patent )?applications?[:.]?[ ]*\n[^\n]{0,1500}(?:\n|\Z)"
                ),
                "",
            ),
            "government_rights": (
                re.compile(
                    r"(?mi)^[^\n]{0,600}government[^\n]{0,80}"
                    r"certain rights in (?:this|the) invention[^\n]{0,300}(?:\n|\Z)"
                ),
                "",
            ),
        }
    ),
    apart=True,
)
"""Takes openings of claims, related applications and the government's rights out of patents."""
