"""Write a new plugin: complete, installable, with sample data that works at once."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

from packaging.version import Version

import domainbert
from domainbert.errors import PluginError
from domainbert.plugin.domain import check_name
from domainbert.plugin.registry import Registry
from domainbert.recipe.library import bundled_recipes
from domainbert.storage.files import folder_in_place, storage_errors

_HERE = Path(__file__).parent
_FILES, _LICENCES = _HERE / "files", _HERE / "licences"
_MEANING_ELSEWHERE = {"core", "domainbert", "file", "plugin", "plugins", "recipes", "test", "tests"}


def licences() -> list[str]:
    """Return the SPDX identifiers of the licences that there is a text of."""
    return sorted(path.stem for path in _LICENCES.glob("*.txt"))


def write_plugin(
    field: str, folder: Path | None, licence: str, registry: Registry
) -> dict[str, Any]:
    """Write a plugin for a field into a new folder; either all of it or nothing.

    Args:
        field: Name of the domain, such as `case-law`.
        folder: Must not exist; by default `domainbert-FIELD` here.
        licence: Of the code; one of `licences()`.
        registry: Plugins whose names are taken.

    Returns:
        `field`, `distribution` (to install), `package` (to import), `folder`, and `files`, sorted
        paths inside it.

    Raises:
        PluginError: The name is malformed or taken, the folder exists, or the licence is unknown.
        StorageFullError: No space left.
    """
    _check_field(field, registry)
    if licence not in licences():
        raise PluginError(f"--licence {licence}: no text of it here; have {', '.join(licences())}.")
    distribution = f"domainbert-{field}"
    target = folder or Path(distribution)
    if target.exists() or target.is_symlink():
        raise PluginError(f"{target}: exists already; name another folder with -o.")
    major, minor = Version(domainbert.__version__).release[:2]
    words = {
        "field": field,
        "distribution": distribution,
        "package": distribution.replace("-", "_"),
        "title": field.replace("-", " ").capitalize(),
        "licence": licence,
        # Until 1.0 a minor version may change the interface.
        "requirement": f">={major}.{minor},<{major}.{minor + 1}",
    }
    made = _render(words)
    try:
        with storage_errors(target), folder_in_place(target) as beside:
            for name, content in made.items():
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                (beside / name).write_bytes(content)
    except OSError as error:
        raise PluginError(f"{target}: cannot be written: {error}.") from None
    names = {name: words[name] for name in ("field", "distribution", "package")}
    return {**names, "folder": str(target), "files": sorted(made)}


def _check_field(field: str, registry: Registry) -> None:
    check_name("plugin", field)
    taken = ""
    if field in sys.stdlib_module_names or field in _MEANING_ELSEWHERE:
        taken = "means something else in Python or here"
    elif field in _known_names(registry):
        taken = "is the name of a plugin, a domain or a folder of recipes that there is already"
    elif importlib.util.find_spec(f"domainbert_{field.replace('-', '_')}") is not None:
        taken = f"is taken: a module domainbert_{field.replace('-', '_')} is installed"
    if taken:
        raise PluginError(f"plugin name {field!r} {taken}. Choose another; the field's own name.")


def _known_names(registry: Registry) -> set[str]:
    names = {path.name for path in bundled_recipes().iterdir() if path.is_dir()}
    for info in registry.plugins:
        names |= {info.name, info.distribution.removeprefix("domainbert-"), *info.domains}
    return names


def _render(words: dict[str, str]) -> dict[str, bytes]:
    """Return the content of every file of the plugin by its path."""
    import jinja2

    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # code and Markdown; the words are checked names
    )

    def filled(path: Path) -> bytes:
        return environment.from_string(path.read_text(encoding="utf-8")).render(words).encode()

    made = {"LICENSE": filled(_LICENCES / f"{words['licence']}.txt")}
    for path in sorted(_FILES.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            name = path.relative_to(_FILES).as_posix().removesuffix(".j2")
            # A wheel may lose files whose names begin with a dot.
            name = re.sub("(^|/)dot_", r"\1.", re.sub("^package/", f"{words['package']}/", name))
            made[name] = filled(path) if path.suffix == ".j2" else path.read_bytes()
    return made
