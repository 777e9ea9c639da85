"""What the database and the index contain, and whether they agree."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from indexer.indexing.stamps import read_stamps, stamps_of
from recommender import learned
from recommender.corpus import items
from recommender.database import leading
from recommender.database.engine import open_database
from recommender.database.index_register import IndexRegister
from recommender.database.tables import Document, HelpRequest, Person, Team
from recommender.errors import IndexNotFound, KollegaError
from recommender.index import generations
from recommender.index.digest import item_digest
from recommender.index.engines import engine_of
from recommender.index.generations import Manifest
from recommender.language.alignment import Alignment
from recommender.language.analyzer import Analyzer
from recommender.language.synonyms import SynonymsFile
from recommender.people.ranker import Ranker
from recommender.search.calibration import AnswerModel
from recommender.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class Status:
    """Counts of the database, the manifest of the live generation (`index`, None when it cannot be read), what was
    learned, and how many items differ: `missing` in the index, `outdated` there, or `gone` from the database. Of the
    outdated ones `unseen` were edited by hand: their times have not changed."""

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
    unseen: int
    gone: int
    index_leader: str | None
    work_leader: str | None

    @property
    def healthy(self) -> bool:
        """True when there is a readable index and it agrees with the database."""
        return not self.problem and self.missing == self.outdated == self.gone == 0

    def as_json(self) -> str:
        """All fields as JSON."""
        return json.dumps({**asdict(self), "healthy": self.healthy}, indent=2, ensure_ascii=False)

    def as_text(self) -> str:
        """A few lines for a terminal; the last one says what to do."""
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
        lines += self._leaders()
        if self.problem:
            lines.append(self.problem)
        elif self.healthy:
            lines.append(f"up to date: all {self.searchable} searchable items are in the index")
        else:
            command = "kollega reindex --compare" if self.unseen else "kollega reindex"
            lines.append(f"behind: {self.missing} missing, {self.outdated} outdated, {self.gone} gone. Run: {command}")
        return "\n".join(lines)

    def _leaders(self) -> list[str]:
        """Which processes of `kollega watch` lead; nothing when none does."""
        if not self.index_leader and not self.work_leader:
            return []
        if self.index_leader == self.work_leader:
            return [f"watched by {self.index_leader}"]
        nobody = "nobody"
        return [f"watched by {self.index_leader or nobody}; mail, jobs and sources by {self.work_leader or nobody}"]


def read_status(settings: Settings) -> Status:
    """Compare the database with the live generation; a missing or damaged index becomes `problem`."""
    sessions = open_database(settings)
    try:
        return _read_status(settings, sessions)
    finally:
        sessions.kw["bind"].dispose()


def _read_status(settings: Settings, sessions: sessionmaker[Session]) -> Status:
    manifest, in_index, problem = _read_index(settings, sessions)
    engine = sessions.kw["bind"]
    with sessions() as session:
        held = read_stamps(settings)
        stamps, before = stamps_of(session, held).of_items, held.of_items
        in_database = {item.key: item_digest(item, settings.passage_tokens) for item in items(session)}
        count_resolved = func.count().filter(HelpRequest.status == "resolved")
        requests, resolved = session.execute(select(func.count(), count_resolved).select_from(HelpRequest)).one()
        documents, people, teams = (
            session.scalar(select(func.count()).select_from(table)) or 0 for table in (Document, Person, Team)
        )
    outdated = {key for key in in_database.keys() & in_index.keys() if in_index[key] != in_database[key]}
    return Status(
        requests=requests,
        resolved=resolved,
        documents=documents,
        people=people,
        teams=teams,
        searchable=len(in_database),
        index=asdict(manifest) if manifest else None,
        languages=_languages(manifest) if manifest else "",
        synonyms=_synonyms(settings),
        calibration=_calibration(settings),
        ranker=_ranker(settings),
        problem=problem,
        missing=len(in_database.keys() - in_index.keys()),
        outdated=len(outdated),
        unseen=sum(key in stamps and stamps[key] == before.get(key) for key in outdated),
        gone=len(in_index.keys() - in_database.keys()),
        index_leader=leading.index_leader(engine, settings),
        work_leader=leading.leader(engine, leading.SHARED_WORK),
    )


def _read_index(settings: Settings, sessions: sessionmaker[Session]) -> tuple[Manifest | None, dict[str, str], str]:
    """(manifest of the live generation, {item key: digest}, what is wrong)."""
    manifest = None
    try:
        live = generations.live(settings.index_dir)
        manifest = Manifest.read(live)
        engine = engine_of(settings, IndexRegister(settings, sessions))
        engine.open_generation(live, manifest.model)  # raises when a part is missing or not the manifest's
        digests = {item.key: item.digest for item in engine.items(live)}
    except KollegaError as error:
        return manifest, {}, str(error)
    model = manifest.model.name
    if settings.model in ("", model):
        return manifest, digests, ""
    problem = f"The index was made with {model}, the setting is {settings.model}. Run: kollega reindex --full"
    return manifest, digests, problem


def _languages(manifest: Manifest) -> str:
    """How questions in one language are matched with items in another."""
    alignment = Alignment.load(manifest.model)
    if not alignment.maps:
        return "there is no map for this model; across languages the model and the dictionary search alone"
    if alignment.digest != manifest.alignment:
        return "mapped by an older map than the installed one; to use that, run: kollega reindex --full"
    return f"mapped by the map {alignment.digest}"


def _calibration(settings: Settings) -> str:
    """What the probability of an answer was fitted to, or what is wrong with it; empty for the shipped one."""

    def describe(answer_model: AnswerModel) -> str:
        fitted = answer_model.fitted
        return f"fitted to {fitted.get('questions')} questions of your own, {fitted.get('at')}"

    wrong = "cannot be used ({}), so the shipped one is used. Run: kollega calibrate"
    return _learned(settings, learned.ANSWER_MODEL.load, describe, wrong)


def _ranker(settings: Settings) -> str:
    """What colleagues are ranked by, or what is wrong with it; empty for the shipped weights."""

    def describe(ranker: Ranker) -> str:
        by = "votes" if ranker.trained.get("kept") == "votes" else "weights fitted to your own history"
        return f"ranked by {by}, {ranker.trained.get('questions')} questions, {ranker.trained.get('at')}"

    wrong = "cannot be ranked by what was learned ({}), so the shipped weights are used. Run: kollega train-experts"
    return _learned(settings, learned.RANKER.load, describe, wrong)


def _learned(settings: Settings, load: Callable[[Path], T], describe: Callable[[T], str], wrong: str) -> str:
    """The description of what was learned for the live generation; `wrong`, with the reason, when it cannot be read;
    empty when nothing was learned."""
    try:
        return describe(load(generations.live(settings.index_dir)))
    except (OSError, IndexNotFound):
        return ""
    except ValueError as error:
        return wrong.format(error)


def _synonyms(settings: Settings) -> str:
    """How many rules the synonyms file has, or what is wrong with it; empty when there is none."""
    file = SynonymsFile(settings.synonyms_path, Analyzer(settings.models_dir / "dictionaries"))
    rules = len(file.synonyms.rules)
    return file.problem or (f"{rules} rules in {file.path}" if rules else "")
