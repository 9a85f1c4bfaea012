"""Security groups, the emptied default group, and rules as resources of their own."""

from __future__ import annotations

from typing import Any

from localcloud.plugin.aws.handlers.network import COMMON, filters, one, retag, single, tagged
from localcloud.plugin.aws.resource import asked, given, tags
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Invoke, Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

GONE = ("InvalidGroup.NotFound", "InvalidSecurityGroupRuleId.NotFound", "InvalidPermission.NotFound")
PORTLESS = ("-1", "all")


def _group(aws: Aws, id: str) -> dict[str, Any] | None:
    return one(aws, "describe_security_groups", "SecurityGroups", GONE[0], GroupIds=[id])


def create_group(aws: Aws, inputs: Properties) -> str:
    client = aws.client("ec2")
    if inputs.get("ingress") or inputs.get("egress"):
        raise ProviderError(
            "ingress, egress: the stand-in plugin does not serve them; use aws.vpc.SecurityGroupIngressRule"
        )
    made = client.create_security_group(
        **given(GroupName=inputs["name"], Description=inputs.get("description"), VpcId=inputs.get("vpcId")),
        **tagged("security-group", inputs),
    )["GroupId"]
    _empty(aws, made)  # EC2 lets everything out of a new group; the provider takes that away
    return str(made)


def _empty(aws: Aws, id: str) -> None:
    client = aws.client("ec2")
    group = _group(aws, id) or {}
    if group.get("IpPermissions"):
        client.revoke_security_group_ingress(GroupId=id, IpPermissions=group["IpPermissions"])
    if group.get("IpPermissionsEgress"):
        client.revoke_security_group_egress(GroupId=id, IpPermissions=group["IpPermissionsEgress"])


def read_group(aws: Aws, id: str, known: Properties) -> Properties | None:
    group = _group(aws, id)
    if group is None:
        return None
    return {
        "arn": aws.arn("ec2", f"security-group/{id}"),
        "description": group["Description"],
        "egress": [_rule(each, id) for each in group["IpPermissionsEgress"]],
        "ingress": [_rule(each, id) for each in group["IpPermissions"]],
        "name": group["GroupName"],
        "namePrefix": "",
        "ownerId": group["OwnerId"],
        "revokeRulesOnDelete": bool(known.get("revokeRulesOnDelete")),
        "tags": tags(group.get("Tags")),
        "vpcId": group.get("VpcId", ""),
    }


def _rule(found: dict[str, Any], own: str) -> Properties:
    others = [pair["GroupId"] for pair in found.get("UserIdGroupPairs", [])]
    described = [
        each.get("Description", "")
        for key in ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs")
        for each in found.get(key, [])
    ]
    return {
        "cidrBlocks": [each["CidrIp"] for each in found.get("IpRanges", [])],
        "description": next((text for text in described if text), ""),
        "fromPort": found.get("FromPort", 0),
        "ipv6CidrBlocks": [each["CidrIpv6"] for each in found.get("Ipv6Ranges", [])],
        "prefixListIds": [each["PrefixListId"] for each in found.get("PrefixListIds", [])],
        "protocol": found["IpProtocol"],
        "securityGroups": [other for other in others if other != own],
        "self": own in others,
        "toPort": found.get("ToPort", 0),
    }


def delete_group(aws: Aws, id: str, state: Properties) -> None:
    if state.get("revokeRulesOnDelete"):
        _empty(aws, id)
    asked(lambda: aws.client("ec2").delete_security_group(GroupId=id), *GONE)


