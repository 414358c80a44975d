"""Check that a component has the shape that its record declares."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from domainbert.plugin.components import KINDS
from domainbert.plugin.domain import check_name
from domainbert.plugin.metric import Metric


def check_component(record: Any) -> None:
    """Refuse what `domainbert_components` must not yield.

    Raises:
        TypeError: No component record, or a field of another type, or a function that takes other
            arguments.
        PluginError: A malformed name.
    """
    if type(record) not in KINDS:
        known = ", ".join(kind.__name__ for kind in KINDS)
        raise TypeError(
            f"domainbert_components yielded {type(record).__name__}, not one of {known}"
        )
    title = type(record).__name__
    # Names of metrics are keys of results, where `f1_strict` was first.
    is_metric = isinstance(record, Metric)
    check_name(title, str(record.name).replace("_", "-") if is_metric else record.name)
    for name, hint in get_type_hints(type(record)).items():
        fault = _fault(getattr(record, name), hint)
        if fault:
            raise TypeError(f"{title} {record.name!r}: `{name}` {fault}")


def _fault(value: Any, hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType:  # with None
        return "" if value is None else _fault(value, arguments[0])
    if origin is Literal:
        expected = " or ".join(map(repr, arguments))
        return "" if value in arguments else f"is {value!r}, expected {expected}"
    if origin is Callable:
        return _misfit(value, arguments[0])
    if origin is tuple and isinstance(value, tuple):
        return next(filter(None, (_fault(item, arguments[0]) for item in value)), "")
    kind = origin or hint
    if kind is Any or isinstance(value, kind) or (kind is float and isinstance(value, int)):
        return ""
    return f"is {type(value).__name__}, expected {kind.__name__}"


def _misfit(value: Any, arguments: Any) -> str:
    """Return why a value cannot be called with as many arguments; empty if it can."""
    if arguments is ...:  # any
        return "" if callable(value) else f"is {type(value).__name__}, expected a function"
    try:
        inspect.signature(value).bind(*arguments)
    except TypeError:
        given = inspect.signature(value) if callable(value) else type(value).__name__
        return f"is {given}, expected a function of {len(arguments)} arguments"
    except ValueError:  # a function of C has no signature
        pass
    return ""
