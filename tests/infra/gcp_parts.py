"""The parts of a zone on Google Cloud, declared without an engine, with outputs shaped as the provider's."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.gcp.audit import FlowLogs, FlowLogsArgs
from infra.gcp.identity import Identity, IdentityArgs
from infra.gcp.keys import Keys, KeysArgs
from infra.gcp.network import Network, NetworkArgs
from infra.gcp.perimeter import Perimeter, PerimeterArgs
from infra.gcp.place import Place
from infra.gcp.registry import Registry, RegistryArgs
from infra.gcp.service_agents import ServiceAgents, ServiceAgentsArgs
from infra.gcp.site import Site
from infra.gcp.storage import USES, Storage, StorageArgs
from tests.infra.recorded import Record, record

PROJECT, NUMBER = "acme-ml-eu", "112233445566"
PLACE = Place("gcp-euw4", PROJECT, "europe-west4", "1a2b3c4d", False)
CIDR = ipaddress.IPv4Network("10.64.0.0/16")
ASKED: dict[str, Any] = {
    "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": {
        "emailAddress": f"service-{NUMBER}@gs-project-accounts.iam.gserviceaccount.com"
    },
    "gcp:logging/getProjectCmekSettings:getProjectCmekSettings": {
        "serviceAccountId": f"cmek-p{NUMBER}@gcp-sa-logging.iam.gserviceaccount.com"
    },
    "gcp:organizations/getClientOpenIdUserInfo:getClientOpenIdUserInfo": {"email": "ada@example.com"},
    "gcp:kms/getKMSCryptoKey:getKMSCryptoKey": {
        "id": "projects/p/locations/l/keyRings/r/cryptoKeys/k",
        "purpose": "ENCRYPT_DECRYPT",
    },
    "gcp:storage/getBucket:getBucket": {"name": "acme-training-data", "location": "EUROPE-WEST4"},
    "gcp:artifactregistry/getRepository:getRepository": {
        "id": f"projects/{PROJECT}/locations/europe-west4/repositories/images",
        "format": "DOCKER",
        "registryUri": f"europe-west4-docker.pkg.dev/{PROJECT}/images",
    },
}


def made(type: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs that the parts read from each other."""
    at = f"projects/{PROJECT}/locations/europe-west4"
    match type.rpartition(":")[2] if type.startswith("gcp:") else "":
        case "Account":
            email = f"{inputs['accountId']}@{PROJECT}.iam.gserviceaccount.com"
            name = f"projects/{PROJECT}/serviceAccounts/{email}"
            return {"email": email, "member": f"serviceAccount:{email}", "name": name, "uniqueId": "1" * 21}
        case "IAMCustomRole":
            return {"name": f"projects/{PROJECT}/roles/{inputs['roleId']}"}
        case "ServiceIdentity":
            short = inputs["service"].partition(".")[0]
            return {"email": f"service-{NUMBER}@gcp-sa-{short}.iam.gserviceaccount.com"}
        case "KeyRing":
            return {"id": f"{at}/keyRings/made-up-name"}
        case "CryptoKey":
            return {"id": f"{inputs['keyRing']}/cryptoKeys/{inputs['name']}"}
        case "Network":
            return {"id": f"projects/{PROJECT}/global/networks/{inputs['name']}"}
        case "Subnetwork":
            return {"id": f"projects/{PROJECT}/regions/europe-west4/subnetworks/{inputs['name']}"}
        case "ProjectBucketConfig":
            return {"name": f"{at}/buckets/{inputs['bucketId']}"}
        case "Address":
            return {"address": "203.0.113.7", "selfLink": f"https://compute/{inputs['name']}"}
    return {}


@dataclass(frozen=True)
class Choices:
    """What a zone chooses of its parts; the default is a durable, private zone without a way out."""

    place: Place = PLACE
    principals: tuple[str, ...] = ("group:ml-platform@example.com",)
    custom_code: bool = False
    image_push: bool = False
    attachment: bool = True
    nat: bool = False
    bundle: Any = "vpc-sc"
    peering: str | None = None
    cut_off: bool = False
    perimeter: bool | None = None  # enforced or not; None builds none
    existing_key: str | None = None
    existing_bucket: str | None = None
    existing_registry: str | None = None


def zone(asked: dict[str, Any] | None = None, **choices: Any) -> Record:
    """Declare every part of a zone, wired as a landing wires them; `asked` are other answers to lookups."""
    chosen = replace(Choices(), **choices)

    def program() -> None:
        site = Site(chosen.place, gcp.Provider("gcp-euw4", project=PROJECT), "launchway:zones[0]")
        number = pulumi.Output.from_input(NUMBER)
        agents = ServiceAgents(
            site.name("agents"), ServiceAgentsArgs(site, number, custom_code=chosen.custom_code)
        ).members
        keys = Keys(site.name("keys"), KeysArgs(site, agents, data=chosen.existing_key))
        images = Registry(
            site.name("registry"), RegistryArgs(site, keys.registry, agents, chosen.existing_registry)
        )
        held = Storage(site.name("storage"), StorageArgs(site, keys.data, 90, {"data": chosen.existing_bucket}))
        peering = ipaddress.IPv4Network(chosen.peering) if chosen.peering else None
        network = Network(
            site.name("network"),
            NetworkArgs(
                site,
                CIDR,
                chosen.bundle,
                nat=chosen.nat,
                attachment=chosen.attachment,
                peering=peering,
                cut_off=chosen.cut_off,
            ),
        )
        identity = Identity(
            site.name("identity"),
            IdentityArgs(
                site,
                number,
                {use: getattr(held, use) for use in USES},
                images.repository,
                agents["aiplatform"],
                chosen.principals,
                image_push=chosen.image_push,
                attachment=chosen.attachment,
            ),
        )
        FlowLogs(site.name("audit"), FlowLogsArgs(site, identity.generation, network.watched, keys.logs, 365))
        if chosen.perimeter is not None:
            Perimeter(site.name("perimeter"), PerimeterArgs(site, "998877", number, chosen.perimeter))

    return record(program, made, ASKED | (asked or {}))
