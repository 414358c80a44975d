"""How a claim as published begins: its number and stop, a heading, `What is claimed is:`."""

from __future__ import annotations

import re

from domainbert_patent.statuses import MARK

# `1. A`, `1 . A`, `1.A`, `1) A`, `1.) A`, `(1) A`, `1: A`, `1.- A`, `1 - A`, `1/ A`.
STOPPED = re.compile(
    r"\s*+(?:[(\[]\s*+([0-9]{1,4})\s*+[)\]]\s*+[.:]?+|([0-9]{1,4})\s*+[ºª°]?+\s*+(?:"
    r"[.)\]\uff0e\u3002\u3001][.)\],;:]*+(?:\s*+[-\u2010-\u2015](?=\s)|[-\u2010-\u2015])?+(?![0-9])"
    r"|:(?!\s*+[0-9])|[-\u2010-\u2015/](?=\s++[^\s0-9])|(?=[(\[]\s*+(?:original|currently|previously|"
    rf"newly|new|amended|withdrawn)\b[^()\[\]]{{0,60}}[)\]]|{MARK})))\s*+",
    re.IGNORECASE,
)
# In a file whose claims are numbered: `1.2-dichloroethane`, where others begin `2.The`.
ANY_STOP = re.compile(r"\s*+([0-9]{1,4})\s*+[.):,;\]]++\s*+")
_HEADING = re.compile(
    r"\s*+(?:(?:patent\s++)?claims?|(?:patent)?anspr(?:uch|üche)|revendications?)\b"
    r"[\s:.\u2010-\u2015-]*+",
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"\s*+(?:(?:having\s++[^:.]{0,200}?described\b[^:.]{0,200}?)?what\s++(?:is|i|we)\s++claim(?:ed)?"
    r"|(?:i\s*+/\s*+we|i|we)\s++(?:hereby\s++)?claim|it\s++is\s++claimed"
    r"|the\s++embodiments\s++of\s++the\s++invention\b[^:.]{0,100}?claimed"
    r"|(?:that\s++which|the\s++invention(?:\s++which)?)\s++(?:is\s++)?claimed"
    r"|the\s++claims\s++defining\s++the\s++invention\s++are)"
    r"(?:\s++(?:as|is|are|new|my|our|the|invention|defined|follows|follow|and|desired?|to|be|secured?|"
    r"by|letters|patent|of|united|states)\b)*+\s*+"
    r"(?::[\u2010-\u2015-]?+\s*+|[.,\u2010-\u2015-]?+\s*+(?=[0-9]{1,4}\s*+[.)]))",
    re.IGNORECASE,
)


def without_opening(text: str) -> str:
    """Return the text of a claim without `What is claimed is:` and the like before its number.

    Args:
        text: Of one claim, with its number.
    """
    opening = _OPENING.match(text)
    text = text[opening.end() :] if opening is not None else text
    heading = _HEADING.match(text)
    # `Claim 1. A pump` has a heading; `Claims 1 and 2 are amended` has none.
    if heading is not None and any(p.match(text, heading.end()) for p in (STOPPED, ANY_STOP)):
        return text[heading.end() :]
    return text
