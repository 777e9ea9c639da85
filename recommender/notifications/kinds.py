"""The kinds of notifications: one entry each, with when it is mailed as usual and its texts in all languages of the
pages. A new kind needs an entry here, and a call of `telling.tell` where it happens."""

from dataclasses import dataclass

AT_ONCE, DAILY, NEVER = "at_once", "daily", "never"
WHEN = (AT_ONCE, DAILY, NEVER)


@dataclass(frozen=True)
class Texts:
    """What a kind is called in the settings, what happened when it is known who did it, and when it is not, and what
    the person should do, where that does not go without saying."""

    label: str
    by: str
    happened: str
    next_step: str = ""


@dataclass(frozen=True)
class Kind:
    """A kind of notification. `mail` is when it is mailed unless the person has set something else. A `weekly` one goes
    to leads once a week, unless they never want it, and is in no list of notifications."""

    name: str
    mail: str
    en: Texts
    fi: Texts
    sv: Texts
    weekly: bool = False

    def sentence(self, language: str, who: str | None) -> str:
        """What happened, without the title of the item."""
        texts = self.texts(language)
        return texts.by.format(who=who) if who else texts.happened

    def texts(self, language: str) -> Texts:
        """The texts in a language of the pages; in English for any other."""
        return {"fi": self.fi, "sv": self.sv}.get(language, self.en)


REPLY, MENTION, RESOLUTION, REOPENED, ASSIGNMENT = "reply", "mention", "resolution", "reopened", "assignment"
SUGGESTED, FOLLOWED, ME_TOO, FLAG, REVIEW = "suggested", "followed", "me_too", "flag", "review"
NOT_SENT = "not_sent"
PLAN = "plan"

