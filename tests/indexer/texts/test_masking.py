"""Personal data is masked, and what only looks like it stays."""

import pytest

from indexer.texts.masking import KINDS, MaskingRules, mask

RULES = MaskingRules()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Asiakas 131052-308T soitti", "Asiakas [personal identity code] soitti"),
        ("hetu on 131052-308t.", "hetu on [personal identity code]."),
        ("(131052X308T)", "([personal identity code])"),
        ("131052\u2011308T-tunnus", "[personal identity code]-tunnus"),
        ("tili FI21 1234 5600 0007 85 SAAJA OY", "tili [account number] SAAJA OY"),
        ("tili FI2112345600000785.", "tili [account number]."),
        ("IBAN: fi21 1234 5600 0007 85", "IBAN: [account number]"),
        ("SE45 5000 0000 0583 9825 7466", "[account number]"),
        ("kortti 4111 1111 1111 1111 ei toimi", "kortti [card number] ei toimi"),
        ("card 5500-0055-5555-5559", "card [card number]"),
        ("amex 378282246310005!", "amex [card number]!"),
        ("Salasana: kissa", "Salasana: [password]"),
        ("tunnus matti, salasana: Kissa123!", "tunnus matti, salasana: [password]"),
        ("salasana: Kesä2024!", "salasana: [password]"),
        ("(salasana: Kesä2024!?), soita", "(salasana: [password]), soita"),
        ("**salasana: Kesä2024!** toimii", "**salasana: [password]** toimii"),
        ("password: 'Kesä2024!'.", "password: '[password]'."),
        ("Salasana: Talvi2026.", "Salasana: [password]."),
        ("salasanasi on Talvi2026", "salasanasi on [password]"),
        ("My password is hunter2 and it fails", "My password is [password] and it fails"),
        ('the password is "correct horse"', 'the password is "[password]"'),
        ("**Password:** s3cr3t", "**Password:** [password]"),
        ("lösenordet är Vinter9", "lösenordet är [password]"),
        ("PIN: 4821", "PIN: [password]"),
        ("password=abc123;user=x", "password=[password];user=x"),
    ],
)  # fmt: skip
def test_personal_data_is_masked(text: str, expected: str) -> None:
    masked, counts = mask(text, RULES)
    assert masked == expected and counts.total() == 1


@pytest.mark.parametrize(
    "text",
    [
        "tilaus 131052-3081, ja 131052-308A",
        "order 450012345678, invoice 2026-000123, 123456-7890",
        "viitenumero 4111111111111111",
        "RF18 5390 0754 7034",
        "viite 12345 67890 12345 67894",
        "virhe 0x80070005, 0xC000021A, ORA-00904, KB5034441",
        "2026-03-02 08:10:00, 02.03.2026, 020326-1100",
        "version 10.0.19045.4046, 4.11.1111.1111",
        "MAC 41:11:11:11:11:11 and 00-1A-2B-3C-4D-5E",
        "IMEI: 378282246310005",
        "550e8400-e29b-41d4-a716-446655440000",
        "S-1-5-21-4111111111-1111111111-1111111111-1001",
        "card 4111 1111 1111 1112",
        "FI21 1234 5600 0007 86",
        "salasana on vanhentunut",
        "Salasana: unohtunut",
        "Salasana: unohtunut!",
        "Password: expired!?",
        "Salasana: vaihdettu! Nyt toimii",
        "Your password is not accepted",
        "The password is wrong, the password is kept in the safe",
        "Salasana: miten se vaihdetaan?",
        "Password: how do I change it?",
        "Password policy is described in the handbook",
        "password=$PASSWORD, password: <your password>, password: ********",
        "password = os.environ['X']",
        "password: {{ secret }}",
        "lösenordet är fel",
        "call +358 40 123 4567 or 040-1234567",
        "port 8080, 192.168.100.200, 1,234,567",
    ],
)
def test_what_only_looks_like_personal_data_stays(text: str) -> None:
    assert mask(text, RULES) == (text, {})


def test_phone_numbers_are_masked_when_asked_for() -> None:
    rules = MaskingRules(frozenset({"phone-numbers"}))
    text = "Soita +358 40 123 4567, 040-1234567 tai 09 123 4567; tilaus 450012345678, 10.0.19045.4046, Salasana: x1y2"
    masked, counts = mask(text, rules)
    assert masked == (
        "Soita [phone number], [phone number] tai [phone number]; tilaus 450012345678, 10.0.19045.4046, Salasana: x1y2"
    )
    assert counts == {"phone-numbers": 3}


def test_each_rule_can_be_switched_off() -> None:
    text = "131052-308T FI2112345600000785 4111111111111111 salasana: K1ssa 040 1234567"
    for kind in KINDS:
        masked, counts = mask(text, MaskingRules(frozenset(KINDS) - {kind}))
        assert counts == dict.fromkeys(frozenset(KINDS) - {kind}, 1)
        assert f"[{KINDS[kind]}]" not in masked


def test_a_long_text_is_masked_quickly() -> None:
    text = "password is " * 20_000 + "1234567890 " * 50_000 + "AA11" + " A" * 100_000
    assert mask(text, RULES)[1].total() == 0
