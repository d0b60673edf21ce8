#!/bin/sh
# Makes OUT/driver of the Java client, and OUT/lib with every jar that it runs with.
set -eu
out=${1:?usage: build.sh OUT}
mkdir -p "$out"
out=$(cd "$out" && pwd)
# Else a jar of an older version would stay on the class path.
rm -rf "$out/lib"
here=$(cd "$(dirname "$0")" && pwd)
mvn --batch-mode --quiet --file "$here/workspace.xml" -Dmaven.test.skip "-Ddriver.lib=$out/lib" package

# Small and soon ready: a driver lives for seconds, beside others. The JVM's own log, which would go
# to standard output, is off.
options="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xlog:disable"
archive="$out/driver.jsa"
rm -f "$archive"
# The classes of two calls that reach nobody, kept as the JVM has them in memory: half of a start.
snapshot='{"state": "RUNNING", "variables": {"a": {"int": "1"}}}'
{
    echo '{"call": "info", "args": {"timeout": 2}}'
    echo "{\"call\": \"save\", \"args\": {\"execution_id\": \"a\", \"snapshot\": $snapshot, \"timeout\": 0.1}}"
} | java $options "-XX:ArchiveClassesAtExit=$archive" -cp "$out/lib/*" \
    io.stillframe.polyglot.Main 127.0.0.1:1 build >"$out/archive.log" 2>&1
cat >"$out/driver" <<END
#!/bin/sh
exec java $options -XX:SharedArchiveFile='$archive' -cp '$out/lib/*' io.stillframe.polyglot.Main "\$@"
END
chmod +x "$out/driver"
