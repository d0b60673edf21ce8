"""DRIVER TARGET TENANT [--tls-ca FILE]: see tests/polyglot/README.md."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import grpc

from stillframe.client import Client
from tests.polyglot.drivers.python.driver import Driver


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("tenant")
    parser.add_argument("--tls-ca", type=Path)
    options = parser.parse_args()
    credentials = None
    if options.tls_ca is not None:
        credentials = grpc.ssl_channel_credentials(options.tls_ca.read_bytes())

    def connect(timeout: float) -> Client:
        return Client(
            options.target, tenant=options.tenant, credentials=credentials, timeout=timeout
        )

    with Driver(connect) as driver:
        for line in sys.stdin:
            print(json.dumps(driver.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
