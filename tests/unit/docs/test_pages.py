"""The docs: those that are generated are up to date, and no link leads nowhere."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from stillframe.v1 import error_pb2
from tests.docs import contract, errors, pages
from tests.docs.markdown import Links, anchor, table

if TYPE_CHECKING:
    from pathlib import Path

READ = [
    pages.ROOT / "README.md",
    pages.ROOT / "CONTRIBUTING.md",
    *sorted((pages.ROOT / "docs").glob("*.md")),
]


@pytest.fixture(scope="module", name="generated")
def _generated() -> dict[Path, str]:
    return pages.generated(contract.read())


def relative(page: Path) -> str:
    return str(page.relative_to(pages.ROOT))


def anchors(page: Path) -> set[str]:
    """What a link into the page can name, as GitHub counts headings of the same text."""
    found: Counter[str] = Counter()
    names: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        name = anchor(heading)
        names.add(f"{name}-{found[name]}" if found[name] else name)
        found[name] += 1
    return names


def links(page: Path) -> list[str]:
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    return re.findall(r"\]\(([^)\s]+)\)", text)


def test_the_generated_pages_are_up_to_date(generated: dict[Path, str]) -> None:
    for page, text in generated.items():
        # Not an assertion over both texts, whose difference pytest would take minutes to show.
        if page.read_text(encoding="utf-8") != text:
            pytest.fail(f"{relative(page)} is not what the contract says: run `make docs`")


@pytest.mark.parametrize("page", READ, ids=relative)
def test_no_link_leads_nowhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"https?:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if fragment:
            assert fragment in anchors(target), link


def test_every_part_of_the_contract_is_in_the_reference(generated: dict[Path, str]) -> None:
    service, memory, nouns, _ = contract.read()
    text = generated[pages.ROOT / "docs" / "reference.md"]
    parts = (
        *(*service.rpcs(), *service.types()),
        *(*memory.rpcs(), *memory.types()),
        *nouns.types(),
    )
    names = [each.name for each in parts]
    assert re.findall(r"^### (.*)$", text, re.MULTILINE) == names
    for each in (*service.types(), *memory.types(), *nouns.types()):
        section = text.split(f"\n### {each.name}\n")[1].split("\n#")[0]
        for field in each.descriptor.field if isinstance(each, contract.Message) else ():
            assert f"`{field.name}` | {field.number} |" in section


def test_every_reason_has_its_section_and_its_advice(generated: dict[Path, str]) -> None:
    text = generated[pages.ROOT / "docs" / "errors.md"]
    reasons = [
        name.removeprefix("ERROR_REASON_")
        for name, number in error_pb2.ErrorReason.items()
        if number
    ]
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == reasons
    assert list(errors.ADVICE) == reasons


def test_the_keys_of_a_reason(generated: dict[Path, str]) -> None:
    text = generated[pages.ROOT / "docs" / "errors.md"]
    fenced = text.split("\n## FENCED\n")[1].split("\n## ")[0]
    assert (
        "- **Metadata:** `execution_id`, `writer_epoch` (absent when unset), `writer_epoch_floor`."
    ) in fenced
    assert "**FAILED_PRECONDITION.** Another engine has claimed the execution;" in fenced
    assert "`FencedError` (a kind of `FailedPreconditionError`)\n" in fenced
    assert "[DeleteSnapshots](reference.md#deletesnapshots)" in fenced
    assert fenced.rstrip().endswith("exits with 5")
    busy = text.split("\n## SERVER_BUSY\n")[1].split("\n## ")[0]
    assert "retried by itself" in busy
    assert "**From:** every RPC" in busy


def test_what_every_rpc_can_answer(generated: dict[Path, str]) -> None:
    text = generated[pages.ROOT / "docs" / "errors.md"]
    sections = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    # A reason that the comment of no RPC names would stand here by mistake.
    assert [each.split("\n")[0] for each in sections if "**From:** every RPC" in each] == [
        *("RATE_LIMITED", "SERVER_BUSY", "CREDENTIALS_REQUIRED", "CREDENTIALS_INVALID"),
        *("TENANT_DENIED", "SCOPE_DENIED", "STORE_UNAVAILABLE", "SHUTTING_DOWN"),
        *("INTERNAL", "UNIMPLEMENTED"),
    ]


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("SaveSnapshot", "savesnapshot"),
        ("ETAG_MISMATCH", "etag_mismatch"),
        ("Claims, and being fenced", "claims-and-being-fenced"),
    ],
)
def test_anchors_are_githubs(heading: str, expected: str) -> None:
    assert anchor(heading) == expected


def test_a_comment_becomes_paragraphs_and_lists() -> None:
    comment = (
        "Saves a Thing, or\nsome_field of `Thing`, < 3.\n"
        "\n - one\n   goes on\n - two\n"
        "\nNOT_FOUND: GONE.\nABORTED: when\n  it is late.\n"
    )
    assert list(Links({"Thing": "#thing", "GONE": "e#gone"}).paragraphs(comment)) == [
        "Saves a [Thing](#thing), or `some_field` of `Thing`, &lt; 3.",
        "- one goes on\n- two",
        "- NOT_FOUND: [GONE](e#gone).\n- ABORTED: when it is late.",
    ]
    assert list(Links({"Thing": "#thing"}).paragraphs("A Thing.", but="Thing")) == ["A Thing."]


def test_a_table_escapes_what_would_end_a_cell() -> None:
    assert table(["a", "b"], [["x|y", ""]]) == "| a | b |\n| --- | --- |\n| x\\|y |  |"
