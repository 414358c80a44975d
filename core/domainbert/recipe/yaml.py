"""YAML for people: safe, small, and with a line number for every key.

`yaml.safe_load` alone keeps the last of two equal keys, expands aliases without bound and forgets
where a value stood. This reads the node graph instead, refuses what a recipe never needs, and
returns plain values together with the position of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from domainbert.errors import RecipeError

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20

_TAGS = {"str", "int", "float", "bool", "null", "map", "seq", "timestamp"}
_NODES = {"map": yaml.MappingNode, "seq": yaml.SequenceNode}

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
        """Return `file:line  a.b`, falling back to the nearest known parent."""
        return f"{self.line(location)}  {dotted(location)}".rstrip()

    def line(self, location: Location) -> str:
        """Return `file:line`, falling back to the nearest known parent."""
        known = location
        while known and known not in self.lines:
            known = known[:-1]
        return f"{self.path}:{self.lines.get(known, 1)}"


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
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such file. See `domainbert recipes list`.") from None
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}.") from None
    if len(raw) > MAX_BYTES:
        raise RecipeError(f"{path}: {len(raw)} bytes; a recipe has at most {MAX_BYTES}.")
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
    try:
        _refuse_aliases_and_depth(text, name)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise RecipeError(f"{name}:{line}: not valid YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise RecipeError(f"{name}: not valid YAML: {error}.") from None
    except ValueError:  # PyYAML on an escape such as \\U00110000, without a position
        line = next(n for n, row in enumerate(text.split("\n"), 1) if "\\U" in row)
        raise RecipeError(f"{name}:{line}: not valid YAML: no such character.") from None
    if not isinstance(root, yaml.MappingNode):
        found = "nothing" if root is None else "a list or a single value"
        raise RecipeError(f"{name}: expected `key: value` lines at the top level, found {found}.")
    reader = _Reader(name)
    data = reader.value(root, ())
    if reader.problems:
        raise RecipeError("\n".join(reader.problems))
    return YamlFile(name, data, reader.lines)


def _refuse_aliases_and_depth(text: str, name: str) -> None:
    # Events come before any node is built, so a bomb costs nothing.
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise RecipeError(
                f"{name}:{line}: anchors (&) and aliases (*) are not allowed in a recipe. "
                "Write the value out, or quote it if it is text."
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise RecipeError(f"{name}:{line}: nested more than {MAX_DEPTH} levels deep.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    """Turns nodes into values, collecting positions and problems on the way."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Location, int] = {}
        self.problems: list[str] = []
        self._constructor = yaml.SafeLoader("")

    def value(self, node: yaml.Node, location: Location) -> Any:
        self.lines.setdefault(location, node.start_mark.line + 1)
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind not in _TAGS or not isinstance(node, _NODES.get(kind, yaml.ScalarNode)):
            self._problem(node, f"{dotted(location)}: the tag {node.tag!r} is not allowed.")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*location, i)) for i, item in enumerate(node.value)]
        if kind == "timestamp":  # a date in a title is text, not a datetime
            return node.value
        try:
            str(node.value).encode()  # "\\ud800" is half of a character, which no file can hold
            return self._constructor.construct_object(node)
        except (ValueError, KeyError, IndexError, yaml.YAMLError):
            self._problem(node, f"{dotted(location)}: {node.value!r} is not a {kind}.")
            return None

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key == "<<":
                self._problem(key_node, "expected a plain key.")
                continue
            here = (*location, key)
            if key in result:
                self._problem(
                    key_node,
                    f"{dotted(here)}: duplicate key; first set on line {self.lines[here]}. "
                    "Remove one of the two.",
                )
                continue
            self.lines[here] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, here)
        return result

    def _problem(self, node: yaml.Node, text: str) -> None:
        self.problems.append(f"{self.name}:{node.start_mark.line + 1}  {text}")
