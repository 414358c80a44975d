"""For our tests and for those of plugin authors: checks of a domain, tiny models, made-up texts."""

from __future__ import annotations

from domainbert.plugin_check.check import assert_domain, check_domain
from domainbert.plugin_check.subject import Outcome
from domainbert.testing.tiny import FAMILIES, MAX_LENGTH, sample_texts, tiny_checkpoint

__all__ = [
    "FAMILIES", "MAX_LENGTH", "Outcome", "assert_domain", "check_domain", "sample_texts",
    "tiny_checkpoint",
]  # fmt: skip
