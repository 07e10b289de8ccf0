"""Action plugin; documented in plugins/modules/libcloud_node.py."""

from typing import Any

from ansible.plugins.action import ActionBase

from silverlining.nodes import progress, sources
from silversupport.errors import SilverError


class ActionModule(ActionBase):
    """Runs the module with the credentials that only Ansible can read, and shows how it goes."""

    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what the module answers."""
        super().run(tmp, task_vars)
        arguments = {**self._credentials(), **self._task.args}
        with progress.shown(self._display.display) as path:
            result: dict[str, Any] = self._execute_module(
                module_name="libcloud_node",
                module_args={**arguments, "progress": str(path)},
                task_vars=task_vars,
            )
        return result

    def _credentials(self) -> dict[str, Any]:
        """Return the source file's key and secret, decrypted and rendered."""
        source = self._task.args.get("source", "")
        try:
            sources.load(source)
        except SilverError:
            return {}  # the module says what is wrong
        data = self._loader.load_from_file(source, trusted_as_template=True)
        given = {name: data[name] for name in sources.CREDENTIALS if data.get(name)}
        return {name: self._templar.template(value) for name, value in given.items()}
