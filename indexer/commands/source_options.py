"""The command of each kind of source, `kollega import KIND PLACE`, made of the options that the kind has."""

from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import click

from indexer.sources.kinds import KINDS
from recommender.settings import Settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from indexer.sources.protocol import Options

Run = Callable[[Settings, str, str, dict[str, Any], bool], None]
"""What a command does with (settings, kind, name of the source, values of its options, dry run)."""
_GUESS = "Only write the mapping: guess what each column is, and say why."


class _SourceCommand(click.Command):
    """A command whose options are those of its kind of source, which is loaded only when they are needed: a list of all
    commands does without."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """All parameters."""
        if not self.params:
            self.params = _params(str(self.name))
        return super().get_params(ctx)


def source_command(kind: str, run: Run) -> click.Command:
    """`kollega import KIND PLACE`, with an option for each of the kind's options that is one value or a list."""
    found = KINDS[kind]

    def callback(
        settings: Settings, place: str, source: str, dry_run: bool, only_guess: bool = False, **values: Any
    ) -> None:
        given = {"place": place, **{name: value for name, value in values.items() if value not in (None, (), False)}}
        if only_guess and (guess := found.guess()) is not None:
            for line in guess(checked_options(kind, source, given)):
                click.echo(line)
        else:
            run(settings, kind, source, given, dry_run)

    return _SourceCommand(kind, callback=click.pass_obj(callback), help=found.summary)


def _params(kind: str) -> list[click.Parameter]:
    found = KINDS[kind]
    fields = {name: field for name, field in found.options().model_fields.items() if name != "place"}
    options = [option for name, field in fields.items() if (option := _option(name, field)) is not None]
    name = "Name of this source, by which its records are known."
    return [
        click.Argument(["place"], metavar=found.place),
        click.Option(["--source"], help=name, default=kind, show_default=True),
        click.Option(["--dry-run"], is_flag=True, help="Only show what would change, and write nothing."),
        *([] if found.guess() is None else [click.Option(["--guess", "only_guess"], is_flag=True, help=_GUESS)]),
        *options,
    ]


def checked_options(kind: str, source: str, values: dict[str, Any]) -> "Options":
    """The options of a source. Raises click.UsageError for one that is wrong or not known."""
    from pydantic import ValidationError

    from indexer.sources.records import first_problem

    try:
        return KINDS[kind].options().model_validate(values)
    except ValidationError as error:
        raise click.UsageError(f"{source}: {first_problem(error)}.") from error


def _option(name: str, field: "FieldInfo") -> click.Option | None:
    """The option of a field; None for a field that only sources.toml can have (a table, a secret)."""
    from pydantic import SecretStr

    wanted, several = _one_type(field.annotation)
    flag = f"--{name.replace('_', '-')}"
    help_text = field.description or ""
    if wanted is bool:
        return click.Option([flag, name], is_flag=True, help=help_text)
    if get_origin(wanted) is Literal:
        return click.Option([flag, name], type=click.Choice([str(value) for value in get_args(wanted)]), help=help_text)
    kinds: dict[Any, Any] = {str: str, int: int, float: float, Path: click.Path(path_type=Path)}
    if wanted not in kinds or wanted is SecretStr:
        return None
    return click.Option([flag, name], type=kinds[wanted], multiple=several, help=help_text)


def _one_type(annotation: Any) -> tuple[Any, bool]:
    """(the type of a value, whether there may be several): (str, True) of `tuple[str, ...] | None`."""
    if isinstance(annotation, UnionType):
        annotation = next(part for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is tuple:
        return get_args(annotation)[0], True
    return annotation, False
