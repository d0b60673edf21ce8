"""Reads YAML that is data: nothing but JSON's types, and no slip unnoticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path


class DataError(ValueError):
    """A file is not written as the README says."""


class _Loader(yaml.SafeLoader):
    """YAML whose scalars are those of JSON, and whose keys are text, and not given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if len(set(keys)) != len(keys):
            raise DataError(f"a key is given twice{node.start_mark}")
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:merge":
                # `null` is a kind of value.
                key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if not each[0].endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(path: Path) -> Any:
    with path.open(encoding="utf-8") as file:
        return yaml.load(file, _Loader)
