"""Which mails belong together, which of them is the answer, and which were written by programs."""

from datetime import timedelta
from pathlib import Path

import pytest

from indexer.sources.mail.subjects import base_subject, is_answer, title_of_subject
from indexer.sources.mail.words import is_thanks
from tests.indexer.sources.mail.mails import AINO, DAY, EERO, MATTI, NOW, mail, mbox, of, people, read


def test_a_thread_becomes_a_request_with_its_replies(tmp_path: Path) -> None:
    [request] = of(
        tmp_path,
        mail(1, "Hei,\n\nkone ei käynnisty.\n\nT. Matti", subject="Kone ei käynnisty"),
        mail(2, "Vaihda akku.\n\n> kone ei käynnisty.", AINO, "Re: Kone ei käynnisty", 1),
        mail(3, "Kiitos, nyt toimii!", MATTI, "VS: Kone ei käynnisty", 2),
    )
    assert (request.id, request.title, request.body) == (
        "1@example.fi",
        "Kone ei käynnisty",
        "Hei,\n\nkone ei käynnisty.",
    )
    assert (request.asked_by, request.created_at) == ("matti@example.fi", DAY + timedelta(hours=1))
    assert [(reply.id, reply.author, reply.body, reply.accepted) for reply in request.replies] == [
        ("2@example.fi", "aino@example.fi", "Vaihda akku.", True),
        ("3@example.fi", "matti@example.fi", "Kiitos, nyt toimii!", False),
    ]
    assert (request.status, request.resolved_at) == ("resolved", DAY + timedelta(hours=2))
    assert (request.group, request.readers_there) == ("box", ("box",))


def test_people_have_their_mail_address_and_come_once(tmp_path: Path) -> None:
    file = tmp_path / "box.mbox"
    file.write_bytes(mbox([mail(1), mail(2, "Vaihda akku.", AINO, "Re: Kone", 1), mail(3, "Toinen", subject="Muu")]))
    found = people(read(file))
    assert [(person.id, person.name, person.email) for person in found] == [
        ("matti@example.fi", "Matti Mäki", "matti@example.fi"),
        ("aino@example.fi", "Aino Virta", "aino@example.fi"),
    ]


@pytest.mark.parametrize(
    ("replies", "status", "accepted"),
    [
        ([], "closed", None),
        ([(AINO, "Vaihda akku.")], "resolved", 0),
        ([(AINO, "Vaihda akku."), (MATTI, "Ei auttanut.")], "closed", None),
        ([(AINO, "Vaihda akku."), (MATTI, "Kiitos, mutta ei toimi vieläkään.")], "closed", None),
        ([(AINO, "Vaihda akku."), (MATTI, "Tein niin.")], "resolved", 0),
        ([(AINO, "Mikä malli?"), (MATTI, "X1"), (AINO, "Vaihda akku."), (MATTI, "Kiitos!")], "resolved", 2),
        ([(AINO, "Vaihda akku."), (MATTI, "Tack, nu fungerar det"), (EERO, "Minulla auttoi kaapeli.")], "resolved", 0),
        ([(MATTI, "Vaihdoin akun itse, nyt toimii.")], "closed", None),
    ],
)
def test_the_answer_is_what_the_asker_thanked_for_or_the_last_of_a_thread_that_rests(
    tmp_path: Path, replies: list[tuple[str, str]], status: str, accepted: int | None
) -> None:
    later = [mail(number, text, who, "Re: Kone", 1) for number, (who, text) in enumerate(replies, 2)]
    [request] = of(tmp_path, mail(1), *later)
    assert request.status == status
    assert [place for place, reply in enumerate(request.replies) if reply.accepted] == (
        [] if accepted is None else [accepted]
    )


