"""Jobs of apps: the `cron.NAME` and `worker.NAME` of app.ini, as timers and services of systemd."""

from silvernode.jobs.following import follow, follow_all, pause
from silvernode.jobs.job import check
from silvernode.jobs.running import in_use

__all__ = ["check", "follow", "follow_all", "in_use", "pause"]
