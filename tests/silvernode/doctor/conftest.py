"""A node that the doctor looks at."""

import pytest

from silvernode import settings as node_settings
from silvernode.doctor.patient import Patient
from tests.silvernode.conftest import Node


@pytest.fixture
def patient(node: Node) -> Patient:
    """A node with one app, served at one location."""
    node.layout.state.mkdir(parents=True, exist_ok=True)
    node.deploy()
    return Patient(node.layout, "box", node.routes, node_settings.load(node.layout))