def adopt_default(aws: Aws, inputs: Properties) -> str:
    """The default group of a VPC is taken over, not made; it loses its rules and gets those of the inputs."""
    client = aws.client("ec2")
    wanted = [{"Name": "vpc-id", "Values": [inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    found = client.describe_security_groups(Filters=wanted)["SecurityGroups"]
    id = str(single(found, "EC2 Default Security Group")["GroupId"])
    _refill(aws, id, inputs)
    retag(aws, id, {}, inputs, frozenset({"tags"}))
    return id


def update_default(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    if names & {"ingress", "egress"}:
        _refill(aws, id, new)
    retag(aws, id, old, new, names)


def _refill(aws: Aws, id: str, inputs: Properties) -> None:
    _empty(aws, id)
    for kind in ("ingress", "egress"):
        if rules := inputs.get(kind):
            call = getattr(aws.client("ec2"), f"authorize_security_group_{kind}")
            call(GroupId=id, IpPermissions=[_inline(rule, id) for rule in rules])


def _inline(rule: Properties, own: str) -> dict[str, Any]:
    """A rule of the group's own `ingress` or `egress`, as EC2 takes it; `_rule` reads it back."""
    text = given(Description=rule.get("description"))
    groups = [*(rule.get("securityGroups") or ()), *([own] if rule.get("self") else ())]
    return given(
        IpProtocol=rule["protocol"],
        FromPort=int(rule["fromPort"]),
        ToPort=int(rule["toPort"]),
        IpRanges=[{"CidrIp": block} | text for block in rule.get("cidrBlocks") or ()],
        Ipv6Ranges=[{"CidrIpv6": block} | text for block in rule.get("ipv6CidrBlocks") or ()],
        PrefixListIds=[{"PrefixListId": found} | text for found in rule.get("prefixListIds") or ()],
        UserIdGroupPairs=[{"GroupId": group} | text for group in groups],
    )


def read_default(aws: Aws, id: str, known: Properties) -> Properties | None:
    found = read_group(aws, id, known)
    return found if found is None or found["name"] == "default" else None


def leave_default(aws: Aws, id: str, state: Properties) -> None:
    """Nothing: EC2 keeps the group as long as its VPC, and the provider leaves it as it is."""


def create_rule(kind: str) -> Any:
    def create(aws: Aws, inputs: Properties) -> str:
        call = getattr(aws.client("ec2"), f"authorize_security_group_{kind}")
        arguments = {"GroupId": inputs["securityGroupId"], "IpPermissions": [_permission(inputs)]}
        return str(
            call(**arguments, **tagged("security-group-rule", inputs))["SecurityGroupRules"][0][
                "SecurityGroupRuleId"
            ]
        )

    return create


def _permission(inputs: Properties) -> dict[str, Any]:
    inputs = plain_protocol(inputs)
    text = given(Description=inputs.get("description"))
    out: dict[str, Any] = {"IpProtocol": inputs["ipProtocol"]}
    if inputs["ipProtocol"] not in PORTLESS:
        out |= given(FromPort=inputs.get("fromPort"), ToPort=inputs.get("toPort"))
    if inputs.get("cidrIpv4"):
        out["IpRanges"] = [{"CidrIp": inputs["cidrIpv4"], **text}]
    if inputs.get("cidrIpv6"):
        out["Ipv6Ranges"] = [{"CidrIpv6": inputs["cidrIpv6"], **text}]
    if inputs.get("prefixListId"):
        out["PrefixListIds"] = [{"PrefixListId": inputs["prefixListId"], **text}]
    if inputs.get("referencedSecurityGroupId"):
        out["UserIdGroupPairs"] = [{"GroupId": inputs["referencedSecurityGroupId"], **text}]
    return out


def read_rule(aws: Aws, id: str, known: Properties) -> Properties | None:
    found = one(aws, "describe_security_group_rules", "SecurityGroupRules", GONE[1], SecurityGroupRuleIds=[id])
    if found is None:
        return None
    portless = found["IpProtocol"] in PORTLESS
    return {
        "arn": aws.arn("ec2", f"security-group-rule/{id}"),
        "cidrIpv4": found.get("CidrIpv4"),
        "cidrIpv6": found.get("CidrIpv6"),
        "description": found.get("Description") or None,
        "fromPort": None if portless else found.get("FromPort"),
        "ipProtocol": found["IpProtocol"],
        "prefixListId": found.get("PrefixListId"),
        "referencedSecurityGroupId": found.get("ReferencedGroupInfo", {}).get("GroupId"),
        "securityGroupId": found["GroupId"],
        "securityGroupRuleId": id,
        "tags": tags(found.get("Tags")),
        "toPort": None if portless else found.get("ToPort"),
    }


def update_rule(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    if names - {"tags"}:
        rule = given(
            IpProtocol=new["ipProtocol"],
            FromPort=new.get("fromPort"),
            ToPort=new.get("toPort"),
            CidrIpv4=new.get("cidrIpv4"),
            CidrIpv6=new.get("cidrIpv6"),
            PrefixListId=new.get("prefixListId"),
            ReferencedGroupId=new.get("referencedSecurityGroupId"),
            Description=new.get("description"),
        )
        changed = [{"SecurityGroupRuleId": id, "SecurityGroupRule": rule}]
        aws.client("ec2").modify_security_group_rules(GroupId=new["securityGroupId"], SecurityGroupRules=changed)
    retag(aws, id, old, new, names)


def delete_rule(kind: str) -> Any:
    def delete(aws: Aws, id: str, state: Properties) -> None:
        call = getattr(aws.client("ec2"), f"revoke_security_group_{kind}")
        asked(lambda: call(GroupId=state["securityGroupId"], SecurityGroupRuleIds=[id]), *GONE)

    return delete


def plain_protocol(inputs: Properties) -> Properties:
    """EC2 knows all protocols as -1 and the common ones by name; the ports of -1 mean nothing."""
    names = {"all": "-1", "6": "tcp", "17": "udp", "1": "icmp"}
    protocol = inputs.get("ipProtocol")
    return inputs | {"ipProtocol": names.get(protocol, protocol)} if isinstance(protocol, str) else inputs


def get_group(aws: Aws, arguments: Properties) -> Properties:
    wanted = filters(arguments, {"name": "group-name", "vpcId": "vpc-id"})
    ids = [arguments["id"]] if arguments.get("id") else None
    call = asked(lambda: aws.client("ec2").describe_security_groups(**given(GroupIds=ids, Filters=wanted)), *GONE)
    group = single((call or {}).get("SecurityGroups", []), "EC2 Security Group")
    return {
        "id": group["GroupId"],
        "arn": aws.arn("ec2", f"security-group/{group['GroupId']}"),
        "description": group["Description"],
        "filters": arguments.get("filters"),
        "name": group["GroupName"],
        "region": aws.region,
        "tags": tags(group.get("Tags")),
        "vpcId": group["VpcId"],
    }


RESOURCES = {
    "aws:ec2/securityGroup:SecurityGroup": Resource(
        "Security Group", create_group, read_group, retag, delete_group
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Resource(
        "EC2 Default Security Group", adopt_default, read_default, update_default, leave_default
    ),
    **{
        f"aws:vpc/securityGroup{kind.title()}Rule:SecurityGroup{kind.title()}Rule": Resource(
            f"VPC Security Group {kind.title()} Rule",
            create_rule(kind), read_rule, update_rule, delete_rule(kind), normal=plain_protocol,
        )
        for kind in ("ingress", "egress")
    },
}  # fmt: skip
INVOKES = {"aws:ec2/getSecurityGroup:getSecurityGroup": Invoke(COMMON | {"name", "vpcId"}, get_group)}
