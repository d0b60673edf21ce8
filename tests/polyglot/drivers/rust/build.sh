#!/bin/sh
# Builds the Rust client and its driver into the folder OUT, as OUT/driver.
set -eu
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")"
CARGO_TARGET_DIR=$out/target cargo build --quiet --locked --package stillframe-driver
ln -sf target/debug/driver "$out/driver"
