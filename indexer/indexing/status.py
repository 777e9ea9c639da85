"""What the database and the index hold, and whether they agree."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import func, select

from recommender import learned
from recommender.corpus import items
from recommender.database.engine import open_database
from recommender.database.tables import Document, HelpRequest, Person, Team
from recommender.errors import IndexNotFound, KollegaError
from recommender.index import generations
from recommender.index.catalogue import Catalogue
from recommender.index.digest import item_digest
from recommender.index.generations import Manifest
from recommender.index.local import LocalIndex
from recommender.language.alignment import Alignment
from recommender.language.analyzer import Analyzer
from recommender.language.synonyms import SynonymsFile
from recommender.people.ranker import Ranker
from recommender.search.calibration import AnswerModel
from recommender.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class Status:
    """Counts of the database, the live generation's manifest, and how many items differ between them."""

    requests: int
    resolved: int
    documents: int
    people: int
    teams: int
    searchable: int
    index: dict[str, object] | None
    languages: str
    synonyms: str
    calibration: str
    ranker: str
    problem: str
    missing: int
    outdated: int
    gone: int

    @property
    def healthy(self) -> bool:
        """True when there is a readable index and it agrees with the database."""
        return not self.problem and self.missing == self.outdated == self.gone == 0

    def as_json(self) -> str:
        """All fields as JSON."""
        return json.dumps({**asdict(self), "healthy": self.healthy}, indent=2, ensure_ascii=False)

    def as_text(self) -> str:
        """A few lines for a terminal; the last says what to do."""
        lines = [
            f"database  {self.requests} requests ({self.resolved} resolved), {self.documents} documents, "
            f"{self.people} people, {self.teams} teams"
        ]
        if self.index:
            model = self.index["model"]
            lines.append(
                f"index     {self.index['generation']}: {self.index['items']} items, "
                f"{self.index['passages']} passages, "
                f"{'approximate (HNSW)' if self.index['approximate'] else 'exact'} search, {self.index['created_at']}"
            )
            lines.append(f"model     {model['name']} ({model['revision']}, {model['dimension']} dimensions)")  # type: ignore[index]
            lines.append(f"languages {self.languages}")
        if self.synonyms:
            lines.append(f"synonyms  {self.synonyms}")
        if self.calibration:
            lines.append(f"calibration {self.calibration}")
        if self.ranker:
            lines.append(f"colleagues {self.ranker}")
        if self.problem:
            lines.append(self.problem)
        elif self.healthy:
            lines.append(f"up to date: all {self.searchable} searchable items are in the index")
        else:
            lines.append(
                f"behind: {self.missing} missing, {self.outdated} outdated, {self.gone} gone. Run: kollega reindex"
            )
        return "\n".join(lines)


def read_status(settings: Settings) -> Status:
    """Compare the database with the live generation; a missing or damaged index becomes `problem`."""
    known: dict[str, str] = {}
    manifest, languages, problem = None, "", ""
    try:
        live = generations.live(settings.index_dir)
        read = Manifest.read(live)
        manifest = asdict(read)
        languages = _languages(read)
        LocalIndex.open_generation(live, read.model)  # every part is there and agrees with the manifest
        if read.model.name != settings.model:
            problem = (
                f"The index is of {read.model.name}, the setting says {settings.model}. Run: kollega reindex --full"
            )
        known = Catalogue.load(live / "catalogue.db").digests()
    except KollegaError as error:
        problem = str(error)
    with open_database(settings)() as session:
        now = {item.key: item_digest(item, settings.passage_tokens) for item in items(session)}
        resolved = func.count().filter(HelpRequest.status == "resolved")
        requests, solved = session.execute(select(func.count(), resolved).select_from(HelpRequest)).one()
        documents, people, teams = (
            session.scalar(select(func.count()).select_from(table)) or 0 for table in (Document, Person, Team)
        )
    return Status(
        requests=requests,
        resolved=solved,
        documents=documents,
        people=people,
        teams=teams,
        searchable=len(now),
        index=manifest,
        languages=languages,
        synonyms=_synonyms(settings),
        calibration=_calibration(settings),
        ranker=_ranker(settings),
        problem=problem,
        missing=len(now.keys() - known.keys()),
        outdated=sum(known[key] != now[key] for key in now.keys() & known.keys()),
        gone=len(known.keys() - now.keys()),
    )


def _languages(manifest: Manifest) -> str:
    """How questions in one language meet answers in another."""
    alignment = Alignment.load(manifest.model)
    if not alignment.maps:
        return "no map for this model: they meet as far as the model and a list of words bring them"
    if alignment.digest != manifest.alignment:
        return "meet by an older map than the one installed; to use that, run: kollega reindex --full"
    return f"meet by the map {alignment.digest}"


def _calibration(settings: Settings) -> str:
    """On what the probability of an answer was fitted, or what is wrong with it; empty for the one that ships."""

    def tell(answer_model: AnswerModel) -> str:
        return (
            f"fitted to {answer_model.fitted.get('questions')} questions of your own, {answer_model.fitted.get('at')}"
        )

    return _learned(
        settings, learned.ANSWER_MODEL.load, tell, "cannot be used ({}), the shipped one is. Run: kollega calibrate"
    )


def _ranker(settings: Settings) -> str:
    """What colleagues are ranked by, or what is wrong with it; empty for the weights that ship."""

    def tell(ranker: Ranker) -> str:
        by = "votes" if ranker.trained.get("kept") == "votes" else "weights fitted to your own history"
        return f"ranked by {by}, {ranker.trained.get('questions')} questions, {ranker.trained.get('at')}"

    wrong = "cannot be ranked by what was learned ({}), the shipped weights are used. Run: kollega train-experts"
    return _learned(settings, learned.RANKER.load, tell, wrong)


def _learned(settings: Settings, load: Callable[[Path], T], tell: Callable[[T], str], wrong: str) -> str:
    """What is told of what the live generation has learned; `wrong`, with the reason, when it cannot be read; empty
    when it has learned nothing."""
    try:
        return tell(load(generations.live(settings.index_dir)))
    except (OSError, IndexNotFound):
        return ""
    except ValueError as error:
        return wrong.format(error)


def _synonyms(settings: Settings) -> str:
    """What the synonyms file says, or what is wrong with it; empty when there is none."""
    file = SynonymsFile(settings.synonyms_path, Analyzer(settings.models_dir / "dictionaries"))
    rules = len(file.synonyms.rules)
    return file.problem or (f"{rules} rules in {file.path}" if rules else "")
