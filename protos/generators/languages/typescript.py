"""TypeScript, by protoc-gen-es: JavaScript modules with their types, so that a program that
depends on the package needs no step to build it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from google.rpc import error_details_pb2

from protos.generators import tools

VERSIONS = tools.VERSIONS["typescript"]
LOCK = tools.HERE / "typescript" / "package-lock.json"

ERROR_DETAILS = "google/rpc/error_details.proto"
"""What the details of an error are. Other languages have it in their gRPC libraries; npm has
no package of it.
"""


def write(out: Path) -> None:
    google = Path(error_details_pb2.__file__).parents[2]
    tools.protoc(
        f"-I{google}",
        ERROR_DETAILS,
        f"--plugin={tool('protoc-gen-es')}",
        f"--es_out={out}",
        "--es_opt=target=js+dts,import_extension=js",
    )
    values = {"version": tools.VERSION, "protobuf": VERSIONS["@bufbuild/protobuf"]}
    tools.render("package.json", values, out / "package.json")
    modules = [source.removesuffix(".proto") for source in tools.sources()]
    exports = "".join(f'export * from "./{module}_pb.js";\n' for module in modules)
    for index in ("index.js", "index.d.ts"):
        (out / index).write_text(exports, encoding="utf-8")


def tool(name: str) -> Path:
    """A program of an npm package that versions.toml names."""
    return modules() / ".bin" / name


def modules() -> Path:
    """The folder node_modules with what versions.toml names."""
    lock = LOCK.read_text(encoding="utf-8")

    def fetch(folder: Path) -> None:
        _manifest(folder)
        shutil.copyfile(LOCK, folder / LOCK.name)
        tools.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)

    return tools.cached(f"npm-{tools.digest(lock, *VERSIONS.values())}", fetch) / "node_modules"


def lock() -> None:
    with tools.scratch() as folder:
        _manifest(folder)
        # No addresses: a lock file with them would work with one registry only.
        no_addresses = "--omit-lockfile-registry-resolved"
        tools.run("npm", "install", "--package-lock-only", no_addresses, cwd=folder)
        shutil.copyfile(folder / LOCK.name, LOCK)


def _manifest(folder: Path) -> None:
    needed = ",\n".join(f'    "{name}": "{version}"' for name, version in VERSIONS.items())
    tools.render("tools.package.json", {"needed": needed}, folder / "package.json")
