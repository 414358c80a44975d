"""Fixtures of the plugin's tests."""

from __future__ import annotations

from helpers.plugin_fixtures import write

__all__ = ["write"]
