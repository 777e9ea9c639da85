"""The mails that Kollega sends, in Finnish, Swedish and English."""

from email.message import EmailMessage
from email.utils import formatdate

from sqlalchemy.orm import Session

from recommender.accounts import password_links
from recommender.database.account_tables import OutgoingMail
from recommender.outbox.mail import ADDRESS_CHANGED, INVITATION, PASSWORD_CHANGED, PASSWORD_LINK, SECOND_FACTOR_OFF
from recommender.settings import Settings

_TEXTS = {
    (PASSWORD_LINK, "en"): (
        "A new password for Kollega",
        "Hello,\n\nset a new password for the user name {handle} here:\n\n{link}\n\n"
        "The link works once, within an hour. If you did not ask for it, ignore this e-mail: nothing changes.\n",
    ),
    (PASSWORD_LINK, "fi"): (
        "Uusi salasana Kollegaan",
        "Hei,\n\naseta uusi salasana käyttäjätunnukselle {handle} täällä:\n\n{link}\n\n"
        "Linkki toimii kerran, tunnin ajan. Jos et pyytänyt sitä, voit jättää viestin huomiotta: mikään ei muutu.\n",
    ),
    (INVITATION, "en"): (
        "Welcome to Kollega",
        "Hello,\n\nKollega finds answers that colleagues have given before, and who can help. You can sign in with the "
        "user name {handle} once you have set a password here:\n\n{link}\n\n"
        "The link works once, within seven days. After that, ask the person who invited you for a new one.\n",
    ),
    (INVITATION, "fi"): (
        "Tervetuloa Kollegaan",
        "Hei,\n\nKollega löytää vastauksia, joita kollegat ovat jo antaneet, ja ihmiset, jotka osaavat auttaa. "
        "Kirjaudut käyttäjätunnuksella {handle}, kun olet asettanut salasanan täällä:\n\n{link}\n\n"
        "Linkki toimii kerran, seitsemän päivän ajan. Sen jälkeen pyydä uusi linkki siltä, joka kutsui sinut.\n",
    ),
    (PASSWORD_LINK, "sv"): (
        "Ett nytt lösenord till Kollega",
        "Hej,\n\nställ in ett nytt lösenord för användarnamnet {handle} här:\n\n{link}\n\n"
        "Länken fungerar en gång, i en timme. Om du inte bad om den kan du lämna meddelandet: inget ändras.\n",
    ),
    (PASSWORD_CHANGED, "en"): (
        "Your password for Kollega was changed",
        "Hello,\n\nthe password of the user name {handle} was changed just now.\n\n"
        "If that was not you, ask for a new password at once, and tell an admin:\n\n{address}\n",
    ),
    (PASSWORD_CHANGED, "fi"): (
        "Kollegan salasanasi vaihdettiin",
        "Hei,\n\nkäyttäjätunnuksen {handle} salasana vaihdettiin juuri.\n\n"
        "Jos se et ollut sinä, pyydä heti uusi salasana ja kerro pääkäyttäjälle:\n\n{address}\n",
    ),
    (PASSWORD_CHANGED, "sv"): (
        "Ditt lösenord till Kollega byttes",
        "Hej,\n\nlösenordet för användarnamnet {handle} byttes nyss.\n\n"
        "Om det inte var du, be genast om ett nytt lösenord och berätta för en administratör:\n\n{address}\n",
    ),
    (ADDRESS_CHANGED, "en"): (
        "Your e-mail address in Kollega was changed",
        "Hello,\n\nthe e-mail address of the user name {handle} was changed just now. Links to a new password and "
        "other messages do not come to this address any more.\n\n"
        "If you did not expect this, tell an admin at once:\n\n{address}\n",
    ),
    (ADDRESS_CHANGED, "fi"): (
        "Sähköpostiosoitteesi Kollegassa vaihdettiin",
        "Hei,\n\nkäyttäjätunnuksen {handle} sähköpostiosoite vaihdettiin juuri. Linkit uuteen salasanaan ja muut "
        "viestit eivät enää tule tähän osoitteeseen.\n\n"
        "Jos et odottanut tätä, kerro heti pääkäyttäjälle:\n\n{address}\n",
    ),
    (ADDRESS_CHANGED, "sv"): (
        "Din e-postadress i Kollega ändrades",
        "Hej,\n\ne-postadressen för användarnamnet {handle} ändrades nyss. Länkar till ett nytt lösenord och andra "
        "meddelanden kommer inte längre till den här adressen.\n\n"
        "Om du inte väntade dig det, berätta genast för en administratör:\n\n{address}\n",
    ),
    (SECOND_FACTOR_OFF, "en"): (
        "Two-step sign-in to Kollega was turned off",
        "Hello,\n\nfrom now on the user name {handle} can sign in without a code from a phone.\n\n"
        "If that was not you, change your password at once, and tell an admin:\n\n{address}\n",
    ),
    (SECOND_FACTOR_OFF, "fi"): (
        "Kollegan kaksivaiheinen tunnistus poistettiin",
        "Hei,\n\nkäyttäjätunnuksella {handle} voi tästä lähtien kirjautua ilman puhelimen koodia.\n\n"
        "Jos se et ollut sinä, vaihda heti salasanasi ja kerro pääkäyttäjälle:\n\n{address}\n",
    ),
    (SECOND_FACTOR_OFF, "sv"): (
        "Tvåstegsinloggningen till Kollega stängdes av",
        "Hej,\n\nfrån och med nu kan man logga in med användarnamnet {handle} utan en kod från telefonen.\n\n"
        "Om det inte var du, byt genast lösenord och berätta för en administratör:\n\n{address}\n",
    ),
}  # fmt: skip

_VALID = {PASSWORD_LINK: password_links.VALID, INVITATION: password_links.INVITATION_VALID}


def compose(session: Session, settings: Settings, row: OutgoingMail, email: str) -> EmailMessage:
    """The mail of a row. A link to a new password is made here, and replaces earlier ones."""
    address = settings.public_url.rstrip("/")
    link = ""
    if row.kind in _VALID and row.person_id is not None:
        link = f"{address}/sign-in/new-password/{password_links.make(session, row.person_id, _VALID[row.kind])}"
    subject, text = _TEXTS.get((row.kind, row.language)) or _TEXTS[row.kind, "en"]
    message = begin_mail(settings, row, email, subject)
    message.set_content(text.format(handle=row.person.handle if row.person else "", link=link, address=address))
    return message


def begin_mail(settings: Settings, row: OutgoingMail, email: str, subject: str) -> EmailMessage:
    """A mail with its headers, and no text yet. The subject becomes one line."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, email, " ".join(subject.split())
    message["Date"] = formatdate()
    message["Message-ID"] = row.message_id
    message["Auto-Submitted"] = "auto-generated"
    return message