KINDS = {
    kind.name: kind
    for kind in (
        Kind(REPLY, AT_ONCE,
             Texts("Replies in requests you take part in", "{who} replied", "A new reply"),
             Texts("Vastaukset pyyntöihin, joissa olet mukana", "{who} vastasi", "Uusi vastaus"),
             Texts("Svar i ärenden du deltar i", "{who} svarade", "Ett nytt svar")),
        Kind(MENTION, AT_ONCE,
             Texts("Somebody mentions you (@your-user-name)", "{who} mentioned you", "You were mentioned"),
             Texts("Joku mainitsee sinut (@käyttäjätunnus)", "{who} mainitsi sinut", "Sinut mainittiin"),
             Texts("Någon nämner dig (@ditt-användarnamn)", "{who} nämnde dig", "Du nämndes")),
        Kind(RESOLUTION, AT_ONCE,
             Texts("A request you take part in is solved", "{who} marked this as solved", "Marked as solved"),
             Texts("Pyyntö, jossa olet mukana, on ratkaistu", "{who} merkitsi tämän ratkaistuksi",
                   "Merkitty ratkaistuksi"),
             Texts("Ett ärende du deltar i är löst", "{who} markerade det här som löst", "Markerat som löst")),
        Kind(REOPENED, AT_ONCE,
             Texts("A request you have handled is opened again", "{who} opened this again", "Opened again"),
             Texts("Käsittelemäsi pyyntö avataan uudelleen", "{who} avasi tämän uudelleen", "Avattu uudelleen"),
             Texts("Ett ärende du har handlagt öppnas på nytt", "{who} öppnade det här på nytt", "Öppnat på nytt")),
        Kind(ASSIGNMENT, AT_ONCE,
             Texts("A request is assigned to you", "{who} assigned this to you", "Assigned to you"),
             Texts("Pyyntö annetaan sinun käsiteltäväksesi", "{who} antoi tämän sinun käsiteltäväksesi",
                   "Annettu sinun käsiteltäväksesi"),
             Texts("Ett ärende ges till dig", "{who} gav det här till dig", "Har getts till dig")),
        Kind(SUGGESTED, AT_ONCE,
             Texts("A question sent to you because you were suggested", "{who} asks you, because you were suggested",
                   "A question for you, because you were suggested"),
             Texts("Kysymys, joka lähetettiin sinulle, koska sinua ehdotettiin",
                   "{who} kysyy sinulta, koska sinua ehdotettiin", "Kysymys sinulle, koska sinua ehdotettiin"),
             Texts("En fråga som skickades till dig för att du föreslogs",
                   "{who} frågar dig, eftersom du föreslogs", "En fråga till dig, eftersom du föreslogs")),
        Kind(FOLLOWED, DAILY,
             Texts("News in requests you follow", "{who} wrote in a request you follow",
                   "News in a request you follow"),
             Texts("Uutta seuraamissasi pyynnöissä", "{who} kirjoitti seuraamaasi pyyntöön",
                   "Uutta seuraamassasi pyynnössä"),
             Texts("Nytt i ärenden du följer", "{who} skrev i ett ärende du följer", "Nytt i ett ärende du följer")),
        Kind(ME_TOO, AT_ONCE,
             Texts("A problem you have too is solved", "{who} solved a problem you have too",
                   "A problem you have too is solved"),
             Texts("Sinuakin koskeva ongelma on ratkaistu", "{who} ratkaisi sinuakin koskevan ongelman",
                   "Sinuakin koskeva ongelma on ratkaistu"),
             Texts("Ett problem som du också har är löst", "{who} löste ett problem som du också har",
                   "Ett problem som du också har är löst")),
        Kind(NOT_SENT, AT_ONCE,
             Texts("A request cannot be sent on to where the team works",
                   "This could not be sent on to where the team works",
                   "This could not be sent on to where the team works",
                   "It stays in Kollega, in the team's queue."),
             Texts("Pyyntöä ei saada lähetettyä tiimin omaan työvälineeseen",
                   "Pyyntöä ei saatu lähetettyä tiimin omaan työvälineeseen",
                   "Pyyntöä ei saatu lähetettyä tiimin omaan työvälineeseen",
                   "Se on Kollegassa tiimin jonossa."),
             Texts("Ett ärende kan inte skickas vidare dit där teamet arbetar",
                   "Det här kunde inte skickas vidare dit där teamet arbetar",
                   "Det här kunde inte skickas vidare dit där teamet arbetar",
                   "Det finns kvar i Kollega, i teamets kö.")),
        Kind(FLAG, DAILY,
             Texts("Your guide or answer is flagged as wrong", "{who} flagged this as wrong or outdated",
                   "Flagged as wrong or outdated",
                   "Read what is said about it, then correct it or clear the flag."),
             Texts("Ohjeestasi tai vastauksestasi ilmoitetaan virhe",
                   "{who} ilmoitti, että tässä on virhe tai vanhentunutta tietoa",
                   "Ilmoitettu virheelliseksi tai vanhentuneeksi",
                   "Lue, mitä siitä sanotaan, ja korjaa teksti tai kuittaa huomautus."),
             Texts("Din anvisning eller ditt svar anmäls som felaktigt",
                   "{who} anmälde det här som felaktigt eller föråldrat",
                   "Anmält som felaktigt eller föråldrat",
                   "Läs vad som sägs om det och rätta texten eller ta bort anmälan.")),
        Kind(REVIEW, DAILY,
             Texts("Your guide is due for review", "{who} asks you to review this", "Due for review",
                   "Read it through, correct what has changed, and mark it as verified."),
             Texts("Ohjeesi on aika tarkistaa", "{who} pyytää sinua tarkistamaan tämän", "Aika tarkistaa",
                   "Lue ohje läpi, korjaa muuttuneet kohdat ja merkitse ohje tarkistetuksi."),
             Texts("Det är dags att granska din anvisning", "{who} ber dig granska det här", "Dags att granska",
                   "Läs igenom den, rätta det som har ändrats och markera den som granskad.")),
        Kind(PLAN, DAILY,
             Texts("What is worth doing in the teams you lead", "", ""),
             Texts("Mitä johtamissasi tiimeissä kannattaa tehdä", "", ""),
             Texts("Vad det lönar sig att göra i teamen du leder", "", ""), weekly=True),
    )
}  # fmt: skip
"""Every kind by its name, in the order in which the settings list them. When each is mailed is a judgement."""
