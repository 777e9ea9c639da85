"""The tables of how much hangs on single people: what a topic's past questions find, its figures and their history,
and the acts that spread what is known. They are computed anew from the items, except the history and the acts."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.tables import Base, utc_now

WRITE, PAIR, VERIFY, TRANSLATE = "write", "pair", "verify", "translate"
"""The kinds of acts: a document is written from requests, a colleague watches two answers being given, a document is
verified, a document is translated."""
PROPOSED, STARTED, DONE, DROPPED = "proposed", "started", "done", "dropped"
"""The states of an act."""
_TOPIC, _PERSON = "topics.id", "people.id"


class TopicQuestion(Base):
    """A past question of a topic that was asked again. `question` is the key of its request."""

    __tablename__ = "topic_questions"
    __table_args__ = (Index("ix_topic_questions_question", "question"),)

    topic_id: Mapped[int] = mapped_column(ForeignKey(_TOPIC, ondelete="CASCADE"), primary_key=True)
    question: Mapped[str] = mapped_column(String(64), primary_key=True)
    asked_on: Mapped[datetime]


class TopicAnswer(Base):
    """An item that was found for such a question, with the probability that it answers it (`match`)."""

    __tablename__ = "topic_answers"
    __table_args__ = (Index("ix_topic_answers_item", "item"),)

    topic_id: Mapped[int] = mapped_column(ForeignKey(_TOPIC, ondelete="CASCADE"), primary_key=True)
    question: Mapped[str] = mapped_column(String(64), primary_key=True)
    item: Mapped[str] = mapped_column(String(64), primary_key=True)
    match: Mapped[float]


class TopicFigure(Base):
    """The present figures of a topic, as in `insights.risk.TopicRisk`. `team_id` is the team that most of its items
    belong to."""

    __tablename__ = "topic_figures"

    topic_id: Mapped[int] = mapped_column(ForeignKey(_TOPIC, ondelete="CASCADE"), primary_key=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"), index=True)
    computed_at: Mapped[datetime] = mapped_column(default=utc_now)
    demand: Mapped[float]
    asked: Mapped[int]
    answerable: Mapped[float]
    bus_factor: Mapped[int | None]
    expected_loss: Mapped[float]


class TopicKnower(Base):
    """A person who knows a topic, as in `insights.risk.Knower`."""

    __tablename__ = "topic_knowers"
    __table_args__ = (Index("ix_topic_knowers_person_id", "person_id"),)

    topic_id: Mapped[int] = mapped_column(ForeignKey(_TOPIC, ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey(_PERSON, ondelete="CASCADE"), primary_key=True)
    share: Mapped[float]
    answerable_without: Mapped[float]
    leaving: Mapped[float]


class TopicWeek(Base):
    """The figures of a topic in a week, which starts on the Monday `week`: the last ones computed in it."""

    __tablename__ = "topic_weeks"

    topic_id: Mapped[int] = mapped_column(ForeignKey(_TOPIC, ondelete="CASCADE"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    demand: Mapped[float]
    answerable: Mapped[float]
    bus_factor: Mapped[int | None]
    expected_loss: Mapped[float]


class TransferAct(Base):
    """An act that spreads what is known of a topic, as in `insights.transfer.Act`. `person_id` is who knows,
    `colleague_id` who learns or reads along, `document_id` the document that is written, verified or translated.
    Shares of questions that find an answer without that person are measured before it starts and after it is done."""

    __tablename__ = "transfer_acts"
    __table_args__ = (Index("ix_transfer_acts_topic_id", "topic_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey(_TOPIC, ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    person_id: Mapped[int | None] = mapped_column(ForeignKey(_PERSON, ondelete="SET NULL"), index=True)
    colleague_id: Mapped[int | None] = mapped_column(ForeignKey(_PERSON, ondelete="SET NULL"), index=True)
    document_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id", ondelete="SET NULL"))
    language: Mapped[str | None] = mapped_column(String(8))
    minutes: Mapped[int]
    loss_before: Mapped[float]
    loss_after: Mapped[float]
    measured_before: Mapped[float | None]
    measured_after: Mapped[float | None]
    proposed_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class TransferActItem(Base):
    """An item that an act is about: the requests that a document is written from, or that a colleague learns from."""

    __tablename__ = "transfer_act_items"
    __table_args__ = (Index("ix_transfer_act_items_item", "item"),)

    act_id: Mapped[int] = mapped_column(ForeignKey("transfer_acts.id", ondelete="CASCADE"), primary_key=True)
    item: Mapped[str] = mapped_column(String(64), primary_key=True)
