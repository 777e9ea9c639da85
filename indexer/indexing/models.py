"""Which model an admin may put in use."""

from recommender.encoder.load import name_and_dimension
from recommender.errors import SettingsError
from recommender.index.model_in_use import folder_of
from recommender.sentences.sentence import Sentence
from recommender.settings import Settings


def name_of_model(said: str) -> str:
    """The name of a model as it is stored: a folder from the root on, wherever the command was run."""
    folder = folder_of(said)
    return f"{folder.resolve()}{said.removeprefix(name_and_dimension(said)[0])}" if folder else said


def require_free_choice(settings: Settings, name: str) -> None:
    """Raises SettingsError when the settings name another model: everything goes by that one."""
    if settings.model not in ("", name):
        raise SettingsError(
            Sentence(
                "KOLLEGA_MODEL is set to %(model)s, and everything goes by that. Unset it wherever Kollega "
                "runs, start `kollega serve` and `kollega watch` again, then run this again.",
                model=settings.model,
            )
        )
