"""Jira and Jira Service Management, Cloud and Data Center: over their REST interface, or from an export of a search
(CSV with all fields, XML) or saved answers (JSON)."""

from pydantic import Field

from indexer.sources.jira.api import JiraApi
from indexer.sources.jira.csv_export import is_jira_csv, read_csv
from indexer.sources.jira.fields import Jira
from indexer.sources.jira.xml_export import read_xml
from indexer.sources.protocol import Source
from indexer.sources.rest.access import basic, bearer
from indexer.sources.rest.client import RestClient
from indexer.sources.rest.options import RestOptions, open_client
from indexer.sources.ticket_system import ExportSource, place_of


class JiraOptions(RestOptions):
    """The options of Jira."""

    user: str | None = Field(None, description="Mail address of the account whose API token is used (Cloud).")
    projects: tuple[str, ...] = Field(
        (), description="Keys of the projects to read; all that the account sees without."
    )
    filter: str | None = Field(None, description="Further condition in JQL, such as: type = Incident")
    solution_field: str | None = Field(
        None, description="Field with the solution, by its id (customfield_10050) or its heading in an export."
    )
    not_answered: tuple[str, ...] = Field((), description="Further resolutions that are no answer, such as Peruttu.")


OPTIONS = JiraOptions


def client_of(name: str, options: JiraOptions) -> RestClient:
    """A client for the Jira at an address."""
    return open_client(name, options, options.place, basic(options.user) if options.user else bearer)


def open_source(name: str, options: JiraOptions) -> Source:
    """The Jira at an address, or an export of it. Raises SourceError when it cannot be used."""
    path = place_of(options.place)
    system = Jira(name, options.timezone, options.place if path is None else "", options.solution_field or "")
    system.no_answers |= {each.strip().lower() for each in options.not_answered}
    if path is None:
        return JiraApi(client_of(name, options), system, options.projects, options.filter)
    if path.suffix.lower() == ".xml":
        return ExportSource(path, system, read_xml)
    if is_jira_csv(path):
        return ExportSource(path, system, lambda file: read_csv(file, options.timezone))
    return ExportSource(path, system)
