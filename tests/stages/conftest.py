"""Fixtures of small adaptations."""

from helpers.town import adapt, make_town  # noqa: F401
