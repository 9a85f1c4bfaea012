"""How pages are read: which blocks run, which do not and why, and which commands are in them."""

from __future__ import annotations

import pytest

from tests.docs.blocks import CHECKOUT, Block, blocks

PAGE = """\
# Title

```sh
make demo     # a comment
FOO=1 localcloud run -- dispatch list -o json | grep x > file
```

<!-- not run: needs a real account -->

```bash
pulumi up --stack eu && dispatch \\
    sync --stack eu
```

1. a list
   ```console of a real account
   $ dispatch list
   output that is no command
   ```

```yaml
not: commands
```
"""


def _page() -> list[Block]:
    return blocks(CHECKOUT / "docs" / "page.md", PAGE)


def test_command_blocks_are_found_with_their_lines_and_other_languages_are_not() -> None:
    assert [block.place for block in _page()] == ["docs/page.md:3", "docs/page.md:10", "docs/page.md:16"]


def test_a_block_runs_unless_it_says_why_not() -> None:
    assert [block.reason for block in _page()] == ["", "needs a real account", "of a real account"]


def test_commands_are_cut_into_words_without_comments_redirections_and_assignments() -> None:
    first, second, third = _page()
    assert list(first.commands()) == [
        ["make", "demo"],
        ["localcloud", "run", "--", "dispatch", "list", "-o", "json"],
        ["grep", "x"],
    ]
    assert list(second.commands()) == [
        ["pulumi", "up", "--stack", "eu"],
        ["dispatch", "sync", "--stack", "eu"],
    ]
    assert list(third.commands()) == [["dispatch", "list"]]


@pytest.mark.docs
@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("dispatch submit job.yaml --dry-run -o json", ""),
        ("dispatch submti job.yaml", "no command 'submti'"),
        ("dispatch submit job.yaml --dryrun", "no option --dryrun"),
        ("dispatch submit job.yaml -- --epochs 3", ""),
        ("localcloud run -- dispatch show --nothing x", "no option --nothing"),
        ("localcloud up", ""),
        ("localcloud upp", "no command 'upp'"),
        ("pulumi up --yes --stack local", ""),
        ("pulumi stack output --json", ""),
        ("pulumi stack outputs", "no command 'outputs'"),
        ("pulumi preview --expect-nothing", "no option --expect-nothing"),
        ("make demo", ""),
        ("make demonstration", "no target demonstration"),
        ("aws s3 ls", ""),
    ],
)
def test_a_command_that_does_not_exist_is_named(command: str, problem: str) -> None:
    from tests.docs.verbs import wrong

    found = wrong(command.split())
    assert problem in found if problem else found == ""
