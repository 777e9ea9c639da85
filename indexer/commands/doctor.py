"""`kollega doctor` and `kollega completion`: help for those who look after an installation."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from indexer.commands.json_output import json_option

if TYPE_CHECKING:
    from recommender.monitoring.checks.finding import Finding

_WIDTH = 8  # of the word for a state
_FILES = {
    "bash": "~/.local/share/bash-completion/completions/kollega",
    "zsh": "a folder of $fpath, as _kollega",
    "fish": "~/.config/fish/completions/kollega.fish",
}


@click.command()
@json_option
@click.option("--quick", is_flag=True, help="Leave out what reads every file, and the servers for mail and sign-in.")
def doctor(as_json: bool, quick: bool) -> None:
    """Look whether everything is in order, and say what to do about what is not.

    Looks at the versions, the machine, the disk, the settings, the database, backups, jobs, sources, the index, the
    model, the mail server and the OpenID provider, also when some of them cannot be used. Nothing private is printed:
    no name of a person, title, address, path or secret, so that the whole output can be sent to whoever helps. The exit
    status is 1 when there is a problem; warnings leave it at 0.
    """
    from recommender.monitoring.checks.configuration import usable
    from recommender.monitoring.checks.finding import OK, PROBLEM
    from recommender.monitoring.checks.run import Wanted, all_findings

    settings, wrong = usable()
    findings: list[Finding] = []
    with _without_log():
        for finding in (*wrong, *all_findings(settings, Wanted(deep=not quick, network=not quick))):
            findings.append(finding)
            if not as_json:
                _print(finding)
    problems = sum(finding.state == PROBLEM for finding in findings)
    if as_json:
        rows = [finding.as_dict() for finding in findings]
        click.echo(json.dumps({"healthy": not problems, "findings": rows}, indent=2))
    elif all(finding.state == OK for finding in findings):
        click.echo("all is well")
    else:
        warnings = sum(finding.state != OK for finding in findings) - problems
        click.echo(f"problems: {problems}, warnings: {warnings}")
    sys.exit(1 if problems else 0)


@contextmanager
def _without_log() -> Iterator[None]:
    """Nothing is logged meanwhile: log lines have paths, and what they say is among the findings."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _print(finding: "Finding") -> None:
    colour = {"problem": "red", "warning": "yellow"}.get(finding.state)
    click.echo(f"{click.style(f'{finding.state:<{_WIDTH}}', fg=colour)} {finding.check:<12} {finding.said}")
    if finding.advice:
        click.echo(f"{'':<{_WIDTH}} {'':<12} -> {finding.advice}")


@click.command()
@click.argument("shell", type=click.Choice(list(_FILES)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script with which SHELL completes the names of commands and options.

    Its first line says where to put it.
    """
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    if complete is None:
        raise click.UsageError(f"{shell} is not known.")
    root = context.find_root()
    source = complete(root.command, {}, "kollega", "_KOLLEGA_COMPLETE").source()
    where = f"# Save this as {_FILES[shell]}: kollega completion {shell} > FILE. Then open a new terminal."
    first, _, rest = source.partition("\n")
    if first.startswith("#compdef"):  # zsh looks for this in the first line
        click.echo(f"{first}\n{where}\n{rest}")
    else:
        click.echo(f"{where}\n{source}")
