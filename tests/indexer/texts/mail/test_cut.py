"""What a person wrote is left of a mail: in invented mails as programs write them in Finnish, Swedish and English, and
in real ones."""

import email
import re
from email.utils import parseaddr

import pytest

from indexer.texts.html import from_html
from indexer.texts.mail.body import body_of
from indexer.texts.mail.cut import own_text
from indexer.texts.mail.headers import decoded_header
from tests.fixture_files import FIXTURES, expectations, folded_hash, needs_fixtures

QUOTE = "> Kone ei käynnisty.\n> Mitä teen?"
HEADINGS = [
    "ma 2. maaliskuuta 2026 klo 8.10 Aino Virtanen <aino@example.fi> kirjoitti:",
    "ma 2. maaliskuuta 2026 klo 8.10 Aino Virtanen <aino@example.fi>\nkirjoitti:",
    "ke 8. tammik. 2025 klo 9.15 Aino Virtanen\n<aino@example.fi> kirjoitti:",
    "28.02.2026 03:03, Aino Virtanen kirjoitti:",
    "2.3.2026 8.10, Aino Virtanen kirjoitti:",
    "Tue, Apr 23, 2024 at 04:36:20PM +0300, Aino Virtanen kirjoitti:",
    "su, 2025-09-28 kello 11:07 +0000, Aino Virtanen kirjoitti:",
    "Aino Virtanen <aino@example.fi> kirjoitti 2.3.2026 kello 8.10:",
    "Den mån 2 mars 2026 kl 08:10 skrev Aino Virtanen <aino@example.fi>:",
    "Den 2026-03-02 kl. 08:10, skrev Aino Virtanen:",
    "2 mars 2026 kl. 08:10 skrev Aino Virtanen <aino@example.fi>:",
    "On Mon, Mar 2, 2026 at 8:10 AM Aino Virtanen <aino@example.fi> wrote:",
    "On Mon, Mar 2, 2026 at 8:10 AM Aino Virtanen <\naino@example.fi> wrote:",
    "On 02/03/2026 08:10, Aino Virtanen wrote:",
    "> On 2 Mar 2026, at 08:10, Aino Virtanen <aino@example.fi> wrote:",
    "Am 02.03.2026 um 08:10 schrieb Aino Virtanen:",
    "2026/3/2 Aino Virtanen <aino@example.fi>",
    "2.3.2026 klo 8.10 Aino Virtanen kirjoitti:",
    "Aino Virtanen kirjoitti 2.3.2026 8:10:",
    "Virtanen Aino kirjoitti ma 2.3.2026 klo 8:10:",
]
BLOCKS = [
    "---- Aino Virtanen wrote ----",
    "------ On 02.03.2026 8:10, Aino Virtanen wrote -----",
    "-------------- next part --------------",
    "Forwarded message:",
    "Välitetty viesti:",
    "Lähettäjä: Aino Virtanen <aino@example.fi>\nLähetetty: maanantai 2. maaliskuuta 2026 8.10\n"
    "Vastaanottaja: Tuki <tuki@example.fi>\nKopio: Matti\nAihe: Kone",
    "________________________________\nFrom: Aino Virtanen\nSent: Monday, March 2, 2026 8:10 AM\nTo: Help\nSubject: PC",
    "-----Alkuperäinen viesti-----\nLähettäjä: Aino\nLähetetty: 2.3.2026 8.10\nAihe: Kone",
    "-----Original Message-----\nFrom: Aino [mailto:aino@example.fi]\nSent: 2. maaliskuuta 2026 8:10\nTo: Tuki",
    "Från: Aino Virtanen <aino@example.fi>\nSkickat: den 2 mars 2026 08:10\nTill: Support\nÄmne: Datorn",
    "-----Ursprungligt meddelande-----\nFrån: Aino\nSkickat: den 2 mars 2026\nTill: Support",
    "*Lähettäjä:* Aino Virtanen\n*Lähetetty:* maanantai 2. maaliskuuta 2026 8.10\n*Vastaanottaja:* Tuki\n*Aihe:* Kone",
]
SIGNATURES = [
    "-- \nMatti Mäkelä\nMyynti, puh. 040 123 4567",
    "--\nMatti Mäkelä",
    "Terveisin\nMatti",
    "Terveisin Matti",
    "Ystävällisin terveisin,\n\nMatti Mäkelä\nMyynti\n040 123 4567\nwww.example.fi",
    "Yst. terv.\nMatti",
    "Yst.terv. Matti Mäkelä",
    "T. Matti",
    "t. Matti M",
    "T: Matti",
    "Terv. Matti",
    "-Matti",
    "- Matti",
    "/Matti",
    "Matti",
    "Matti Mäkelä",
    "Lähetetty iPhonesta",
    "Lähetetty Samsung Galaxy -älypuhelimesta.",
    "Hanki Outlook for Android",
    "Med vänlig hälsning\nMatti Mäkelä\nSäljare",
    "Mvh Matti",
    "MVH\nMatti",
    "Hälsningar,\nMatti",
    "Skickat från min iPhone",
    "Best regards,\nMatti",
    "Kind regards\n\nMatti Mäkelä | Sales | +358 40 123 4567",
    "BR, Matti",
    "Br,\nMatti",
    "Thanks,\nMatti",
    "Kiitos,\nMatti",
    "Sent from my iPad",
    "Get Outlook for iOS<https://aka.ms/o0ukef>",
    "Tämä sähköposti on luottamuksellinen ja tarkoitettu vain vastaanottajalle. Jos sait sen erehdyksessä, poista se.",
    "This e-mail and any attachments are confidential and intended solely for the addressee.",
    "Detta meddelande är avsett endast för mottagaren och kan innehålla konfidentiell information.",
    "_______________________________________________\nTuki mailing list\nhttps://lists.example.fi/listinfo/tuki",
    "Terveisin\nMatti\n\nTämä viesti on luottamuksellinen ja tarkoitettu vain sille, jolle se on osoitettu.",
]  # fmt: skip
ANSWER = "Hei Aino,\n\nkäynnistä kone uudelleen ja pidä virtapainiketta 10 sekuntia."


