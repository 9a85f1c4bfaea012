"""IAM roles, managed policies, attachments and OIDC providers."""

from __future__ import annotations

import urllib.parse
from typing import Any

from localcloud.plugin.aws.resource import asked, document, given, pairs, tag_changes, tags
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Invoke, Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

GONE = "NoSuchEntity"


def _policy_text(value: Any) -> str | None:
    """A policy document as boto3 gives it (parsed) or as it travels (quoted)."""
    import json

    return document(urllib.parse.unquote(value) if isinstance(value, str) else json.dumps(value))


def create_role(aws: Aws, inputs: Properties) -> str:
    client = aws.client("iam")
    for refused in ("inlinePolicies", "managedPolicyArns", "namePrefix"):
        if inputs.get(refused):
            raise ProviderError(
                f"{refused}: the stand-in plugin does not serve it; use a Policy and RolePolicyAttachment"
            )
    client.create_role(
        **given(
            RoleName=inputs["name"],
            AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
            Path=inputs.get("path"),
            Description=inputs.get("description"),
            MaxSessionDuration=inputs.get("maxSessionDuration"),
            PermissionsBoundary=inputs.get("permissionsBoundary"),
            Tags=pairs(inputs.get("tags")),
        )
    )
    return str(inputs["name"])


def read_role(aws: Aws, id: str, known: Properties) -> Properties | None:
    client = aws.client("iam")
    answer = asked(lambda: client.get_role(RoleName=id), GONE)
    if answer is None:
        return None
    role = answer["Role"]
    attached = client.list_attached_role_policies(RoleName=id)["AttachedPolicies"]
    return {
        "arn": role["Arn"],
        "assumeRolePolicy": _policy_text(role["AssumeRolePolicyDocument"]),
        "createDate": role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "description": role.get("Description", ""),
        "inlinePolicies": [],
        "managedPolicyArns": sorted(policy["PolicyArn"] for policy in attached),
        "maxSessionDuration": role["MaxSessionDuration"],
        "name": role["RoleName"],
        "namePrefix": "",
        "path": role["Path"],
        "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
        "uniqueId": role["RoleId"],
        "tags": tags(role.get("Tags")),
    }


