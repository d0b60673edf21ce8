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
cat >"$out/driver" <<END
#!/bin/sh
# Small and soon ready: it lives for seconds, beside others.
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp '$out/lib/*' io.stillframe.polyglot.Main "\$@"
END
chmod +x "$out/driver"