@pytest.mark.parametrize("heading", HEADINGS)
def test_what_stands_above_a_quote_is_left(heading: str) -> None:
    assert own_text(f"{ANSWER}\n\n{heading}\n\n{QUOTE}\n") == ANSWER
    assert own_text(f"{ANSWER}\n{heading}\n{QUOTE}\n") == ANSWER


@pytest.mark.parametrize("heading", [*(heading for heading in HEADINGS if heading[0] != ">"), *BLOCKS])
def test_what_stands_above_an_older_mail_without_marks_is_left(heading: str) -> None:
    assert own_text(f"{ANSWER}\n\n{heading}\n\nKone ei käynnisty.\n\nAino\n") == ANSWER


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_signature_is_cut(signature: str) -> None:
    assert own_text(f"{ANSWER}\n\n{signature}\n", "Matti Mäkelä", "matti@example.fi") == ANSWER


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_signature_before_a_quote_is_cut(signature: str) -> None:
    text = f"{ANSWER}\n\n{signature}\n\n{HEADINGS[0]}\n{QUOTE}"
    assert own_text(text, "Matti Mäkelä", "matti@example.fi") == ANSWER


@pytest.mark.parametrize(
    "text",
    [
        "Kiitos!",
        "Thanks, that worked",
        "Kiitos paljon, nyt toimii.",
        "Terveisin asiakas kirjoitti kyllä, mutta hän ei kertonut mitä konetta asia koskee eikä vastannut enää.",
        "Lokissa lukee:\n\n2026-03-02 08:10:00 ERROR disk full\n2026-03-02 08:11:00 ERROR disk full",
        "From: kenttä on tyhjä. Mistä se tulee?",
        "Vaiheet:\n- avaa asetukset\n- valitse Tulostimet\n- Lisää",
        "Aja komento:\n\n```\n--\nselect 1;\n-- kommentti\n```\n\nSitten toimii.",
        "Taulukko:\n\n------------------------\n| a | b |\n------------------------\n\nmuuta ei tarvita",
        "Päivitys on 2.3.2026 klo 8.10, ja se koskee kaikkia:\n\nkäynnistä kone uudelleen.",
        "Asiakas kirjoitti:\n\nohjelma kaatuu heti",
        "Viesti lähetetty eilen kello 10.15, mutta se ei tullut perille",
        "Best option is to restart it",
        "Regards the printer, it is in room 5",
        "Valitse:\n\nTiedosto\nTulosta",
    ],
)
def test_what_only_looks_like_an_older_mail_or_a_signature_stays(text: str) -> None:
    assert own_text(text, "Matti Mäkelä", "matti@example.fi") == text


