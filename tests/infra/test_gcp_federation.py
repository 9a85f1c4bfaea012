"""Whose tokens may act in a zone: exact subjects and wildcards, written so that the pool reads them alike."""

from __future__ import annotations

import fnmatch
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.gcp import federation

PROVIDER = "projects/112233445566/locations/global/workloadIdentityPools/launchway-1a2b3c4d/providers/tokens"
SUBJECTS = st.text(st.sampled_from("abrepo:/-_.+()[]{}|^$\\'\"*? "), min_size=1, max_size=20)


def admits(expression: str, subject: str) -> bool:
    """Read the expression as CEL does: equal strings, or RE2 anywhere in the subject, joined by `or`."""
    for part in expression.split(" || "):
        if equal := re.fullmatch(r'assertion\.sub == (".*")', part):
            if json.loads(equal[1]) == subject:
                return True
        else:
            pattern = re.fullmatch(r'assertion\.sub\.matches\((".*")\)', part)
            assert pattern, part
            if re.search(json.loads(pattern[1]), subject):
                return True
    return False


def test_a_subject_is_compared_and_a_wildcard_matched_from_end_to_end() -> None:
    told = federation.condition(("repo:acme/train:ref:refs/heads/main", "repo:acme/b.c:*"))
    assert admits(told, "repo:acme/train:ref:refs/heads/main")
    assert admits(told, "repo:acme/b.c:pull_request")
    assert not admits(told, "repo:acme/train:ref:refs/heads/main2")
    assert not admits(told, "repo:acme/bxc:pull_request")
    assert not admits(told, "evil repo:acme/b.c:x")


@given(SUBJECTS.filter(lambda text: " || " not in text), SUBJECTS)
def test_the_condition_admits_what_the_wildcards_say_and_nothing_else(wanted: str, subject: str) -> None:
    expected = fnmatch.fnmatchcase(subject, wanted.replace("[", "[[]"))
    assert admits(federation.condition((wanted,)), subject) == expected


def test_each_zone_has_an_attribute_of_its_own() -> None:
    made = federation.mapping({"gcp-euw4": ("a",), "gcp-usc1": ("b",)})
    assert made["google.subject"] == "assertion.sub"
    assert made["attribute.zone_gcp_euw4"] == '(assertion.sub == "a") ? "yes" : "no"'
    assert made["attribute.zone_gcp_usc1"] == '(assertion.sub == "b") ? "yes" : "no"'


@pytest.mark.parametrize("own", [True, False])
def test_members_name_the_pool_by_its_full_name(own: bool) -> None:
    [member] = federation.members(PROVIDER, "gcp-euw4", ("repo:acme/train:x",), own)
    kind, rest = (
        ("principalSet", "attribute.zone_gcp_euw4/yes") if own else ("principal", "subject/repo:acme/train:x")
    )
    pool = PROVIDER.removesuffix("/providers/tokens")
    assert member == f"{kind}://iam.googleapis.com/{pool}/{rest}"
