"""The weekly mail to those who lead a team: what is worth doing there, with links. Plain text, in their language."""

from email.message import EmailMessage

from sqlalchemy.orm import Session

from indexer.delivery.mail_texts import begin_mail
from recommender.database.account_tables import OutgoingMail
from recommender.insights.risk.digest import worth_doing
from recommender.notifications.kinds import PLAN
from recommender.notifications.unsubscribing import make_token
from recommender.settings import Settings

_WORDS = {
    "en": {
        "subject": "Where half an hour is well spent this week",
        "hello": "Hello,\n\nthis is most worth doing in your teams this week:",
        "takes": "About {minutes} minutes. More on the topic: {link}",
        "all": "Start it, or say that it is not for you, here: {link}",
        "stop": "Stop this weekly e-mail: {link}",
    },
    "fi": {
        "subject": "Mihin tällä viikolla kannattaa käyttää puoli tuntia",
        "hello": "Hei,\n\ntiimeissäsi kannattaa tällä viikolla eniten tehdä tämä:",
        "takes": "Noin {minutes} minuuttia. Lisää aiheesta: {link}",
        "all": "Aloita se tai sano, ettei se sovi teille: {link}",
        "stop": "Lopeta tämä viikoittainen viesti: {link}",
    },
    "sv": {
        "subject": "Vad en halvtimme räcker till den här veckan",
        "hello": "Hej,\n\ndet här lönar det sig mest att göra i dina team den här veckan:",
        "takes": "Ungefär {minutes} minuter. Mer om ämnet: {link}",
        "all": "Börja, eller säg att det inte passar er, här: {link}",
        "stop": "Sluta få det här veckomeddelandet: {link}",
    },
}


def compose_plan(session: Session, settings: Settings, row: OutgoingMail, email: str, key: str) -> EmailMessage | None:
    """The mail of a row; None when nothing is worth doing any more. `key` signs the link that turns it off."""
    if row.person is None:
        return None
    acts = worth_doing(session, row.person, row.language)
    if not acts:
        return None
    address, words = settings.public_url.rstrip("/"), _WORDS.get(row.language, _WORDS["en"])
    stop = f"{address}/inbox/unsubscribe/{make_token(key, row.person.id, [PLAN])}"
    lines = [words["hello"]]
    for number, act in enumerate(acts, 1):
        link = f"{address}/insights/topics/{act.topic_id}"
        lines.append(f"{number}. {act.sentence}\n   {words['takes'].format(minutes=act.minutes, link=link)}")
    lines += [words["all"].format(link=f"{address}/insights/"), f"--\n{words['stop'].format(link=stop)}\n"]
    message = begin_mail(settings, row, email, words["subject"])
    message["List-Unsubscribe"] = f"<{stop}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content("\n\n".join(lines))
    return message
