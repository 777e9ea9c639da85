"""The tables of what came of a team's service, how the team measures its own success, and what people say about the
topics that hang on them."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from recommender.database.tables import Base, Person, utc_now

_TOPIC, _PERSON, _TEAM = "topics.id", "people.id", "teams.id"


class ReadingKey(Base):
    """The random key with which the marks of one day are made (ReadingMark). It is destroyed after seven days; from
    then on nobody can find out whose marks they were, not even with the key of the installation."""

    __tablename__ = "reading_keys"

    day: Mapped[date] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64))


class ReadingMark(Base):
    """The mark that somebody said that an answer solved their question, or read it and went away (`kind`). `digest` is
    made of the person and the topic, with the key of the day (ReadingKey) and that of the installation. `times` counts
    the answers of the topic, and `sent` says that the same person has sent a request on it since. A mark is deleted
    with its key; then it is counted (SentAfterwards) if a request was sent."""

    __tablename__ = "reading_marks"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[date] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(String(24))
    team_id: Mapped[int] = mapped_column(ForeignKey(_TEAM, ondelete="CASCADE"), index=True)
    topic_id: Mapped[int | None] = mapped_column(ForeignKey(_TOPIC, ondelete="SET NULL"), index=True)
    times: Mapped[int] = mapped_column(default=1)
    sent: Mapped[bool] = mapped_column(default=False)


class SentAfterwards(Base):
    """How many outcomes of a kind were followed by a request on the same topic within seven days: for the answers of a
    team in a topic, and the four weeks that begin on the Monday `since`."""

    __tablename__ = "sent_afterwards"
    __table_args__ = (Index("ix_sent_afterwards_team_id", "team_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey(_TEAM, ondelete="CASCADE"))
    topic_id: Mapped[int | None] = mapped_column(ForeignKey(_TOPIC, ondelete="SET NULL"), index=True)
    kind: Mapped[str] = mapped_column(String(24))
    since: Mapped[date]
    times: Mapped[int]


class SuccessMeasure(Base):
    """A sentence in which a team says by what it measures its success. `ended_on` is set when the team no longer
    does."""

    __tablename__ = "success_measures"
    __table_args__ = (Index("ix_success_measures_team_id", "team_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey(_TEAM, ondelete="CASCADE"))
    sentence: Mapped[str] = mapped_column(Text)
    written_on: Mapped[date]
    ended_on: Mapped[date | None]

    values: Mapped[list["MeasureValue"]] = relationship(
        cascade="all, delete-orphan", order_by="(MeasureValue.day, MeasureValue.id)"
    )


class MeasureValue(Base):
    """The number of a success measure on a day. Numbers are added, never overwritten: of two for one day the later one
    counts."""

    __tablename__ = "measure_values"
    __table_args__ = (Index("ix_measure_values_measure_id", "measure_id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    measure_id: Mapped[int] = mapped_column(ForeignKey("success_measures.id", ondelete="CASCADE"))
    number: Mapped[float]
    day: Mapped[date]
    written_at: Mapped[datetime] = mapped_column(default=utc_now)


class Teaching(Base):
    """What a person has said themself: that they are teaching a topic to a colleague."""

    __tablename__ = "teachings"
    __table_args__ = (
        UniqueConstraint("topic_id", "person_id", "colleague_id"),
        Index("ix_teachings_person_id", "person_id"),
        Index("ix_teachings_colleague_id", "colleague_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    topic_id: Mapped[int] = mapped_column(ForeignKey(_TOPIC, ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey(_PERSON, ondelete="CASCADE"))
    colleague_id: Mapped[int] = mapped_column(ForeignKey(_PERSON, ondelete="CASCADE"))
    since: Mapped[date]

    person: Mapped[Person] = relationship(foreign_keys=[person_id])
    colleague: Mapped[Person] = relationship(foreign_keys=[colleague_id])


class LeftOut(Base):
    """A person's wish that their part in a topic is shown to nobody else. Only they see it."""

    __tablename__ = "left_out"
    __table_args__ = (Index("ix_left_out_person_id", "person_id"),)

    topic_id: Mapped[int] = mapped_column(ForeignKey(_TOPIC, ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey(_PERSON, ondelete="CASCADE"), primary_key=True)
    since: Mapped[date]
