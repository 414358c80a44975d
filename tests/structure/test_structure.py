"""What keeps the code small, free of any field, and safe; each rule is checked on its own."""

from __future__ import annotations

import ast
import io
import re
import token
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

import domainbert
from domainbert import readers

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core" / "domainbert"
PLUGINS = ROOT / "plugins"
CORE_FILES = sorted(CORE.rglob("*.py"))
PLUGIN_FILES = sorted(
    path for path in PLUGINS.rglob("*.py") if "tests" not in path.relative_to(PLUGINS).parts
)
SOURCE_FILES = [*CORE_FILES, *PLUGIN_FILES]

MODULE_LINES, FUNCTION_LINES, PARAMETERS = 300, 40, 6

FIELDS = re.compile(r"pubmed|patent|financ|(?<![a-z])bio(?![a-z])", re.IGNORECASE)
# A field may be named as an example, in backquotes: in docstrings and messages.
EXAMPLES = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)

# Names that must not occur in code, whatever they are bound to; text may speak of them.
FORBIDDEN_NAMES = {
    "pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve",
    "extractall", "unpack_archive",
}  # fmt: skip
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
# Arguments that may be given as a literal False alone.
FORBIDDEN_SWITCHES = {"shell", "trust_remote_code"}
FORBIDDEN_ATTRIBUTES = {
    ("torch", "load"), ("torch", "save"), ("yaml", "load"), ("yaml", "load_all"),
    ("yaml", "unsafe_load"), ("yaml", "full_load"), ("np", "load"), ("numpy", "load"),
    ("os", "system"), ("os", "popen"),
}  # fmt: skip

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, Function):
            yield node


