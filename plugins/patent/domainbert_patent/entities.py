"""Named characters of the SGML years: `&mgr;`, `&plus;`, `&lsqb;`.

USPTO files of 2001 to 2005 name characters by the entity sets of ISO 8879, declared in their DTD.
No DTD is ever read here, so the names are replaced before parsing, by this rule:

1. The five names that XML predefines, and references by number, are left to the parser.
2. Names that HTML 5 took over from the ISO sets become its characters (Python's `html.entities`).
3. Names of the Greek sets ISOgrk1, which HTML did not take over (`agr`, `Mgr`), become theirs.
4. In the two formats of that time any other name becomes a blank. In all others it is an error.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = re.compile(r"&([A-Za-z][A-Za-z0-9._-]*);")
_PREDEFINED = ("amp", "apos", "gt", "lt", "quot")

# ISOgrk1 names a letter by one or two letters and `gr`; a capital name is the capital letter.
_GREEK = {
    "a": "α", "b": "β", "g": "γ", "d": "δ", "e": "ε", "z": "ζ", "ee": "η", "th": "θ", "i": "ι",
    "k": "κ", "l": "λ", "m": "μ", "n": "ν", "x": "ξ", "o": "ο", "p": "π", "r": "ρ", "sf": "ς",
    "s": "σ", "t": "τ", "u": "υ", "ph": "φ", "kh": "χ", "ps": "ψ", "oh": "ω",
}  # fmt: skip


def replace_names(text: str, unknown: Callable[[str], str]) -> str:
    """Return XML text in which no entity is named but the five predefined ones.

    Args:
        text: XML.
        unknown: Given a name that no set has, returns what stands for it, or raises.
    """

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        if name in _PREDEFINED:
            return match[0]
        character = html5.get(f"{name};") or _greek(name)
        # By number, as the character may be markup.
        return "".join(f"&#{ord(c)};" for c in character) if character else unknown(name)

    return _NAME.sub(replaced, text)


def _greek(name: str) -> str | None:
    letter = _GREEK.get(name.removesuffix("gr").lower()) if name.endswith("gr") else None
    if letter is None or not name[0].isupper():
        return letter
    return letter.upper()