def update_role(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    client = aws.client("iam")
    if "assumeRolePolicy" in names:
        client.update_assume_role_policy(RoleName=id, PolicyDocument=new["assumeRolePolicy"])
    if names & {"description", "maxSessionDuration"}:
        client.update_role(
            RoleName=id,
            Description=new.get("description", ""),
            MaxSessionDuration=new.get("maxSessionDuration", 3600),
        )
    if "permissionsBoundary" in names:
        if new.get("permissionsBoundary"):
            client.put_role_permissions_boundary(RoleName=id, PermissionsBoundary=new["permissionsBoundary"])
        else:
            client.delete_role_permissions_boundary(RoleName=id)
    if "tags" in names:
        removed, added = tag_changes(old, new)
        if removed:
            client.untag_role(RoleName=id, TagKeys=removed)
        if added:
            client.tag_role(RoleName=id, Tags=pairs(added))


def delete_role(aws: Aws, id: str, state: Properties) -> None:
    client = aws.client("iam")
    if state.get("forceDetachPolicies"):
        for policy in (asked(lambda: client.list_attached_role_policies(RoleName=id), GONE) or {}).get(
            "AttachedPolicies", []
        ):
            client.detach_role_policy(RoleName=id, PolicyArn=policy["PolicyArn"])
        for name in (asked(lambda: client.list_role_policies(RoleName=id), GONE) or {}).get("PolicyNames", []):
            client.delete_role_policy(RoleName=id, PolicyName=name)
    asked(lambda: client.delete_role(RoleName=id), GONE)


def create_policy(aws: Aws, inputs: Properties) -> str:
    made = aws.client("iam").create_policy(
        **given(
            PolicyName=inputs["name"],
            PolicyDocument=inputs["policy"],
            Path=inputs.get("path"),
            Description=inputs.get("description"),
            Tags=pairs(inputs.get("tags")),
        )
    )
    return str(made["Policy"]["Arn"])


def read_policy(aws: Aws, id: str, known: Properties) -> Properties | None:
    client = aws.client("iam")
    answer = asked(lambda: client.get_policy(PolicyArn=id), GONE)
    if answer is None:
        return None
    policy = answer["Policy"]
    version = client.get_policy_version(PolicyArn=id, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    return {
        "arn": policy["Arn"],
        "attachmentCount": policy["AttachmentCount"],
        "description": policy.get("Description", ""),
        "name": policy["PolicyName"],
        "namePrefix": "",
        "path": policy["Path"],
        "policy": _policy_text(version["Document"]),
        "policyId": policy["PolicyId"],
        "tags": tags(client.list_policy_tags(PolicyArn=id)["Tags"]),
    }


def update_policy(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    client = aws.client("iam")
    if "policy" in names:
        versions = client.list_policy_versions(PolicyArn=id)["Versions"]
        spare = [version for version in versions if not version["IsDefaultVersion"]]
        if len(versions) >= 5:  # IAM keeps at most five; the provider drops the oldest
            client.delete_policy_version(
                PolicyArn=id, VersionId=min(spare, key=lambda v: v["CreateDate"])["VersionId"]
            )
        client.create_policy_version(PolicyArn=id, PolicyDocument=new["policy"], SetAsDefault=True)
    if "tags" in names:
        removed, added = tag_changes(old, new)
        if removed:
            client.untag_policy(PolicyArn=id, TagKeys=removed)
        if added:
            client.tag_policy(PolicyArn=id, Tags=pairs(added))


def delete_policy(aws: Aws, id: str, state: Properties) -> None:
    client = aws.client("iam")
    for version in (asked(lambda: client.list_policy_versions(PolicyArn=id), GONE) or {}).get("Versions", []):
        if not version["IsDefaultVersion"]:
            client.delete_policy_version(PolicyArn=id, VersionId=version["VersionId"])
    asked(lambda: client.delete_policy(PolicyArn=id), GONE)


def create_attachment(aws: Aws, inputs: Properties) -> str:
    aws.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return f"{inputs['role']}/{inputs['policyArn']}"


def read_attachment(aws: Aws, id: str, known: Properties) -> Properties | None:
    role, _, policy = id.partition("/")
    answer = asked(lambda: aws.client("iam").list_attached_role_policies(RoleName=role), GONE)
    found = answer and any(one["PolicyArn"] == policy for one in answer["AttachedPolicies"])
    return {"role": role, "policyArn": policy} if found else None


def delete_attachment(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("iam").detach_role_policy(RoleName=state["role"], PolicyArn=state["policyArn"]), GONE)


def never(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    """For types whose every property replaces."""


def create_oidc(aws: Aws, inputs: Properties) -> str:
    made = aws.client("iam").create_open_id_connect_provider(
        **given(
            Url=inputs["url"],
            ClientIDList=inputs["clientIdLists"],
            ThumbprintList=inputs.get("thumbprintLists"),
            Tags=pairs(inputs.get("tags")),
        )
    )
    return str(made["OpenIDConnectProviderArn"])


def read_oidc(aws: Aws, id: str, known: Properties) -> Properties | None:
    answer = asked(lambda: aws.client("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=id), GONE)
    if answer is None:
        return None
    return {
        "arn": id,
        "clientIdLists": answer["ClientIDList"],
        "thumbprintLists": answer["ThumbprintList"],
        "url": answer["Url"].removeprefix("https://"),
        "tags": tags(answer.get("Tags")),
    }


def update_oidc(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    client = aws.client("iam")
    if "thumbprintLists" in names and new.get("thumbprintLists"):
        client.update_open_id_connect_provider_thumbprint(
            OpenIDConnectProviderArn=id, ThumbprintList=new["thumbprintLists"]
        )
    if "clientIdLists" in names:
        before, after = set(old.get("clientIdLists") or ()), set(new["clientIdLists"])
        for client_id in sorted(after - before):
            client.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=id, ClientID=client_id)
        for client_id in sorted(before - after):
            client.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=id, ClientID=client_id)
    if "tags" in names:
        removed, added = tag_changes(old, new)
        if removed:
            client.untag_open_id_connect_provider(OpenIDConnectProviderArn=id, TagKeys=removed)
        if added:
            client.tag_open_id_connect_provider(OpenIDConnectProviderArn=id, Tags=pairs(added))


def delete_oidc(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=id), GONE)


def bare_url(inputs: Properties) -> Properties:
    """IAM gives the issuer back without its scheme, and the provider sees no difference in that."""
    url = inputs.get("url")
    return inputs | {"url": url.removeprefix("https://")} if isinstance(url, str) else inputs


def get_oidc(aws: Aws, arguments: Properties) -> Properties:
    arn = arguments.get("arn")
    if not arn:
        bare = arguments["url"].removeprefix("https://")
        listed = aws.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
        arn = next((one["Arn"] for one in listed if one["Arn"].endswith(f"oidc-provider/{bare}")), None)
    found = read_oidc(aws, arn, {}) if arn else None
    if found is None:
        raise ProviderError(
            f"finding IAM OIDC Provider by {'arn' if arguments.get('arn') else 'url'}: couldn't find resource"
        )
    return {"id": arn} | found


def get_role(aws: Aws, arguments: Properties) -> Properties:
    found = read_role(aws, arguments["name"], {})
    if found is None:
        raise ProviderError(f"reading IAM Role ({arguments['name']}): couldn't find resource")
    names = (
        "arn",
        "assumeRolePolicy",
        "createDate",
        "description",
        "maxSessionDuration",
        "name",
        "path",
        "permissionsBoundary",
        "uniqueId",
    )
    return {"id": found["name"], "roleLastUseds": [], "tags": found["tags"]} | {
        name: found[name] for name in names
    }


def get_session_context(aws: Aws, arguments: Properties) -> Properties:
    """The role behind an assumed-role ARN, looked up because its ARN has a path that the session's has not."""
    arn = arguments["arn"]
    resource = arn.split(":", 5)[5]
    empty = {"id": arn, "arn": arn, "issuerArn": arn, "issuerId": "", "issuerName": "", "sessionName": ""}
    if not resource.startswith("assumed-role/"):
        return empty
    _, name, session = resource.split("/", 2)
    role = read_role(aws, name, {})
    if role is None:
        raise ProviderError(f"reading IAM Role ({name}): couldn't find resource")
    return empty | {
        "issuerArn": role["arn"],
        "issuerId": role["uniqueId"],
        "issuerName": name,
        "sessionName": session,
    }


RESOURCES = {
    "aws:iam/role:Role": Resource("IAM Role", create_role, read_role, update_role, delete_role),
    "aws:iam/policy:Policy": Resource("IAM Policy", create_policy, read_policy, update_policy, delete_policy),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Resource(
        "IAM Role Policy Attachment", create_attachment, read_attachment, never, delete_attachment
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": Resource(
        "IAM OIDC Provider", create_oidc, read_oidc, update_oidc, delete_oidc, normal=bare_url
    ),
}
INVOKES = {
    "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider": Invoke(
        frozenset({"arn", "url", "tags"}), get_oidc
    ),
    "aws:iam/getRole:getRole": Invoke(frozenset({"name", "tags"}), get_role),
    "aws:iam/getSessionContext:getSessionContext": Invoke(frozenset({"arn"}), get_session_context),
}
