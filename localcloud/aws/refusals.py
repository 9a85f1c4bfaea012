"""Error answers of any AWS service: which code and words a fault has there, in the service's own protocol."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from xml.sax.saxutils import escape

from localcloud.aws.sagemaker import rules
from localcloud.aws.sagemaker.errors import ServiceError
from localcloud.place import ACCOUNT
from localcloud.server.faults import Fault
from localcloud.server.seen import Seen
from localcloud.server.wire import Answer

_XML = frozenset({"s3", "s3control", "cloudfront", "route53"})

# Code, status and words by kind and service, `*` for all others. Sources: each service's API reference, "Common
# errors" and the errors of its Create and Describe operations.
_TEXTS: Mapping[str, Mapping[str, tuple[str, int, str]]] = {
    "throttle": {
        "s3": ("SlowDown", 503, "Please reduce your request rate."),
        "ec2": ("RequestLimitExceeded", 503, "Request limit exceeded."),
        "iam": ("Throttling", 400, "Rate exceeded"),
        "sts": ("Throttling", 400, "Rate exceeded"),
        "*": ("ThrottlingException", 400, "Rate exceeded"),
    },
    "5xx": {
        "s3": ("InternalError", 500, "We encountered an internal error. Please try again."),
        "ec2": ("InternalError", 500, "An internal error has occurred"),
        "*": ("InternalFailure", 500, "The request processing has failed because of an unknown error."),
    },
    "expired": {
        "s3": ("ExpiredToken", 400, "The provided token has expired."),
        "ec2": ("RequestExpired", 400, "Request has expired."),
        "iam": ("ExpiredToken", 403, "The security token included in the request is expired"),
        "sts": ("ExpiredToken", 403, "The security token included in the request is expired"),
        "*": ("ExpiredTokenException", 400, "The security token included in the request is expired"),
    },
    "denied": {
        "s3": ("AccessDenied", 403, "Access Denied"),
        "ec2": ("UnauthorizedOperation", 403, "You are not authorized to perform this operation."),
        "iam": ("AccessDenied", 403, ""),
        "sts": ("AccessDenied", 403, ""),
        "*": ("AccessDeniedException", 400, ""),
    },
    "missing": {
        "sagemaker": ("ResourceNotFound", 400, "Requested resource not found."),
        "s3": ("NoSuchBucket", 404, "The specified bucket does not exist"),
        "iam": ("NoSuchEntity", 404, "The entity cannot be found."),
        "kms": ("NotFoundException", 400, "The key cannot be found."),
        "ecr": ("RepositoryNotFoundException", 400, "The repository does not exist in the registry"),
        "cloudtrail": ("TrailNotFoundException", 400, "Unknown trail"),
        "budgets": ("NotFoundException", 400, "Unable to find the budget"),
        "*": ("ResourceNotFoundException", 400, "The specified resource does not exist."),
    },
    "reserved": {
        "s3": (
            "OperationAborted",
            409,
            "A conflicting conditional operation is currently in progress against this resource. "
            "Please try again.",
        ),
        "sagemaker": ("ResourceInUse", 400, "A resource with this name already exists."),
        "iam": ("EntityAlreadyExists", 409, "The entity already exists."),
        "kms": ("AlreadyExistsException", 400, "The alias already exists"),
        "ecr": ("RepositoryAlreadyExistsException", 400, "The repository already exists in the registry"),
        "secretsmanager": (
            "InvalidRequestException",
            400,
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        ),
        "*": ("ResourceAlreadyExistsException", 400, "The specified resource already exists."),
    },
}
# EC2 has a code of its own for each kind of thing that cannot be found.
_EC2_MISSING = {
    "VpcId": "InvalidVpcID.NotFound",
    "SubnetId": "InvalidSubnetID.NotFound",
    "GroupId": "InvalidGroup.NotFound",
    "RouteTableId": "InvalidRouteTableID.NotFound",
    "VpcEndpointId": "InvalidVpcEndpointId.NotFound",
    "FlowLogId": "InvalidFlowLogId.NotFound",
}


def error(fault: Fault, seen: Seen) -> ServiceError:
    """What the service a call was for would answer."""
    if fault.kind == "error":
        return ServiceError(fault.code, fault.message, fault.status)
    if fault.kind == "quota":
        return rules.quota(seen.parameters)
    if fault.kind == "denied" and fault.seconds and seen.operation == "CreateTrainingJob":
        # SageMaker tries the role itself, and says so as a validation error.
        return rules.untrusted(str(seen.parameters.get("RoleArn")))
    texts = _TEXTS[fault.kind]
    code, status, message = texts.get(seen.service, texts["*"])
    if fault.kind == "missing" and seen.operation == "DescribeTrainingJob":
        code = "ValidationException"
    if fault.kind == "missing" and seen.service == "ec2":
        kind = next(
            (code for name, code in _EC2_MISSING.items() if any(name in key for key in seen.parameters)), None
        )
        code, status, message = kind or "InvalidID.NotFound", 400, "The ID does not exist"
    action = f"{seen.service}:{seen.operation}"
    resource = seen.parameters.get("RoleArn") if seen.service == "sts" else "*"
    message = message or (
        f"User: arn:aws:iam::{ACCOUNT}:user/testing is not authorized to perform: {action} on resource: "
        f"{resource} because no identity-based policy allows the {action} action"
    )
    return ServiceError(fault.code or code, fault.message or message, status)


def answer(refusal: ServiceError, seen: Seen, *, target: bool) -> Answer:
    """The refusal as the service's protocol writes it; `target` tells AWS JSON by its header."""
    request = str(uuid.uuid4())
    code, message = escape(refusal.code), escape(refusal.message)
    if target:
        document = {"__type": refusal.code, "message": refusal.message}
        kind = "application/x-amz-json-1.1"
        return Answer.json(document, refusal.status, kind, x_amzn_RequestId=request)
    if seen.service in _XML:
        body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request}</RequestId></Error>"
    elif seen.service == "ec2":
        body = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            f"<RequestID>{request}</RequestID></Response>"
        )
    elif seen.service in ("iam", "sts", "sns", "cloudformation", "autoscaling", "rds", "elbv2", "cloudwatch"):
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            f"<RequestId>{request}</RequestId></ErrorResponse>"
        )
    else:
        document = {"message": refusal.message}
        return Answer.json(document, refusal.status, x_amzn_ErrorType=refusal.code, x_amzn_RequestId=request)
    return Answer(refusal.status, (("Content-Type", "text/xml"),), body.encode())
