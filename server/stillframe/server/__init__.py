"""The Stillframe server.

`app` binds the handlers of `service` to gRPC; `service` parses, validates, calls
and replies; `watch` follows the change log; `stores` keeps the data and knows
nothing of gRPC. `errors` alone knows status codes.
"""
