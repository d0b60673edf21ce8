#!/bin/sh
# Makes OUT/driver of the TypeScript client: copies the packages into OUT, installs there what
# they stand on, and compiles.
set -eu
out=${1:?usage: build.sh OUT}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)

client=$out/client/typescript
driver=$out/tests/polyglot/drivers/typescript
stubs=$out/generated/typescript
mkdir -p "$client" "$driver" "$stubs"
for old in "$client/src" "$client/test" "$client/dist" "$driver/dist" "$driver"/*.ts "$stubs"/*; do
    rm -rf "$old"
done
(cd "$root/generated/typescript" && tar --exclude=node_modules -cf - .) | tar -xf - -C "$stubs"
(cd "$root/client/typescript" && tar --exclude=node_modules --exclude=dist --exclude=build -cf - .) |
    tar -xf - -C "$client"
cp "$here"/*.ts "$here/tsconfig.json" "$driver"
echo '{"type": "module"}' >"$driver/package.json"

# What is installed is made anew when what it comes from changes.
wanted=$(cd "$out" && cat client/typescript/package*.json $(find generated -type f | sort) | cksum)
if [ "$(cat "$out/installed" 2>/dev/null)" != "$wanted" ]; then
    rm -f "$out/installed"
    (cd "$client" && npm ci --ignore-scripts --no-audit --no-fund >&2)
    echo "$wanted" >"$out/installed"
fi

tsc=$client/node_modules/.bin/tsc
"$tsc" -p "$client"
mkdir -p "$driver/node_modules/@stillframe"
ln -sfn "$client" "$driver/node_modules/@stillframe/client"
ln -sfn "$client/node_modules/@types" "$driver/node_modules/@types"
"$tsc" -p "$driver"

cat >"$out/driver" <<END
#!/bin/sh
exec node '$driver/dist/main.js' "\$@"
END
chmod +x "$out/driver"
