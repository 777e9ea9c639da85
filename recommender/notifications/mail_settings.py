"""How a person wants to be mailed: when for each kind, in which language, and the hours without mail."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo

from sqlalchemy.orm import Session

from recommender.database.storing import insert_or_update
from recommender.database.tables import Person
from recommender.database.told_tables import MailSettings
from recommender.notifications.kinds import AT_ONCE, KINDS, NEVER, WHEN
from recommender.setting_values import PAGE_LANGUAGES

USUAL_HOUR = 8  # of the daily mail: a judgement


@dataclass(frozen=True)
class MailPreferences:
    """What a person has set about mail. `kinds` has what differs from the usual, by kind. Hours are from 0 to 23 in
    the organisation's time zone; without quiet hours both are None."""

    language: str | None = None
    quiet_from: int | None = None
    quiet_until: int | None = None
    daily_at: int = USUAL_HOUR
    kinds: Mapping[str, str] = field(default_factory=dict)

    def when(self, kind: str) -> str:
        """AT_ONCE, DAILY or NEVER: when notifications of a kind are mailed."""
        chosen = self.kinds.get(kind)
        return chosen if chosen in WHEN else KINDS[kind].mail if kind in KINDS else NEVER

    def unwanted(self) -> list[str]:
        """The kinds of which no mail is wanted."""
        return [kind for kind in KINDS if self.when(kind) == NEVER]

    def due(self, kind: str, at: datetime, zone: tzinfo) -> datetime:
        """When a notification that may be mailed from `at` on is to be mailed: at that time, or with the next daily
        mail; never in the quiet hours. A daily mail that would fall into them goes out at their end. Times are in UTC
        without a time zone."""
        if self.when(kind) == AT_ONCE:
            return self.after_quiet(at, zone)
        end = self.quiet_until
        hour = end if end is not None and self.is_quiet(self.daily_at) else self.daily_at
        return _in_utc(_next(_local(at, zone), hour))

    def after_quiet(self, at: datetime, zone: tzinfo) -> datetime:
        """The time itself, or the end of the quiet hours that it falls into; in UTC without a time zone."""
        local = _local(at, zone)
        if self.quiet_until is None or not self.is_quiet(local.hour):
            return at
        return _in_utc(_next(local, self.quiet_until))

    def is_quiet(self, hour: int) -> bool:
        """True for an hour of the day without mail; the quiet hours may go over midnight."""
        begin, end = self.quiet_from, self.quiet_until
        if begin is None or end is None or begin == end:
            return False
        return begin <= hour < end if begin < end else hour >= begin or hour < end


def load_mail_preferences(session: Session, person_id: int) -> MailPreferences:
    """What a person has set about mail."""
    row = session.get(MailSettings, person_id)
    if row is None:
        return MailPreferences()
    return MailPreferences(row.language, row.quiet_from, row.quiet_until, row.daily_at, dict(row.kinds))


def save_mail_preferences(session: Session, person_id: int, preferences: MailPreferences) -> None:
    """Replace what a person has set about mail. The caller commits."""
    kinds = {kind: when for kind, when in preferences.kinds.items() if kind in KINDS and KINDS[kind].mail != when}
    values = {
        "language": preferences.language,
        "daily_at": preferences.daily_at,
        "quiet_from": preferences.quiet_from,
        "quiet_until": preferences.quiet_until,
        "kinds": kinds,
    }
    insert_or_update(session, MailSettings, {"person_id": person_id}, values)


def unsubscribe(session: Session, person_id: int, unwanted: Collection[str]) -> bool:
    """Send a person no more mail of these kinds; False when there is no such person. The caller commits."""
    if session.get(Person, person_id) is None:
        return False
    stored = load_mail_preferences(session, person_id)
    kinds = {**stored.kinds, **dict.fromkeys((kind for kind in unwanted if kind in KINDS), NEVER)}
    changed = MailPreferences(stored.language, stored.quiet_from, stored.quiet_until, stored.daily_at, kinds)
    save_mail_preferences(session, person_id, changed)
    return True


def mail_language(person: Person, preferences: MailPreferences, usual: str) -> str:
    """The language of a person's mail: the one they have set, else the only language of the pages that they help in,
    else the organisation's (`usual`)."""
    if preferences.language in PAGE_LANGUAGES:
        return str(preferences.language)
    known = [language for language in person.languages if language in PAGE_LANGUAGES]
    return known[0] if len(known) == 1 else usual


def _local(at: datetime, zone: tzinfo) -> datetime:
    return at.replace(tzinfo=UTC).astimezone(zone)


def _in_utc(local: datetime) -> datetime:
    return local.astimezone(UTC).replace(tzinfo=None)


def _next(local: datetime, hour: int) -> datetime:
    """The next time, or this one, at which it is `hour` o'clock."""
    there = datetime.combine(local.date(), time(hour), local.tzinfo)
    return there if there >= local else datetime.combine(local.date() + timedelta(days=1), time(hour), local.tzinfo)