def test_a_thread_that_does_not_rest_yet_is_open(tmp_path: Path) -> None:
    mails = mail(1), mail(2, "Vaihda akku.", AINO, "Re: Kone", 1)
    soon = DAY + timedelta(days=10)
    assert of(tmp_path, *mails, now=soon)[0].status == "open"
    assert of(tmp_path, *mails, now=soon, rest_days=9)[0].status == "resolved"
    thanks = mail(3, "Kiitos!", MATTI, "Re: Kone", 2)
    assert of(tmp_path, *mails, thanks, now=soon)[0].status == "resolved"


@pytest.mark.parametrize(
    "mark", ["Re", "VS", "Vs", "SV", "Sv", "AW", "FW", "VL", "Fwd", "TR", "Re[2]", "Re(3)", "RE: VS"]
)
def test_a_reply_that_names_no_mail_belongs_to_the_one_with_its_subject(tmp_path: Path, mark: str) -> None:
    [request] = of(tmp_path, mail(1), mail(2, "Vaihda akku.", AINO, f"{mark}: Kone"))
    assert [reply.body for reply in request.replies] == ["Vaihda akku."]
    assert is_answer(f"{mark}: Kone") and base_subject(f"{mark}: Kone") == title_of_subject(f"{mark}: Kone") == "Kone"


def test_a_subject_joins_only_replies_and_only_for_some_weeks(tmp_path: Path) -> None:
    late = mail(2, "Vaihda akku.", AINO, "Re: Kone", hours=24 * 50)
    assert len(of(tmp_path, mail(1), late)) == 2
    assert len(of(tmp_path, mail(1), late, subject_weeks=8)) == 1
    assert len(of(tmp_path, mail(1), mail(2, "Toinen kone", AINO))) == 2
    assert len(of(tmp_path, mail(1, subject=""), mail(2, "x", AINO, "Re: "))) == 2


def test_references_join_through_mails_that_are_not_there(tmp_path: Path) -> None:
    references = "<1@example.fi> <99@example.fi>"
    [request] = of(tmp_path, mail(1), mail(2, "Vaihda akku.", AINO, "Akku", "<99@example.fi>", References=references))
    assert len(request.replies) == 1


def test_a_copy_with_the_same_id_counts_once(tmp_path: Path) -> None:
    copy = mail(1, List_Id="Tuki <tuki.example.fi>")
    [request] = of(tmp_path, mail(1), copy, mail(2, "Vaihda akku.", AINO, "Re: Kone", 1))
    assert len(request.replies) == 1


def test_mails_that_answer_each_other_in_a_circle_are_one_thread(tmp_path: Path) -> None:
    [request] = of(
        tmp_path,
        mail(1, "eka", MATTI, "Re: Kone", 3),
        mail(2, "toka", AINO, "Re: Kone", 1),
        mail(3, "kolmas", EERO, "Re: Kone", 2),
        mail(4, "itse", EERO, "Re: Muu", 4),
    )[:1]
    assert request.body == "eka" and [reply.body for reply in request.replies] == ["toka", "kolmas"]


def test_the_order_is_that_of_the_dates_but_the_question_comes_first(tmp_path: Path) -> None:
    [request] = of(tmp_path, mail(2, "Vaihda akku.", AINO, "Re: Kone", 1), mail(1, hours=5))
    assert request.body == "Kone ei käynnisty."
    assert request.replies[0].created_at == request.created_at  # a clock was wrong


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated (failure)"},
        {"Precedence": "bulk"},
        {"Precedence": "auto_reply"},
        {"X_Auto_Response_Suppress": "All"},
        {"X_Autoreply": "yes"},
        {"Return_Path": "<>"},
        {"sender": "MAILER-DAEMON@example.fi (Mail Delivery System)"},
        {"sender": "Mail Delivery Subsystem <mailer-daemon@example.fi>"},
        {"Content_Type": "multipart/report; report-type=delivery-status; boundary=x"},
        {"subject": "Automaattinen vastaus: Kone"},
        {"subject": "Automatic reply: Kone"},
        {"subject": "Autosvar: Kone"},
        {"subject": "Out of Office: Kone"},
        {"subject": "Re: Poissaoloilmoitus"},
        {"subject": "Undeliverable: Kone"},
        {"subject": "Luettu: Kone"},
        {"text": "Hei! Olen lomalla ja palaan 10.8. Kiireellisissä asioissa ota yhteys tukeen."},
        {"text": "Hej, jag är på semester till och med den 10 augusti."},
        {"text": "I am out of the office until Monday with limited access to mail."},
        {"text": "I'm currently on leave and will return on 10 August."},
    ],
)
def test_what_a_program_sent_is_left_out(tmp_path: Path, headers: dict[str, str]) -> None:
    given = {"sender": AINO, "subject": "Re: Kone", "text": "Viestisi on vastaanotettu.", **headers}
    [request] = of(tmp_path, mail(1), mail(2, answers=1, **given), mail(3, "Vaihda akku.", AINO, "Re: Kone", 2))
    assert [reply.body for reply in request.replies] == ["Vaihda akku."]


