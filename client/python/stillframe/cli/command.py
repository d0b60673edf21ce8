"""`command` makes a typer command of a function.

A parameter whose type is a dataclass stands for all of that dataclass's options:

    @command
    def list_executions(connection: Connection, filters: FilterOptions, limit: int = 0): ...
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args, get_type_hints

import typer

from stillframe.cli.exits import reporting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = Annotated[
    bool,
    typer.Option("--json", help="Print JSON for machines: one object per line."),
]
Execution = Annotated[str, typer.Argument(metavar="EXECUTION", help="The execution's id.")]


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Spreads dataclass parameters into their options, and turns errors into a message on
    stderr and an exit code.
    """
    own = inspect.signature(function, eval_str=True).parameters.values()
    groups = {each.name: _type(each) for each in own if dataclasses.is_dataclass(_type(each))}
    plain = [each for each in own if each.name not in groups]
    spread = [each for group in groups.values() for each in _options(group)]

    @functools.wraps(function)
    def wrapper(**given: Any) -> None:
        as_json = bool(given.get("json"))
        for name, group in groups.items():
            fields = [each.name for each in dataclasses.fields(group)]
            given[name] = group(**{field: given.pop(field) for field in fields})
        with reporting(as_json=as_json):
            function(**given)

    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in plain + spread]
    # typer reads these two; the signature refuses a name that stands in two groups.
    wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {each.name: each.annotation for each in parameters}
    return wrapper


def _type(parameter: inspect.Parameter) -> type[Any]:
    return cast("type[Any]", parameter.annotation)


def _options(group: type[Any]) -> Iterator[inspect.Parameter]:
    """The options of a dataclass, in its help panel."""
    hints = get_type_hints(group, include_extras=True)
    for field in dataclasses.fields(group):
        kind, option = get_args(hints[field.name])
        option = copy.copy(option)
        option.rich_help_panel = group.panel
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=Annotated[kind, option],
        )
