#!/usr/bin/env bash
# Builds the Go client and its driver: build.sh OUT leaves OUT/driver.
set -euo pipefail

mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")"
go build -trimpath -buildvcs=false -o "$out/driver" .