def test_an_invitation_to_a_meeting_is_no_request(tmp_path: Path) -> None:
    calendar = "Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nEND:VCALENDAR"
    text = f"--x\nContent-Type: text/plain\n\nTervetuloa\n--x\n{calendar}\n--x--"
    invitation = mail(1, text, subject="Palaveri", Content_Type="multipart/alternative; boundary=x")
    assert of(tmp_path, invitation) == []
    [request] = of(tmp_path, invitation, mail(2, "Mikä huone?", AINO, "Re: Palaveri", 1))
    assert request.body == "Mikä huone?"


def test_what_a_person_wrote_on_a_list_or_about_leave_stays(tmp_path: Path) -> None:
    [request] = of(
        tmp_path,
        mail(1, "Olen lomalla ensi viikolla, palaan 10.8. Miten siirrän puhelut?", subject="Loma"),
        mail(2, "Valitse Siirrot.", AINO, "Re: Loma", 1, Precedence="bulk", List_Id="Tuki <tuki.example.fi>"),
        mail(3, "Auto ei käynnisty, kun poissa on pitkään.", EERO, "Re: Loma", 1, Auto_Submitted="no"),
    )
    assert len(request.replies) == 2


def test_a_thread_that_a_program_began_has_its_first_person_as_asker(tmp_path: Path) -> None:
    alarm = mail(1, "disk 99 %", "Valvonta <root@example.fi>", "Levy täynnä", Auto_Submitted="auto-generated")
    [request] = of(tmp_path, alarm, mail(2, "Kuka katsoo?", MATTI, "Re: Levy täynnä", 1))
    assert (request.body, request.asked_by) == ("Kuka katsoo?", "matti@example.fi")
    assert of(tmp_path, alarm) == []


def test_what_was_left_out_is_told(tmp_path: Path) -> None:
    file = tmp_path / "box.mbox"
    file.write_bytes(mbox([mail(1), mail(2, "", AINO, "Automatic reply: Kone", 1)]))
    assert read(file)[-1].changes == (("automatic mails were left out", ""),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kiitos!", True),
        ("Kiitoksia paljon avusta", True),
        ("Toimii nyt.", True),
        ("That fixed it, thanks", True),
        ("Tack så mycket!", True),
        ("Kiitos etukäteen", False),
        ("Thanks in advance", False),
        ("Kiitos, mutta ei toimi", False),
        ("Thanks, but it still does not start", False),
        ("Kiitos. Mistä saan akun?", False),
        ("Vaihdoin akun.", False),
        ("Kiitos " + "viesti " * 80, False),
    ],
)
def test_thanks_are_told_from_other_words(text: str, expected: bool) -> None:
    assert is_thanks(text) is expected


def test_times_without_a_zone_have_that_of_the_option(tmp_path: Path) -> None:
    [request] = of(tmp_path, mail(1, Date="Mon, 2 Mar 2026 10:00:00"), timezone="Europe/Helsinki")
    assert request.created_at == DAY
    assert NOW > DAY
