"""Writes the generated pages anew: `python -m tests.docs`."""

from __future__ import annotations

from tests.docs import contract, pages

if __name__ == "__main__":
    for path, text in pages.generated(contract.read()).items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(pages.ROOT))
