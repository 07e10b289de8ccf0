"""Action plugin; documented in plugins/modules/silver_application.py."""

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from silverlining.app import app_config, application
from silverlining.app.locations import Location
from silverlining.nodes import targets
from silverlining.playbook import ROOT
from silversupport.errors import SilverError


class ActionModule(ActionBase):
    """Checks an application's directory and finds the node it goes to."""

    _supports_check_mode = True
    _requires_connection = False
    _VALID_ARGS = frozenset({"app", "location", "node", "config"})

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the application's plan, its location and the target, or what is wrong."""
        super().run(tmp, task_vars)
        try:
            return self._check(task_vars or {})
        except SilverError as error:
            return {"failed": True, "msg": str(error)}

    def _check(self, variables: dict[str, Any]) -> dict[str, Any]:
        services = {path.name.removeprefix("service_") for path in ROOT.glob("roles/service_*")}
        app = application.load(_directory(self._task.args.get("app")), services)
        location = _location(app, self._task.args.get("location"))
        config = self._task.args.get("config")
        config = str(app_config.check(Path(config).expanduser())) if config else ""
        groups, hostvars = variables["groups"], variables["hostvars"]
        addresses = {host: hostvars[host].get("ansible_host", host) for host in groups["all"]}
        target = targets.choose(self._task.args.get("node"), location.host, groups, addresses)
        hosts = targets.web_nodes(target, groups)
        targets.check_running({host: targets.state_of(hostvars[host]) for host in hosts})
        return {
            "changed": False,
            "directory": str(app.directory),
            "location": str(location),
            "plan": app.plan(),
            "config": config,
            "hosts": hosts,
            "nodes": len(targets.peers(hosts[0], groups)),
            "warnings": list(app.warnings),
        }


def _directory(app: str | None) -> Path:
    """Return the directory of an application: a name under apps/, or a path."""
    example = "such as: ansible-playbook deploy.yml -e app=hello"
    known = sorted(path.parent.name for path in ROOT.glob("apps/*/app.ini"))
    if not app:
        raise SilverError(f"say which application, {example} (in apps/: {', '.join(known)})")
    if app in known:
        return ROOT / "apps" / app
    path = Path(app).expanduser()
    if not path.is_dir():
        raise SilverError(
            f"{app} is neither a directory nor one of apps/: {', '.join(known)}; {example}"
        )
    return path


def _location(app: application.Application, given: str | None) -> Location:
    if given:
        return Location.parse(given)
    if app.default_location is None:
        raise SilverError(
            f"say where {app.name} is served, such as -e location={app.name}.example.com,"
            " or set default_location in its app.ini"
        )
    return app.default_location
