"""The directory of plugins: `plugins.yaml` to a page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.fields import Field

from domainbert.errors import DataError
from domainbert.recipe.yaml import read_yaml

FILE = Path(__file__).parent / "plugins.yaml"
OWN = "../plugins/"
"""Where the addresses of this repository's plugins begin."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=64)]
# No mark of Markdown or HTML: an entry comes from a stranger, and the page shows it unchanged.
Words = Annotated[str, StringConstraints(pattern=r"^[^\s<>|`*\[\]\\][^<>|`*\[\]\\\n]{1,119}$")]
_ADDRESS = r"^(https://[a-z0-9.-]+\.[a-z]{2,}(/[\w./~%-]*)?|\.\./plugins/[a-z0-9-]+/README\.md)$"


class Entry(BaseModel):
    """A plugin of the directory; its keys are explained in `plugins.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    distribution: Name
    domain: Name
    title: Words
    address: Annotated[str, StringConstraints(pattern=_ADDRESS, max_length=200)]
    licence: Words
    tasks: tuple[Words, ...] = Field(max_length=8)

    @property
    def own(self) -> bool:
        """Whether it is a plugin of this repository."""
        return self.address.startswith(OWN)


def read_directory(path: Path = FILE) -> list[Entry]:
    """Return the entries of a directory in file order.

    Raises:
        DataError: Another shape, an entry with an unknown, missing or malformed key, or a name that
            stands twice; with file, line, entry and key. As of `read_yaml`, else.
    """
    file = read_yaml(path)
    items = file.data.get("plugins")
    if not isinstance(items, list) or len(file.data) != 1:
        raise DataError(f"{path}: expected one key, `plugins`, with a list of entries.")
    entries: list[Entry] = []
    for number, item in enumerate(items):
        label = item.get("name") if isinstance(item, dict) else None
        called = f"entry {number + 1}" + (f" ({label})" if isinstance(label, str) else "")
        try:
            entry = Entry.model_validate(item)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"])) or "entry"
            where = file.line(("plugins", number, *first["loc"]))
            raise DataError(f"{where}: {called}: {key}: {_explained(key, first['msg'])}.") from None
        for key in ("name", "distribution", "domain"):
            twin = next((e for e in entries if getattr(e, key) == getattr(entry, key)), None)
            if twin is not None:
                where = file.line(("plugins", number, key))
                raise DataError(
                    f"{where}: {called}: {key}: is that of the entry {twin.name!r} too."
                )
        entries.append(entry)
    return entries


def _explained(key: str, said: str) -> str:
    """Return what is wrong with a key, in place of its pattern."""
    if "pattern" not in said:
        return re.sub(r"^(.)", lambda match: match[1].lower(), said)
    if key == "address":
        return "expected an https address without query, or ../plugins/NAME/README.md"
    if key in {"name", "distribution", "domain"}:
        return "expected lower-case words joined by hyphens"
    return "expected up to 120 characters on one line, without the marks < > | ` * [ ] and \\"


def directory_page(entries: list[Entry]) -> str:
    """Return the page of the directory."""
    others = [entry for entry in entries if not entry.own]
    table = "| plugin | domain | for | tasks | licence |\n|---|---|---|---|---|\n"
    foreign = "None is listed yet.\n" if not others else table + "".join(map(_row, others))
    return (
        "# Plugins\n\n"
        "A plugin adds a field: readers of its formats, terms, tasks and recipes. "
        "`domainbert plugins list` shows the\ninstalled ones.\n\n"
        "## Of this repository\n\n"
        f"{table}{''.join(_row(entry) for entry in entries if entry.own)}\n"
        "## Of others\n\n"
        "Their authors maintain them, and this project has not reviewed them. After installing "
        "one, run\n`domainbert plugins check NAME`.\n\n"
        f"{foreign}\n"
        "## List yours\n\n"
        "[Your first plugin](tutorials/your-first-plugin.md) goes from one file to a wheel. Then "
        "add an entry to\n[plugins.yaml](plugins.yaml), run `make docs`, and open a pull request. "
        "A test checks the entry.\n"
    )


def _row(entry: Entry) -> str:
    tasks = "; ".join(entry.tasks) or "none"
    name = f"[{entry.distribution}]({entry.address})"
    return f"| {name} | `{entry.domain}` | {entry.title} | {tasks} | {entry.licence} |\n"
