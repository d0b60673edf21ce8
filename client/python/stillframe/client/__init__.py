"""The Python client of Stillframe: `Client` on grpc, `AsyncClient` on grpc.aio, with the same
methods.

    with Client("127.0.0.1:50051", tenant="acme") as client:
        client.save("run-1", Snapshot(state=ExecutionState.RUNNING, variables={"n": 1}))
        print(client.load("run-1").variables["n"])
"""
