"""The client over grpc.aio: calls are awaited."""
