"""Who may do what, as the roles' own documents on the cloud say."""

from __future__ import annotations

from collections.abc import Iterator

from tests.engine.security.aws.view import Statement, View, actions, conditions, requires, values

# Actions that IAM can only allow on everything.
_UNSCOPED = {
    "cloudwatch:putmetricdata",
    "ecr:getauthorizationtoken",
    "sagemaker:listtrainingjobs",
    "sts:getcalleridentity",
    "ec2:describedhcpoptions",
    "ec2:describenetworkinterfaces",
    "ec2:describesecuritygroups",
    "ec2:describesubnets",
    "ec2:describevpcs",
}


def _allowed(view: View, role: str) -> list[Statement]:
    return [statement for statement in view.role_policy(role) if statement["Effect"] == "Allow"]


def _roles(view: View) -> list[str]:
    return [view.zone.identities.agent, view.zone.identities.execution]


def no_action_is_a_wildcard(view: View) -> Iterator[str]:
    """Every action is written out."""
    for role in _roles(view):
        for statement in _allowed(view, role):
            yield from (f"{role} may {action}" for action in actions(statement) if "*" in action)


def rights_are_on_named_things(view: View) -> Iterator[str]:
    """Resource `*` only for actions that know no resource."""
    for role in _roles(view):
        for statement in _allowed(view, role):
            if "*" in values(statement["Resource"]) and (wide := set(actions(statement)) - _UNSCOPED):
                yield f"{role} may {sorted(wide)} on everything"


def the_agent_passes_one_role_to_one_service(view: View) -> Iterator[str]:
    """PassRole of the execution role to SageMaker, nothing else."""
    passing = [s for s in _allowed(view, view.zone.identities.agent) if "iam:passrole" in actions(s)]
    if len(passing) != 1:
        yield f"{len(passing)} statements pass roles"
    for statement in passing:
        if values(statement["Resource"]) != [view.zone.identities.execution]:
            yield f"the agent passes {statement['Resource']}"
        if not requires(statement, "iam:PassedToService", "sagemaker.amazonaws.com"):
            yield "the agent passes the role to any service"


def jobs_must_run_in_the_network(view: View) -> Iterator[str]:
    """No training job outside the VPC, without encryption between containers, or under another key."""
    submitting = [
        s for s in _allowed(view, view.zone.identities.agent) if "sagemaker:createtrainingjob" in actions(s)
    ]
    if not submitting:
        yield "the agent cannot submit"
    for statement in submitting:
        for key in ("sagemaker:VpcSubnets", "sagemaker:VpcSecurityGroupIds"):
            if not requires(statement, key, "false"):
                yield f"{statement.get('Sid')} allows jobs without {key}"
        if not requires(statement, "sagemaker:InterContainerTrafficEncryption", "true"):
            yield f"{statement.get('Sid')} allows plain traffic between containers"
        if not requires(statement, "sagemaker:OutputKmsKey", view.zone.keys.data):
            yield f"{statement.get('Sid')} allows output under any key"


def tags_have_a_statement_of_their_own(view: View) -> Iterator[str]:
    """AddTags knows none of CreateTrainingJob's condition keys and would be denied beside it."""
    for statement in _allowed(view, view.zone.identities.agent):
        if "sagemaker:addtags" in actions(statement) and "sagemaker:createtrainingjob" in actions(statement):
            yield f"{statement.get('Sid')} denies AddTags by its conditions"


def the_agent_can_do_its_work(view: View) -> Iterator[str]:
    """Everything the dispatcher calls is there, and the contract says the same."""
    needed = {
        "sagemaker:createtrainingjob",
        "sagemaker:addtags",
        "sagemaker:describetrainingjob",
        "sagemaker:stoptrainingjob",
        "sagemaker:listtrainingjobs",
        "logs:describelogstreams",
        "logs:getlogevents",
        "iam:passrole",
    }
    granted = {action for s in _allowed(view, view.zone.identities.agent) for action in actions(s)}
    if missing := needed - granted:
        yield f"the agent may not {sorted(missing)}"
    said = {action.lower() for action in view.zone.actions.agent}
    if said != granted:
        yield f"the contract and the role differ in {sorted(said ^ granted)}"


def the_agent_adds_code_and_replaces_none(view: View) -> Iterator[str]:
    """Of the data it has the folder of code, where PutObject passes for what is not there yet, and no delete."""
    data, adds = f"arn:{view.zone.partition}:s3:::{view.zone.buckets.data.name}", False
    for statement in _allowed(view, view.zone.identities.agent):
        if not any(one.startswith((data, "*")) for one in values(statement["Resource"])):
            continue
        objects = [action for action in actions(statement) if action.startswith("s3:")]
        if beyond := set(objects) - {"s3:getobject", "s3:putobject"}:
            yield f"{statement.get('Sid')} allows {sorted(beyond)} on {data}"
        if objects and values(statement["Resource"]) != [f"{data}/code/*"]:
            yield f"{statement.get('Sid')} allows {objects} on {statement['Resource']}"
        if "s3:putobject" in objects:
            adds = True
            if not requires(statement, "s3:if-none-match", "false"):
                yield f"{statement.get('Sid')} replaces archives of code"
    if not adds:
        yield "the agent cannot add code"


def jobs_cannot_submit_jobs(view: View) -> Iterator[str]:
    """Code of a user that runs in a job has no rights of the dispatcher."""
    for statement in _allowed(view, view.zone.identities.execution):
        for action in actions(statement):
            if action.startswith(("sagemaker:create", "iam:", "sts:assume")):
                yield f"a job may {action}"


def jobs_hand_the_key_only_to_the_cloud(view: View) -> Iterator[str]:
    """Grants on the key are for resources of AWS only."""
    for statement in _allowed(view, view.zone.identities.execution):
        if "kms:creategrant" in actions(statement) and not requires(
            statement, "kms:GrantIsForAWSResource", "true"
        ):
            yield "a job may grant the key to anyone"


def only_sagemaker_of_this_account_runs_as_the_execution_role(view: View) -> Iterator[str]:
    """The confused deputy is refused."""
    for statement in view.trust(view.zone.identities.execution):
        if statement["Principal"] != {"Service": "sagemaker.amazonaws.com"}:
            yield f"{statement['Principal']} may become the execution role"
        if not requires(statement, "aws:SourceAccount", view.zone.account):
            yield "SageMaker may use the execution role for another account"


def only_named_principals_become_the_agent(view: View) -> Iterator[str]:
    """Nobody else, and not everyone of a service."""
    for statement in view.trust(view.zone.identities.agent):
        principals = statement["Principal"]
        names = (
            [one for kind in principals.values() for one in values(kind)]
            if isinstance(principals, dict)
            else ["*"]
        )
        root = f":iam::{view.zone.account}:root"
        whole = [name for name in names if name.endswith(root)]
        narrowed = any(key in ("aws:principalarn", "aws:principaltag") for _, key, _ in conditions(statement))
        if "*" in names or (whole and not narrowed):
            yield f"{names} may become the agent"
