"""YAML for people: safe, small, and with a line number for every key.

`yaml.safe_load` alone keeps the last of two equal keys, expands aliases without bound and forgets
where a value stood. This reads the node graph instead, refuses what a recipe never needs, and
returns plain values together with the position of each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from domainbert.errors import DataError, RecipeError
from domainbert.plugin.readers import check_regular

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
MAX_VALUES = 10_000
# Numbers that every version of YAML reads alike; not 010, 0x10, 1_000 or 1:30.
_PLAIN = {
    "int": re.compile(r"[-+]?(0|[1-9][0-9]*)"),
    "float": re.compile(
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan", re.I
    ),
}
_WORDS = {"yes", "no", "on", "off"}
_SHOWN = 40

_SCALARS = dict.fromkeys(("str", "int", "float", "bool", "null", "timestamp"), yaml.ScalarNode)
_NODES = {"map": yaml.MappingNode, "seq": yaml.SequenceNode, **_SCALARS}

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlFile:
    """A parsed YAML mapping.

    Args:
        path: The file, or a word such as `--set` for text that has no file.
        data: Plain Python values.
        lines: 1-based line of each location, such as `("train", "steps")`.
    """

    path: str
    data: dict[str, Any]
    lines: dict[Location, int]

    def where(self, location: Location) -> str:
        """Return `file:line  a.b`, the line as in `line`."""
        return f"{self.line(location)}  {dotted(location)}".rstrip()

    def line(self, location: Location) -> str:
        """Return `file:line` of a location, or of the nearest one above that was written."""
        while location and location not in self.lines:
            location = location[:-1]
        return f"{self.path}:{self.lines.get(location, 1)}"


def dotted(location: Location) -> str:
    """Write a location as a user types it: `tasks.0.name`."""
    return ".".join(str(part) for part in location)


def read_yaml(path: Path) -> YamlFile:
    """Read one YAML mapping.

    Raises:
        RecipeError: Missing, too large, not UTF-8, not a mapping, or with duplicate keys, aliases,
            tags or unreadable YAML. All duplicate keys are named at once.
    """
    return parse_yaml(read_recipe_text(path), str(path))


def read_recipe_text(path: Path) -> str:
    """Read a recipe's text.

    Raises:
        RecipeError: Missing, too large or not UTF-8.
    """
    if not path.exists():
        raise RecipeError(f"{path}: no such file. See `domainbert recipes list`.")
    try:
        check_regular(path, MAX_BYTES)
        raw = path.read_bytes()
    except DataError as error:
        raise RecipeError(str(error)) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise RecipeError(f"{path}:{line}: not UTF-8. Save the file as UTF-8.") from None


def parse_yaml(text: str, name: str) -> YamlFile:
    """Parse the text of one YAML mapping; `name` stands for the file in messages.

    Raises:
        RecipeError: As for `read_yaml`.
    """
    loader = None
    try:
        loader = _Loader(text, name)
        root = loader.get_single_node()
    except (yaml.YAMLError, ValueError) as error:  # ValueError: an escape such as \\U00110000
        mark = getattr(error, "problem_mark", None) or loader
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise RecipeError(f"{where}: not valid YAML: {problem}.") from None
    if not isinstance(root, yaml.MappingNode):
        content = "nothing" if root is None else "a list or a single value"
        raise RecipeError(f"{name}: expected `key: value` lines at the top level, found {content}.")
    data = loader.value(root, ())
    if loader.problems:
        raise RecipeError("\n".join(loader.problems))
    return YamlFile(name, data, loader.lines)


def _short(node: yaml.Node) -> str:
    text = str(node.value)
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


class _Loader(yaml.SafeLoader):
    """Turns nodes into values, and collects positions and problems.

    Anchors, aliases and deep nesting are refused before a node is built, so a bomb costs nothing.
    """

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name
        self.depth = self.values = 0
        self.lines: dict[Location, int] = {}
        self.problems: list[str] = []

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        where = f"{self.name}:{event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            allowed = "anchors (&) and aliases (*) are not allowed; write the value out"
            raise RecipeError(f"{where}: {allowed}, or quote it if it is text.")
        self.values += 1
        if self.values > MAX_VALUES:
            raise RecipeError(f"{where}: more than {MAX_VALUES:,} values; a recipe has few.")
        if isinstance(event, yaml.CollectionStartEvent) and self.depth >= MAX_DEPTH:
            raise RecipeError(f"{where}: nested more than {MAX_DEPTH} levels deep.")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def value(self, node: yaml.Node, location: Location) -> Any:
        self.lines.setdefault(location, node.start_mark.line + 1)
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if not isinstance(node, _NODES.get(kind, ())):
            self._problem(node, f"{dotted(location)}: the tag {node.tag!r} is not allowed.")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*location, i)) for i, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)  # noqa: S101  # by the table of nodes
        return self._scalar(node, kind, location)

    def _scalar(self, node: yaml.ScalarNode, kind: str, location: Location) -> Any:
        if kind == "timestamp" or (kind == "bool" and node.value.lower() in _WORDS):
            return node.value  # text, not a datetime; and in YAML 1.2 these words are text
        if kind in _PLAIN and not _PLAIN[kind].fullmatch(node.value):
            hint = "programs read this number differently: write it in plain decimal digits"
            self._problem(node, f"{dotted(location)}: {_short(node)}: {hint}, or quote text.")
            return None
        try:
            str(node.value).encode()  # "\\ud800" is half of a character, which no file can hold
            return self.construct_object(node)
        except (ValueError, KeyError, IndexError, yaml.YAMLError):
            self._problem(node, f"{dotted(location)}: {_short(node)} is not a {kind}.")
            return None

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            here = (*location, str(key))
            if key is None or key == "<<":
                self._problem(key_node, "expected a plain key.")
            elif key in result:
                first = f"duplicate key; first set on line {self.lines[here]}"
                self._problem(key_node, f"{dotted(here)}: {first}. Remove one of the two.")
            else:
                self.lines[here] = key_node.start_mark.line + 1
                result[key] = self.value(value_node, here)
        return result

    def _problem(self, node: yaml.Node, text: str) -> None:
        self.problems.append(f"{self.name}:{node.start_mark.line + 1}  {text}")
