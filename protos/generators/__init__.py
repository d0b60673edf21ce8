"""Writes generated/ from the contract. versions.toml has every version."""
