"""Outcomes of the checks of a plugin, by name."""

from __future__ import annotations

from domainbert.plugin.domain import Domain
from domainbert.plugin.registry import Registry
from domainbert.plugin_check.check import CHECKS
from domainbert.plugin_check.subject import Outcome, Subject, outcome


def checked(subject: Domain | Subject, *names: str) -> list[Outcome]:
    """Run some checks in order."""
    if isinstance(subject, Domain):
        subject = Subject(subject, Registry(()))
    return [outcome(name, CHECKS[name](subject)) for name in names]


def lines(subject: Domain | Subject, *names: str) -> list[str]:
    """Return the printed lines of some checks."""
    return [item.line for item in checked(subject, *names)]
