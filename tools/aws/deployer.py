"""Write the IAM policy that whoever runs `pulumi up` of an AWS zone needs, from the resource types infra/aws uses.

python -m tools.aws.deployer --account 123456789012 --region eu-central-1 --zone aws-euc1 > deployer.json

A managed policy has no room for what only some zones need, so that is a second policy: `--secrets` writes it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

import yaml

from infra.aws import regions
from tools.declared import ROOT, used

TABLE = ROOT / "infra/aws/data/deployer.yaml"
COMMITTED = ROOT / "docs/deployer/aws.json"
COMMITTED_SECRETS = ROOT / "docs/deployer/aws-secrets.json"
APART = "secretsmanager"
"""The service whose actions are a policy of their own."""
EXAMPLE = {"partition": "aws", "account": "123456789012", "region": "eu-central-1", "zone": "aws-euc1"}


def policy(names: Mapping[str, str], *, secrets: bool = False) -> dict[str, Any]:
    """The policy for one zone, or with `secrets` the one that a zone with secrets needs besides.

    `names` are the zone's partition, account, region and name.

    Raises KeyError for a type or lookup that the table does not know: write down what it needs first.
    """
    table = yaml.safe_load(TABLE.read_text())
    types, lookups = used("aws")
    actions: set[str] = set()
    for token in types:
        actions.update(table["types"][token])
    for lookup in lookups:
        actions.update(table["invokes"][lookup])
    everywhere = {action for action in actions if {action, action.split(":")[0]} & set(table["everywhere"])}
    regional = {action for action in everywhere if action.split(":")[0] in ("ec2", "kms", "logs", "cloudtrail")}
    in_region = {"StringEquals": {"aws:RequestedRegion": names["region"]}}
    statements = [
        _statement("Regional", regional, ["*"], in_region),
        _statement("Everywhere", everywhere - regional, ["*"]),
    ]
    own = table["own_role"]
    for service, resources in table["resources"].items():
        named = {action for action in actions - everywhere - {own["action"]} if action.startswith(f"{service}:")}
        if service == "iam":  # the hook that waits for the agent becomes it once: one statement, for the size
            named |= actions & {"sts:AssumeRole"}
        statements.append(_statement(service.capitalize(), named, [r.format(**names) for r in resources]))
    reading = {own["action"]} & actions
    statements.append(_statement("ReadOwnRole", reading, [own["resource"].format(**names)]))
    for handed in table["pass_role"]:
        to = {"StringEquals": {"iam:PassedToService": handed["service"]}}
        statements.append(_statement("PassRole", {"iam:PassRole"}, [handed["role"].format(**names)], to))
    if secrets:
        statements.append(_validated_key(table["validated_key"], names))
    told = {action for statement in statements for action in statement["Action"]}
    if missing := actions - told:
        raise KeyError(f"no resources are known for {', '.join(sorted(missing))}")
    chosen = [s for s in statements if s["Action"] and s["Sid"].startswith(APART.capitalize()) == secrets]
    return {"Version": "2012-10-17", "Statement": chosen}


def _validated_key(key: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """What Secrets Manager asks of whoever names the key of a secret; it decrypts no value."""
    named = {**names, "dns_suffix": regions.table()[names["region"]].dns_suffix}
    equal = {name: value.format(**named) for name, value in key["condition"].items()}
    sid = f"{APART.capitalize()}Key"
    return _statement(sid, set(key["actions"]), [key["resource"].format(**names)], {"StringEquals": equal})


def _statement(sid: str, actions: set[str], resources: list[str], condition: Any = None) -> dict[str, Any]:
    made = {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resources}
    return {**made, "Condition": condition} if condition else made


def text(names: Mapping[str, str], *, secrets: bool = False) -> str:
    """The policy as the file holds it."""
    return json.dumps(policy(names, secrets=secrets), indent=2) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in EXAMPLE.items():
        parser.add_argument(f"--{name}", default=value)
    parser.add_argument("--secrets", action="store_true", help="what a zone with secrets needs besides")
    asked = vars(parser.parse_args())
    print(text(asked, secrets=asked.pop("secrets")), end="")


if __name__ == "__main__":
    main()
