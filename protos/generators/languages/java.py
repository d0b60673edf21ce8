"""Java, by protoc itself and protoc-gen-grpc-java."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from protos.generators import tools

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS = tools.VERSIONS["java"]
SYSTEMS = {"Linux": "linux", "Darwin": "osx"}
MACHINES = {"x86_64": "x86_64", "aarch64": "aarch_64", "arm64": "aarch_64"}


def write(out: Path) -> None:
    sources = out / "src" / "main" / "java"
    sources.mkdir(parents=True)
    tools.protoc(
        f"--java_out={sources}",
        f"--plugin=protoc-gen-grpc-java={plugin()}",
        # Without an annotation whose package is not in the JDK.
        f"--grpc-java_out=@generated=omit:{sources}",
    )
    names = ("release", "grpc", "protobuf", "maven-compiler-plugin", "maven-resources-plugin")
    values = {name: VERSIONS[name] for name in names}
    tools.render("pom.xml", {**values, "version": tools.VERSION}, out / "pom.xml")


def plugin() -> Path:
    version = VERSIONS["grpc"]
    system = f"{SYSTEMS[platform.system()]}-{MACHINES[platform.machine()]}"
    name = f"protoc-gen-grpc-java-{version}-{system}"

    def fetch(folder: Path) -> None:
        copy = f"org.apache.maven.plugins:maven-dependency-plugin:{VERSIONS['maven-dependency-plugin']}:copy"
        artifact = f"io.grpc:protoc-gen-grpc-java:{version}:exe:{system}"
        tools.run(
            "mvn",
            "--batch-mode",
            "--quiet",
            copy,
            f"-Dartifact={artifact}",
            f"-DoutputDirectory={folder}",
            cwd=folder,
        )
        (folder / f"{name}.exe").chmod(0o755)

    return tools.cached(name, fetch) / f"{name}.exe"
