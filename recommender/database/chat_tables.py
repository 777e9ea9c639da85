"""The table that says which person an account of a chat system belongs to."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from recommender.database.tables import Base, utc_now


class ChatAccount(Base):
    """The person who has linked an account of a chat `system` (slack, teams). Questions from there are answered with
    this person's rights. `name` is what the chat system calls the account."""

    __tablename__ = "chat_accounts"

    system: Mapped[str] = mapped_column(String(16), primary_key=True)
    workspace: Mapped[str] = mapped_column(String(64), primary_key=True)
    user: Mapped[str] = mapped_column(String(128), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200), default="")
    linked_at: Mapped[datetime] = mapped_column(default=utc_now)
