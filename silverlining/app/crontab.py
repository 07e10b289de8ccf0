"""Schedules as cron has them, and what systemd calls them: systemd.time(7), "Calendar Events"."""

import re

DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NICKNAMES = {
    "@hourly": "hourly",
    "@daily": "daily",
    "@midnight": "daily",
    "@weekly": "weekly",
    "@monthly": "monthly",
    "@yearly": "yearly",
    "@annually": "yearly",
}
_FIELDS = re.compile(r"[\d*,/-]+( [\d*,/-]+){2}( [\w*,/-]+){2}")
# In systemd's week Sunday is the last day, in cron's the first.
_WEEKDAYS = re.compile(r"[0-7](,[0-7])*|[1-7]-[1-7]|[A-Z][a-z]{2}([,-][A-Z][a-z]{2})*")


def is_crontab(schedule: str) -> bool:
    """Tell whether a schedule is one of cron's: five fields, or a word that begins with @."""
    return schedule.startswith("@") or bool(_FIELDS.fullmatch(" ".join(schedule.split())))


def converted(schedule: str) -> str:
    """Return what systemd calls a schedule of cron's; empty where it has no such thing."""
    if schedule.startswith("@"):
        return NICKNAMES.get(schedule, "")
    minute, hour, day, month, weekday = schedule.split()
    names, number = weekday.title(), _numbered(month)
    # Given a day of the month and one of the week, cron takes either, and systemd both.
    if (weekday != "*" and (day != "*" or not _WEEKDAYS.fullmatch(names))) or not number:
        return ""
    date = f"*-{_field(number, 1)}-{_field(day, 1)}"
    days = re.sub(r"\d", lambda found: DAYS[int(found[0])], names).replace("-", "..")
    parts = [] if weekday == "*" else [days]
    parts += [date] if date != "*-*-*" or not parts else []
    return " ".join([*parts, f"{_field(hour, 0)}:{_field(minute, 0)}"])


def _field(text: str, first: int) -> str:
    """Return a field: numbers in two digits, `*/5` as `0/5`, `1-5` as `1..5`."""
    text = re.sub(r"^\*/", f"{first}/", text)
    return re.sub(r"(?<!/)\b\d\b", lambda found: f"0{found[0]}", text).replace("-", "..")


def _numbered(month: str) -> str:
    """Return months by their numbers; empty if one of them is none."""
    text = month.lower()
    for number, name in enumerate(MONTHS, 1):
        text = text.replace(name, str(number))
    return "" if re.search("[a-z]", text) else text
