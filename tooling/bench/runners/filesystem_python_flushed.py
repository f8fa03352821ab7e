"""Python Kombu over files, made to flush each message to the disk before publish returns, as @kombu/transport-filesystem does."""

import os
import runpy

from kombu.transport import filesystem

unlock = filesystem.unlock


def flush_and_unlock(file):
    file.flush()
    os.fsync(file.fileno())
    unlock(file)


filesystem.unlock = flush_and_unlock
runpy.run_path(os.path.join(os.path.dirname(__file__), "python_kombu.py"), run_name="__main__")
