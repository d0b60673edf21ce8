"""Go, by protoc-gen-go and protoc-gen-go-grpc."""

from __future__ import annotations

from typing import TYPE_CHECKING

from protos.generators import tools

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "github.com/stillframe/stillframe/generated/go"
PLUGINS = {
    "protoc-gen-go": "google.golang.org/protobuf/cmd/protoc-gen-go",
    "protoc-gen-go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc",
}
VERSIONS = tools.VERSIONS["go"]


def write(out: Path) -> None:
    plugins = [f"--plugin={plugin(name)}" for name in PLUGINS]
    tools.protoc(
        *plugins,
        f"--go_out={out}",
        f"--go_opt=module={MODULE}",
        f"--go-grpc_out={out}",
        f"--go-grpc_opt=module={MODULE}",
    )
    values = {
        "module": MODULE,
        "go": VERSIONS["go"],
        "grpc": VERSIONS["google.golang.org/grpc"],
        "protobuf": VERSIONS["protoc-gen-go"],
    }
    tools.render("go.mod", values, out / "go.mod")
    # Adds what the two requirements require, and go.sum: what they are says the module proxy's
    # checksum database, and not the day.
    tools.run("go", "mod", "tidy", cwd=out)


def plugin(name: str) -> Path:
    version = VERSIONS[name]

    def fetch(folder: Path) -> None:
        tools.run("go", "install", f"{PLUGINS[name]}@{version}", env={"GOBIN": str(folder)})

    return tools.cached(f"{name}-{version}", fetch) / name
