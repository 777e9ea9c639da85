"""The list of all modules with pages of the admin area, each with its `blueprint`, for the application only. What
other modules use of a section is in modules without pages."""

from web.admin import (
    answers,
    audit_log,
    home,
    imports,
    index,
    jobs,
    look,
    people,
    people_import,
    people_leaving,
    people_merging,
    person_acts,
    quality,
    settings,
    signing_in,
    source_connecting,
    sources,
    system,
    system_files,
    teams,
    words,
)

_ADDING_TO_OTHERS = (people_import, people_leaving, people_merging, person_acts, source_connecting, system_files)
"""Modules that add their addresses to the blueprint of another one."""
PAGES = (
    answers,
    audit_log,
    home,
    imports,
    index,
    jobs,
    look,
    people,
    quality,
    settings,
    signing_in,
    sources,
    system,
    teams,
    words,
)
