"""What a node runs: the application, configured from the environment."""

import os

from hello.application import Hello
from hello.settings import Settings

application = Hello(Settings.from_environ(os.environ))
