"""What an engine's tests need: a real Stillframe server in a process of its own.

    from stillframe.client import Client
    from stillframe.testing import ServerProcess

    with ServerProcess() as server, Client(server.address) as client:
        ...

With pytest, the fixture `stillframe_server` does the same:

    pytest_plugins = ["stillframe.testing.fixtures"]

The server needs the extra `server`: `pip install "stillframe[server]"`.
"""

from stillframe.testing._process import ServerProcess, ServerStartError

__all__ = ["ServerProcess", "ServerStartError"]
