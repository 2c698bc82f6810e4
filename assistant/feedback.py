"""Thumbs from visitors, in a database that the operator names: no question, no answer.

What is kept: the reply's id and kind, the verdict, an optional reason that the visitor typed for
this purpose, and when.
"""

from datetime import UTC, datetime

from sqlalchemy import DateTime, String, create_engine, delete
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import NullPool

from assistant.errors import FootnoteError

MAX_REASON = 500
"""Characters of a reason that are kept."""


class _Base(DeclarativeBase):
    pass


class Feedback(_Base):
    """One thumb."""

    __tablename__ = "feedback"

    number: Mapped[int] = mapped_column(primary_key=True)
    reply: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(20))
    helpful: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(MAX_REASON), default="")
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class FeedbackStore:
    """Writes feedback; opens the database at the first use."""

    def __init__(self, address: str) -> None:
        """Take an SQLAlchemy address.

        Raises:
            FootnoteError: it is not one, or its driver is missing.

        """
        try:
            self.engine = create_engine(address, poolclass=NullPool)
        except (ArgumentError, SQLAlchemyError, ImportError) as error:
            raise FootnoteError(
                f"FOOTNOTE_DATABASE={address!r}: {str(error).splitlines()[0]}. "
                "Use an SQLAlchemy address, such as sqlite:///feedback.db."
            ) from None
        self.ready = False

    def add(self, reply: str, kind: str, helpful: bool, reason: str) -> None:
        """Keep one thumb; a later one for the same reply takes its place."""
        if not self.ready:
            _Base.metadata.create_all(self.engine)
            self.ready = True
        with Session(self.engine) as session:
            session.execute(delete(Feedback).where(Feedback.reply == reply))
            now = datetime.now(UTC)
            session.add(Feedback(reply=reply, kind=kind, helpful=helpful, reason=reason, at=now))
            session.commit()

    def all(self) -> list[Feedback]:
        """Return everything kept, oldest first."""
        if not self.ready:
            _Base.metadata.create_all(self.engine)
        with Session(self.engine) as session:
            return list(session.query(Feedback).order_by(Feedback.number))
