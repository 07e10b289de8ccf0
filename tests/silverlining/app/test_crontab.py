import shutil
import subprocess

import pytest

from silverlining.app import crontab

SCHEDULES = [
    ("30 3 * * *", "*-*-* 03:30"),
    ("*/5 * * * *", "*-*-* *:00/5"),
    ("0 */2 * * *", "*-*-* 00/2:00"),
    ("0 9 * * 1-5", "Mon..Fri 09:00"),
    ("7 3 * * 0", "Sun 03:07"),
    ("7 3 * * 7", "Sun 03:07"),
    ("0 9 * * mon,wed", "Mon,Wed 09:00"),
    ("0,30 8-18 * * *", "*-*-* 08..18:00,30"),
    ("15 4 1 * *", "*-*-01 04:15"),
    ("0 0 1 jan,7 *", "*-01,07-01 00:00"),
    ("0 0 1 */3 *", "*-01/3-01 00:00"),
    ("0 0 * 6 5", "Fri *-06-* 00:00"),
    ("@daily", "daily"),
    ("@weekly", "weekly"),
]


@pytest.mark.parametrize(("schedule", "said"), SCHEDULES)
def test_a_schedule_of_cron_has_another_name_in_systemd(schedule: str, said: str) -> None:
    assert crontab.is_crontab(schedule)
    assert crontab.converted(schedule) == said


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd here")
@pytest.mark.parametrize("said", [said for _, said in SCHEDULES])
def test_systemd_takes_it(said: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "calendar", "--", said], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "schedule", ["@reboot", "0 0 1 * 1", "0 0 * foo *", "0 0 * * 5-1-2", "0 0 * * */2"]
)
def test_some_have_none(schedule: str) -> None:
    assert crontab.is_crontab(schedule)
    assert crontab.converted(schedule) == ""


@pytest.mark.parametrize(
    "schedule", ["hourly", "*-*-* 03:30", "Mon 09:00", "*:0/5", "Mon..Fri 08:00 Europe/Berlin"]
)
def test_those_of_systemd_are_none(schedule: str) -> None:
    assert not crontab.is_crontab(schedule)