def length(function: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    total = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        total -= (first.end_lineno or 0) - first.lineno + 1
    return total


def parameters(function: Function) -> int:
    found = function.args
    names = [a.arg for a in (*found.posonlyargs, *found.args, *found.kwonlyargs)]
    names += [a.arg for a in (found.vararg, found.kwarg) if a is not None]
    return len([name for name in names if name not in {"self", "cls"}])


def fields_named(text: str) -> list[str]:
    """What a piece of source names of any field, outside examples in backquotes."""
    found = []
    for item in tokenize.generate_tokens(io.StringIO(text).readline):
        shown = item.string
        if item.type != token.NAME:
            shown = EXAMPLES.sub("", shown)
        found += [f"{item.start[0]}: {match[0]}" for match in FIELDS.finditer(shown)]
    return found


def names_in(node: ast.AST) -> list[str]:
    """The names that a piece of syntax uses; a string may be the name of an argument."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
            return [name]
        case ast.Constant(value=str(name)):
            return [name]
        case ast.Import(names=aliases):
            return [part for alias in aliases for part in alias.name.split(".")]
        case ast.ImportFrom(module=module, names=aliases):
            return [*(module or "").split("."), *(alias.name for alias in aliases)]
    return []


def unsafe(node: ast.AST) -> str | None:
    """What a piece of syntax does that could run code from data."""
    match node:
        case ast.Attribute(value=ast.Name(id=left), attr=right):
            return f"{left}.{right}" if (left, right) in FORBIDDEN_ATTRIBUTES else None
        case ast.Call(func=ast.Name(id=name)):
            return f"{name}()" if name in FORBIDDEN_CALLS else None
        case ast.keyword(arg=str(name), value=value) if name in FORBIDDEN_SWITCHES:
            off = isinstance(value, ast.Constant) and value.value is False
            return None if off else f"{name}="
        case ast.Constant(value=str(name)) if name in FORBIDDEN_SWITCHES:
            return name  # a key of a dictionary of arguments
    return None


def forbidden(text: str) -> list[str]:
    """What a source does that could run code from data; comments and text may speak of it."""
    found = []
    for node in ast.walk(ast.parse(text)):
        what = [unsafe(node), *(name for name in names_in(node) if name in FORBIDDEN_NAMES)]
        found += [f"{getattr(node, 'lineno', 0)}: {item}" for item in what if item]
    return found


def borrowed(text: str) -> list[str]:
    """What a plugin takes from `domainbert`, as dotted names."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith("domainbert.")]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module == "domainbert" or node.module.startswith("domainbert."):
                found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found += [f"domainbert.{node.attr}"] * (node.value.id == "domainbert")
    return found


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    lines = {name_of(p): len(p.read_text("utf-8").splitlines()) for p in SOURCE_FILES}
    assert {name: n for name, n in lines.items() if n > MODULE_LINES} == {}


def test_no_function_is_longer_than_forty_lines_without_its_docstring() -> None:
    long = {
        f"{name_of(path)}:{function.name}": length(function)
        for path in SOURCE_FILES
        for function in functions(path)
        if length(function) > FUNCTION_LINES
    }
    assert long == {}


def test_no_function_outside_the_command_line_takes_more_than_six_parameters() -> None:
    many = {
        f"{name_of(path)}:{function.name}": parameters(function)
        for path in SOURCE_FILES
        if CORE / "cli" not in path.parents and path != CORE / "api.py"
        for function in functions(path)
        if parameters(function) > PARAMETERS
    }
    assert many == {}


@pytest.mark.parametrize("path", CORE_FILES, ids=name_of)
def test_core_names_no_field_but_as_an_example(path: Path) -> None:
    assert fields_named(path.read_text(encoding="utf-8")) == []


def test_templates_of_core_name_no_field() -> None:
    found = {
        name_of(path): FIELDS.findall(path.read_text(encoding="utf-8"))
        for path in sorted(CORE.rglob("*.j2"))
    }
    assert found
    assert set(map(tuple, found.values())) == {()}


@pytest.mark.parametrize("path", SOURCE_FILES, ids=name_of)
def test_nothing_that_could_run_code_from_data_is_called(path: Path) -> None:
    assert forbidden(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=name_of)
def test_plugins_use_public_names_only(path: Path) -> None:
    public = {f"domainbert.{name}" for name in domainbert.__all__}
    public |= {f"domainbert.readers.{name}" for name in readers.__all__}
    assert set(borrowed(path.read_text(encoding="utf-8"))) - public == set()


def test_all_is_sorted_and_is_what_the_package_imports() -> None:
    imported = {
        alias.asname or alias.name
        for node in ast.walk(parsed(CORE / "__init__.py"))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("domainbert.")
        for alias in node.names
    }
    assert set(domainbert.__all__) == imported  # ruff sorts it


def test_checkpoints_are_loaded_from_disk_and_without_their_code() -> None:
    found = {
        f"{name_of(path)}:{node.lineno}": {
            word.arg: ast.unparse(word.value) for word in node.keywords
        }
        for path in SOURCE_FILES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "from_pretrained"
    }
    wanted = {"local_files_only": "True", "trust_remote_code": "False"}
    assert len(found) >= 2
    assert [name for name, given in found.items() if not wanted.items() <= given.items()] == []


def test_core_imports_nothing_from_a_plugin() -> None:
    found = {
        name_of(path)
        for path in CORE_FILES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(a.name for a in node.names)]
        if name.startswith("domainbert_")
    }
    assert found == set()


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "import torch; torch.load('x')",
        "eval('1')", "exec('1')", "import yaml; yaml.load(x)", "archive.extractall()",
        "run(x, shell=True)", "run(x, shell=flag)", "f(trust_remote_code=None)",
        "f(trust_remote_code=x)", "f(**{'trust_remote_code': True})", "joblib.load(x)",
    ],
)  # fmt: skip
def test_the_rule_on_forbidden_calls_can_fail(source: str) -> None:
    assert len(forbidden(source)) >= 1


@pytest.mark.parametrize(
    "source",
    ["read_pubmed = 1", "x = 'patents'", "# for finance", "bio_reader = 1", "x = f'{y} bio'"],
)
def test_the_rule_on_fields_can_fail(source: str) -> None:
    assert len(fields_named(source)) == 1
