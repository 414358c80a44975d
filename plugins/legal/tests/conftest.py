"""Fixtures of the plugin's tests."""

from __future__ import annotations

from helpers.file_server import file_server
from helpers.plugin_fixtures import write

__all__ = ["file_server", "write"]
