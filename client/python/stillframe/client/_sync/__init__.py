"""The client over grpc: calls block."""
