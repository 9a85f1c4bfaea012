"""Checkov's opinion of what every stack declares, read off the state that the real engine exports."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future

import pytest

from localcloud.azure import types
from tests.engine.checkov import arm, declared
from tests.engine.checkov.accepted import findings, unused
from tests.engine.checkov.judge import Verdict, judge
from tests.engine.life import Life
from tests.engine.project import stacks

pytestmark = [pytest.mark.engine, pytest.mark.oracle]

# Checks that must have had something to look at in stack `local`: a judge who sees nothing complains of nothing.
SEEN = {
    "aws": {"CKV_AWS_7", "CKV_AWS_21", "CKV_AWS_51", "CKV_AWS_136", "CKV_AWS_145", "CKV_AWS_158", "CKV2_AWS_6"},
    "azure": {
        *("CKV_AZURE_35", "CKV_AZURE_40", "CKV_AZURE_44", "CKV_AZURE_59", "CKV_AZURE_109", "CKV_AZURE_110"),
        *("CKV_AZURE_137", "CKV_AZURE_138", "CKV_AZURE_139", "CKV_AZURE_189", "CKV2_AZURE_49"),
    },
    "gcp": {"CKV_GCP_26", "CKV_GCP_29", "CKV_GCP_43", "CKV_GCP_74", "CKV_GCP_78", "CKV_GCP_84", "CKV_GCP_114"},
}


@pytest.fixture(scope="session")
def verdicts(
    lives: Mapping[str, Future[Life]], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[tuple[str, str], Verdict]:
    """What Checkov says of each stack, by (stack, cloud)."""
    found: dict[tuple[str, str], Verdict] = {}
    for stack in stacks():
        life = lives[stack].result()
        life.step("up")
        for cloud in declared.clouds(life.state):
            document = declared.document(life.state, cloud)
            found[stack, cloud] = judge(document, tmp_path_factory.mktemp("checkov") / cloud)
    return found


@pytest.mark.parametrize("stack", stacks())
def test_every_finding_of_checkov_is_accepted_with_a_reason(
    verdicts: Mapping[tuple[str, str], Verdict], stack: str
) -> None:
    judged = {cloud: verdict for (name, cloud), verdict in verdicts.items() if name == stack}
    assert judged
    assert {cloud: found for cloud, verdict in judged.items() if (found := findings(verdict))} == {}


@pytest.mark.parametrize("cloud", SEEN)
def test_checkov_has_looked_at_what_matters(verdicts: Mapping[tuple[str, str], Verdict], cloud: str) -> None:
    assert SEEN[cloud] - verdicts["local", cloud].checks == set()


@pytest.mark.parametrize("stack", stacks())
def test_every_declared_resource_of_azure_keeps_to_microsofts_own_types(
    lives: Mapping[str, Future[Life]], stack: str
) -> None:
    life = lives[stack].result()
    life.step("up")
    wrong: dict[str, list[str]] = {}
    for one in arm.document(life.state)["resources"]:
        kind = types.find(one["type"])
        problems = kind.check(one) if kind else ["nothing is known of this type"]
        if problems:
            wrong[f"{one['type']} {one['name']}"] = [str(problem) for problem in problems]
    assert wrong == {}


def test_no_accepted_finding_is_stale(verdicts: Mapping[tuple[str, str], Verdict]) -> None:
    assert unused(verdicts.values()) == []
