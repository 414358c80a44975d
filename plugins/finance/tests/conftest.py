"""Fixtures of the plugin's tests."""

from __future__ import annotations

from helpers.plugin_fixtures import real, write

__all__ = ["real", "write"]
