"""What will happen to the search index, in sentences with numbers."""

from collections.abc import Sequence

from flask_babel import gettext, ngettext

from recommender.database.job_tables import Job
from recommender.monitoring.index_state import Difference, IndexInUse, IndexState


def button(what: str) -> str:
    """The text of the button that does it."""
    names = {
        "update": gettext("Bring the index up to date"),
        "full": gettext("Build the index anew"),
        "check": gettext("Check everything"),
        "repair": gettext("Check everything and mend the index"),
        "rollback": gettext("Go back to the index before"),
    }
    return str(names[what])


def consequences(what: str, state: IndexState, difference: Difference | None, rate: float | None) -> list[str]:
    """What will happen. `difference` is None when it takes too long to find out first, or is not needed."""
    goes_on = gettext("Search goes on with the index in use until the new one is ready and checked.")
    items, passages = (state.live.items, state.live.passages) if state.live else (0, 0)
    if what == "update" and difference is None:
        return [gettext("What is new, changed or gone since is found out and read; how much that is, the job tells."),
                goes_on]  # fmt: skip
    if what == "update" and difference is not None:
        changed = difference.to_index
        lines = [
            ngettext("%(num)d new or changed item is read.", "%(num)d new or changed items are read.", changed),
            ngettext("%(num)d item is taken out.", "%(num)d items are taken out.", difference.gone),
        ]
        return [*lines, _how_long(_passages(changed, state), rate), goes_on]
    if what == "full":
        number = difference.searchable if difference else items
        every = ngettext("%(num)d item is read anew.", "All %(num)d items are read anew.", number)
        return [every, _how_long(_passages(number, state) if difference else passages, rate), goes_on]
    if what == "rollback" and state.previous is not None:
        return _of_rolling_back(state.previous, state)
    compared = ngettext(
        "The database, the files and %(num)d item of the index are compared.",
        "The database, the files and all %(num)d items of the index are compared.",
        items,
    )
    if what == "check":
        return [compared, gettext("Nothing is changed.")]
    return [compared, gettext("Where the index is wrong it is brought up to date, or built anew if need be."), goes_on]


def of_another_model(name: str, state: IndexState, kept: IndexInUse | None, rate: float | None) -> list[str]:
    """What putting another model in use means."""
    items, passages = (state.live.items, state.live.passages) if state.live else (0, 0)
    lines = [gettext("%(name)s takes the place of %(before)s.", name=name, before=state.model)]
    if kept is not None:
        lines.append(gettext("An index of this model is kept, of %(items)d items: only what has changed since is read.",
                             items=kept.items))  # fmt: skip
    else:
        lines.append(ngettext("%(num)d item is read anew.", "All %(num)d items are read anew.", items))
        lines.append(_how_long(passages, rate, gettext("with the model in use; a larger model takes longer")))
    return [
        *lines,
        gettext("Search goes on with the index in use until the new one is ready and checked."),
        gettext("What was learned from your own history is for one model: learn again afterwards."),
        gettext("The index of %(before)s is kept, so that you can go back.", before=state.model),
    ]


def not_indexed(jobs: Sequence[Job]) -> list[str]:
    """What the last update of the index could not use, of these jobs, the newest first."""
    return next((job.result.get("problems", []) for job in jobs if "passages" in job.result), [])


def _of_rolling_back(previous: IndexInUse, state: IndexState) -> list[str]:
    lines = [
        gettext("The index %(name)s with %(items)d items takes the place of the one in use, in a moment.",
                name=previous.name, items=previous.items),
        gettext("kollega watch then reads what has changed since, unless it is stopped."),
    ]  # fmt: skip
    if previous.model != state.model:
        lines.insert(1, gettext("It was made with another model, which is then in use: %(name)s.", name=previous.model))
    return lines


def _passages(items: int, state: IndexState) -> int:
    """About how many passages so many items have."""
    if state.live is None or not state.live.items:
        return 0
    return round(items * state.live.passages / state.live.items)


def _how_long(passages: int, rate: float | None, where: str = "") -> str:
    if not rate:
        return str(gettext("How long it takes is not known yet: no job has read many items so far."))
    seconds = max(1, round(passages / rate))
    said = (
        ngettext("About %(num)d second", "About %(num)d seconds", seconds)
        if seconds < 90
        else ngettext("About %(num)d minute", "About %(num)d minutes", round(seconds / 60))
    )
    at = gettext("at %(rate)d passages a second, as the last time", rate=round(rate) or 1)
    return f"{said}, {at}{f' ({where})' if where else ''}."