def test_answers_between_quotes_keep_the_lines_that_they_answer() -> None:
    text = (
        f"{HEADINGS[0]}\n> Hei,\n>\n> kone ei käynnisty.\n> Mitä teen?\n\nPidä virtapainiketta.\n\n> Entä näyttö?\n"
        "Vaihda kaapeli.\n\n> Kiitos\n> Aino\n\nT. Matti"
    )
    assert own_text(text) == (
        "> kone ei käynnisty.\n> Mitä teen?\n\nPidä virtapainiketta.\n\n> Entä näyttö?\nVaihda kaapeli."
    )


def test_an_answer_below_its_quote_stands_alone() -> None:
    assert own_text(f"{HEADINGS[0]}\n{QUOTE}\n\nPidä virtapainiketta.\n\nMatti", "Matti") == "Pidä virtapainiketta."


def test_an_address_that_a_program_broke_out_of_a_quote_is_quoted() -> None:
    text = f"Vaihda akku.\n\n{HEADINGS[0]}\n> Katso tämä (http://example.fi/a\n_nonce=3dd518)\n>\n> Kiitos"
    assert own_text(text) == "Vaihda akku."


def test_a_text_that_is_signed_with_pgp_is_what_was_written() -> None:
    signed = (
        f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{ANSWER}\n\n- -- \nMatti\n"
        "-----BEGIN PGP SIGNATURE-----\n\niQEzBAEBCAAdFiEE\n=abcd\n-----END PGP SIGNATURE-----\n"
    )
    assert own_text(signed) == ANSWER


def test_a_quoted_line_that_a_program_broke_is_still_quoted() -> None:
    quoted = "> Kone ei käynnisty, vaikka olen pitänyt virtapainiketta painettuna kauan ja\nodottanut.\n> Mitä teen?"
    assert own_text(f"Vaihda akku.\n\n{HEADINGS[0]}\n{quoted}") == "Vaihda akku."


@pytest.mark.parametrize("text", [QUOTE, f"{HEADINGS[0]}\n{QUOTE}", f"{BLOCKS[0]}\n\nKone ei käynnisty.", "--\nMatti"])
def test_all_is_kept_when_nothing_would_be_left(text: str) -> None:
    assert own_text(text) == text


def test_a_forwarded_mail_stays_when_it_may_be_the_question() -> None:
    text = "Osaatteko auttaa?\n\n----- Forwarded message -----\nFrom: Aino <a@example.fi>\n\nKone ei toimi."
    assert own_text(text) == "Osaatteko auttaa?"
    assert own_text(text, forwarded=True) == text


def test_a_long_text_is_cut_quickly() -> None:
    text = "On Monday, 2.3.2026 8:10 a@b.fi\n" * 20_000 + "- x\n" * 20_000 + "_" * 100_000 + " \n" * 20_000
    assert own_text(text)
    assert own_text("x\n" + "-- \n" * 20_000 + "Terveisin\n" * 5_000)


def _mail_text(file: str, number: int | None) -> tuple[str, str, str]:
    """(text, author, address) of a real file: a mail, a page of HTML, or the text alone, some with marks for tests."""
    raw = (FIXTURES / file).read_bytes()
    if number is not None:
        raw = re.split(rb"(?m)^From (?=\S+@)", raw)[number].split(b"\n", 1)[1].replace(b"\n>From ", b"\nFrom ")
    if number is not None or file.endswith(".eml"):
        message = email.message_from_bytes(raw)
        name, address = parseaddr(str(message["From"] or ""))
        return body_of(message).text, decoded_header(name), address
    text = raw.decode("utf-8")
    if file.endswith(".html"):
        return from_html(re.sub(r"<\?[^<>]*>", "", text)), "Alex", ""
    if file.endswith("_R_S"):
        return re.sub(r"(?m)^#(reply|sig)#\s?", "", text).split("\n\n", 1)[1], "John Doe", "doe@example.com"
    if file.endswith("_body"):
        return re.sub(r"(?m)^#sig#", "", text), "", "john@example.com"
    if file.endswith("_msg"):
        head, rest = text.split("\n", 1)
        return rest, head.partition(":")[2].strip(), ""
    return text, "", ""


@needs_fixtures
def test_real_replies_are_cut_as_a_reader_would() -> None:
    wanted = expectations("mail_replies")
    wrong = [
        line["file"]
        for line in wanted
        if folded_hash(own_text(*_mail_text(line["file"], line.get("number")))) != line["reply"]
    ]
    assert len(wanted) == 123
    assert wrong == []
