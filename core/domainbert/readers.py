"""Public helpers for readers of files, in core and in plugins; see `plugin/readers.py`."""

from domainbert.plugin.readers import *  # noqa: F403  # all that it names in `__all__`
