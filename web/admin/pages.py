"""The list of all modules with pages of the admin area, each with its `blueprint`, for the application only. What
other modules use of a section is in modules without pages."""

from web.admin import home

PAGES = (home,)
