#!/bin/sh
# Makes OUT/driver of the Python client: there is nothing to compile.
set -eu
out=${1:?usage: build.sh OUT}
root=$(cd "$(dirname "$0")/../../../.." && pwd)
mkdir -p "$out"
cat >"$out/driver" <<END
#!/bin/sh
PYTHONPATH='$root' exec '${PYTHON:-$root/.venv/bin/python}' -m tests.polyglot.drivers.python "\$@"
END
chmod +x "$out/driver"
