"""Which node this is: the same variables from what each cloud leaves in a container."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dispatcher.runtime import cluster
from dispatcher.runtime.fault import Fault


def sagemaker(folder: Path, hosts: list[str], current: str) -> dict[str, str]:
    (folder / "resourceconfig.json").write_text(json.dumps({"current_host": current, "hosts": hosts}))
    return {"SM_INPUT_CONFIG_DIR": str(folder), "DISPATCH_NODES": str(len(hosts)), "MASTER_PORT": "29400"}


def vertex(pools: dict[str, int], task: tuple[str, int]) -> dict[str, str]:
    addresses = {pool: [f"cmle-{pool}-ab-{n}:2222" for n in range(count)] for pool, count in pools.items()}
    document = {"cluster": addresses, "environment": "cloud", "task": {"type": task[0], "index": task[1]}}
    return {"CLUSTER_SPEC": json.dumps(document), "MASTER_PORT": "29400"}


def azure(nodes: int, **more: str) -> dict[str, str]:
    return {"AZUREML_RUN_ID": "run", "AZUREML_NODE_COUNT": str(nodes), **more}


PYTORCH = {"NODE_RANK": "1", "MASTER_ADDR": "10.0.0.4", "MASTER_PORT": "6105", "WORLD_SIZE": "2", "RANK": "1"}
MPI = {
    "OMPI_COMM_WORLD_RANK": "1",
    "OMPI_COMM_WORLD_SIZE": "2",
    "AZ_BATCH_MASTER_NODE": "10.0.0.4:6105",
    "MASTER_PORT": "29400",
}
TF = {
    "cluster": {"worker": ["10.0.0.4:2222", "10.0.0.5:2222"]},
    "task": {"type": "worker", "index": 1},
}


def test_two_nodes_are_told_alike_on_every_cloud(tmp_path: Path) -> None:
    places = {
        "algo-1:29400": sagemaker(tmp_path, ["algo-2", "algo-1"], "algo-2"),
        "cmle-workerpool0-ab-0:2222": vertex({"workerpool0": 1, "workerpool1": 1}, ("workerpool1", 0)),
        "10.0.0.4:6105": azure(2, **PYTORCH),
        "10.0.0.4:29400": azure(2, **MPI),
        "10.0.0.4:2222": azure(2, TF_CONFIG=json.dumps(TF)),
        "first:1": {"DISPATCH_NODES": "2", "DISPATCH_NODE_RANK": "1", "MASTER_ADDR": "first", "MASTER_PORT": "1"},
    }
    for meeting, environ in places.items():
        host, _, port = meeting.partition(":")
        assert cluster.find(environ).variables() == {
            "DISPATCH_NODES": "2",
            "DISPATCH_NODE_RANK": "1",
            "NODE_RANK": "1",
            "RANK": "1",
            "WORLD_SIZE": "2",
            "MASTER_ADDR": host,
            "MASTER_PORT": port,
        }


def test_a_single_node_is_told_alike_on_every_cloud(tmp_path: Path) -> None:
    alone = {"DISPATCH_NODES": "1", "MASTER_PORT": "29400"}
    for environ in (
        {},
        alone,
        sagemaker(tmp_path, ["algo-1"], "algo-1"),
        vertex({"workerpool0": 1}, ("workerpool0", 0)),
        azure(1, **alone),
    ):
        found = cluster.find(environ)
        assert (found.rank, found.nodes, found.host, found.port) == (0, 1, "127.0.0.1", 29400)
        assert (found.variables()["RANK"], found.variables()["WORLD_SIZE"]) == ("0", "1")


def test_torchrun_is_told_of_several_nodes_unless_the_job_tells_it_itself() -> None:
    several = azure(2, **PYTORCH)
    assert cluster.find(several).torchrun() == {
        "PET_NNODES": "2",
        "PET_NODE_RANK": "1",
        "PET_MASTER_ADDR": "10.0.0.4",
        "PET_MASTER_PORT": "6105",
    }
    assert cluster.find({}).torchrun() == {}, "alone it needs no address, and would only collide on the port"
    own = cluster.find(several).environment({"PET_NNODES": "1:2", "NODE_RANK": "7"})
    assert (own["PET_NNODES"], own["PET_NODE_RANK"], own["NODE_RANK"]) == ("1:2", "1", "1")


def test_ranks_follow_the_numbers_of_hosts_and_pools_not_their_letters(tmp_path: Path) -> None:
    hosts = [f"algo-{n}" for n in range(1, 12)]
    assert cluster.find(sagemaker(tmp_path, sorted(hosts), "algo-10")).rank == 9
    pools = {"workerpool0": 1, "workerpool1": 11, "workerpool2": 2}
    assert cluster.find(vertex(pools, ("workerpool1", 10))).rank == 11
    assert cluster.find(vertex(pools, ("workerpool2", 1))).rank == 13


def test_the_world_of_several_processes_on_each_node_is_left_as_the_cloud_counts_it() -> None:
    for processes in (
        {**PYTORCH, "NODE_RANK": "1", "WORLD_SIZE": "8"},
        {**MPI, "OMPI_COMM_WORLD_RANK": "7", "OMPI_COMM_WORLD_SIZE": "8"},
    ):
        found = cluster.find(azure(2, **processes))
        assert (found.rank, found.nodes) == (1, 2)
        assert not {"RANK", "WORLD_SIZE"} & found.variables().keys()
        assert found.torchrun() == {}
    assert "WORLD_SIZE" not in cluster.find(azure(1, **{**PYTORCH, "WORLD_SIZE": "4"})).variables()


def test_a_node_that_cannot_tell_which_it_is_does_not_start() -> None:
    with pytest.raises(Fault, match="the job has 2 nodes, and nothing in this container says which"):
        cluster.find({"DISPATCH_NODES": "2"})
    with pytest.raises(Fault, match="the job has 2 nodes"):
        cluster.find({"DISPATCH_NODES": "2", "DISPATCH_NODE_RANK": "1"})  # where to meet it does not know


@pytest.mark.parametrize(
    "broken",
    [
        {"CLUSTER_SPEC": "{"},
        {"CLUSTER_SPEC": "[]"},
        vertex({"workerpool0": 1}, ("workerpool1", 0)),
        azure(2, **{**PYTORCH, "NODE_RANK": "2"}),
        azure(2, **{**PYTORCH, "MASTER_PORT": "http"}),
        {"DISPATCH_NODES": "two", "DISPATCH_NODE_RANK": "0"},
    ],
)
def test_what_does_not_add_up_is_said_with_its_source(broken: dict[str, str]) -> None:
    with pytest.raises(Fault, match="does not say which node this is"):
        cluster.find(broken)


def test_a_host_that_is_not_among_the_hosts_is_said(tmp_path: Path) -> None:
    with pytest.raises(Fault, match=r"resourceconfig.json does not say which node this is"):
        cluster.find(sagemaker(tmp_path, ["algo-1"], "algo-9"))
