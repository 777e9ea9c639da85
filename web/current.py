"""What `create_app` has made for its views: the settings and the recommender."""

from flask import Flask, current_app

from recommender.language.analyzer import Analyzer
from recommender.recommender import Recommender
from recommender.settings import Settings


def attach(app: Flask, own_settings: Settings, own_recommender: Recommender) -> None:
    """Give the app its parts."""
    app.extensions["kollega_settings"] = own_settings
    app.extensions["kollega_recommender"] = own_recommender


def settings() -> Settings:
    """The settings this application was made with."""
    found: Settings = current_app.extensions["kollega_settings"]
    return found


def recommender() -> Recommender:
    """The recommender, on its way to a newer live generation when there is one."""
    found: Recommender = current_app.extensions["kollega_recommender"]
    found.refresh()
    return found


def analyzer() -> Analyzer:
    """The recommender's analyser, whose dictionaries are loaded once."""
    return recommender().analyzer
