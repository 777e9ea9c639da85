"""membership/invitations.py: a link to a first password, by mail or to be handed over."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from recommender import accounts
from recommender.accounts import password_links
from recommender.database.account_tables import OutgoingMail, PasswordLink
from recommender.database.tables import utc_now
from recommender.errors import AccountError
from recommender.membership import invitations
from recommender.settings import Settings
from tests.recommender.membership.conftest import Add

HERE = "https://kollega.example.org/"


def test_without_a_mail_server_the_link_is_returned_and_opens_for_seven_days(
    session: Session, settings: Settings, add: Add
) -> None:
    aino = add("aino")
    accounts.set_email(session, aino, "aino@example.org")
    first = invitations.invite(session, settings, aino, "fi", HERE).link
    second = invitations.invite(session, settings, aino, "fi", HERE).link
    assert second.startswith("https://kollega.example.org/sign-in/new-password/")
    assert password_links.person_of(session, first.rpartition("/")[2]) is None
    assert password_links.person_of(session, second.rpartition("/")[2]) is aino
    lasts = session.scalars(select(PasswordLink.expires_at)).one() - utc_now()
    assert timedelta(days=6) < lasts <= timedelta(days=7)
    assert session.scalars(select(OutgoingMail.id)).all() == []


def test_with_a_mail_server_and_an_address_it_is_mailed_and_nobody_sees_the_link(
    session: Session, settings: Settings, add: Add
) -> None:
    mailing = replace(settings, mail_server="smtp://localhost:25", mail_from="k@example.org", public_url=HERE)
    aino, vera = add("aino"), add("vera")
    accounts.set_email(session, aino, "aino@example.org")
    sent = invitations.invite(session, mailing, aino, "fi", HERE)
    assert sent == invitations.Invitation(email="aino@example.org")
    (row,) = session.scalars(select(OutgoingMail)).all()
    assert (row.person_id, row.kind, row.language) == (aino.id, "invitation", "fi")
    assert invitations.invite(session, mailing, vera, "fi", HERE).link  # no address
    assert invitations.invite(session, mailing, aino, "fi", HERE, hand_over=True).link
    session.refresh(row)
    assert row.state == "failed"  # called off: otherwise it would end the link that was handed over


def test_nobody_is_invited_who_may_not_sign_in(session: Session, settings: Settings, add: Add) -> None:
    aino = add("aino")
    accounts.disable(session, aino)
    with pytest.raises(AccountError, match="may not sign in"):
        invitations.invite(session, settings, aino, "fi", HERE)
