"""Ways out of a VPC: internet gateways, elastic addresses, NAT gateways; and the flow logs of what passes."""

from __future__ import annotations

from localcloud.plugin.aws.handlers.network import one, retag, tagged
from localcloud.plugin.aws.resource import asked, given, tags
from localcloud.plugin.aws.session import Aws
from localcloud.plugin.handling import Resource
from localcloud.plugin.provider import ProviderError
from localcloud.plugin.values import Properties

LOG_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} "
    "${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
)


def create_igw(aws: Aws, inputs: Properties) -> str:
    client = aws.client("ec2")
    made = client.create_internet_gateway(**tagged("internet-gateway", inputs))["InternetGateway"][
        "InternetGatewayId"
    ]
    if inputs.get("vpcId"):
        client.attach_internet_gateway(InternetGatewayId=made, VpcId=inputs["vpcId"])
    return str(made)


def read_igw(aws: Aws, id: str, known: Properties) -> Properties | None:
    gone = "InvalidInternetGatewayID.NotFound"
    found = one(aws, "describe_internet_gateways", "InternetGateways", gone, InternetGatewayIds=[id])
    if found is None:
        return None
    attached = found.get("Attachments") or [{}]
    return {
        "arn": aws.arn("ec2", f"internet-gateway/{id}"),
        "ownerId": found.get("OwnerId") or aws.account,
        "vpcId": attached[0].get("VpcId", ""),
        "tags": tags(found.get("Tags")),
    }


def update_igw(aws: Aws, id: str, old: Properties, new: Properties, names: frozenset[str]) -> None:
    client = aws.client("ec2")
    if "vpcId" in names:
        if old.get("vpcId"):
            client.detach_internet_gateway(InternetGatewayId=id, VpcId=old["vpcId"])
        if new.get("vpcId"):
            client.attach_internet_gateway(InternetGatewayId=id, VpcId=new["vpcId"])
    retag(aws, id, old, new, names)


def delete_igw(aws: Aws, id: str, state: Properties) -> None:
    client, gone = aws.client("ec2"), ("InvalidInternetGatewayID.NotFound", "Gateway.NotAttached")
    if state.get("vpcId"):
        asked(lambda: client.detach_internet_gateway(InternetGatewayId=id, VpcId=state["vpcId"]), *gone)
    asked(lambda: client.delete_internet_gateway(InternetGatewayId=id), *gone)


def create_eip(aws: Aws, inputs: Properties) -> str:
    if inputs.get("instance") or inputs.get("networkInterface"):
        raise ProviderError("instance, networkInterface: the stand-in plugin does not associate addresses")
    made = aws.client("ec2").allocate_address(
        **given(Domain=inputs.get("domain") or "vpc", PublicIpv4Pool=inputs.get("publicIpv4Pool")),
        **tagged("elastic-ip", inputs),
    )
    return str(made["AllocationId"])


def read_eip(aws: Aws, id: str, known: Properties) -> Properties | None:
    found = one(aws, "describe_addresses", "Addresses", "InvalidAllocationID.NotFound", AllocationIds=[id])
    if found is None:
        return None
    host = found["PublicIp"].replace(".", "-")
    zone = "compute-1" if aws.region == "us-east-1" else f"{aws.region}.compute"
    private = found.get("PrivateIpAddress") or ""
    return {
        "allocationId": id,
        "arn": aws.arn("ec2", f"elastic-ip/{id}"),
        "associationId": found.get("AssociationId") or "",
        "carrierIp": found.get("CarrierIp", ""),
        "customerOwnedIp": found.get("CustomerOwnedIp", ""),
        "customerOwnedIpv4Pool": found.get("CustomerOwnedIpv4Pool", ""),
        "domain": found.get("Domain", "vpc"),
        "instance": found.get("InstanceId") or "",
        "ipamPoolId": "",
        "networkBorderGroup": found.get("NetworkBorderGroup", ""),
        "networkInterface": found.get("NetworkInterfaceId") or "",
        "privateDns": "",
        "privateIp": private,
        "ptrRecord": "",
        "publicDns": f"ec2-{host}.{zone}.{aws.suffix}",
        "publicIp": found["PublicIp"],
        "publicIpv4Pool": found.get("PublicIpv4Pool", ""),
        "tags": tags(found.get("Tags")),
    }


def delete_eip(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("ec2").release_address(AllocationId=id), "InvalidAllocationID.NotFound")


def create_nat(aws: Aws, inputs: Properties) -> str:
    client = aws.client("ec2")
    made = client.create_nat_gateway(
        **given(
            SubnetId=inputs.get("subnetId"),
            AllocationId=inputs.get("allocationId"),
            ConnectivityType=inputs.get("connectivityType"),
            PrivateIpAddress=inputs.get("privateIp"),
        ),
        **tagged("natgateway", inputs),
    )["NatGateway"]["NatGatewayId"]
    client.get_waiter("nat_gateway_available").wait(
        NatGatewayIds=[made], WaiterConfig={"Delay": 1, "MaxAttempts": 600}
    )
    return str(made)


def read_nat(aws: Aws, id: str, known: Properties) -> Properties | None:
    found = one(aws, "describe_nat_gateways", "NatGateways", "NatGatewayNotFound", NatGatewayIds=[id])
    if found is None or found["State"] in ("deleted", "deleting"):
        return None
    address = (found.get("NatGatewayAddresses") or [{}])[0]
    return {
        "allocationId": address.get("AllocationId") or known.get("allocationId"),
        "associationId": address.get("AssociationId"),
        "availabilityMode": found.get("AvailabilityMode", ""),
        "availabilityZoneAddresses": [],
        "connectivityType": found.get("ConnectivityType") or known.get("connectivityType"),
        "networkInterfaceId": address.get("NetworkInterfaceId"),
        "privateIp": address.get("PrivateIp"),
        "publicIp": address.get("PublicIp"),
        "regionalNatGatewayAddresses": [],
        "secondaryAllocationIds": [],
        "secondaryPrivateIpAddressCount": 0,
        "secondaryPrivateIpAddresses": [],
        "subnetId": found["SubnetId"],
        "tags": tags(found.get("Tags")),
        "vpcId": found["VpcId"],
    }


def delete_nat(aws: Aws, id: str, state: Properties) -> None:
    client = aws.client("ec2")
    if (
        asked(lambda: client.delete_nat_gateway(NatGatewayId=id), "NatGatewayNotFound", "InvalidNatGatewayID*")
        is not None
    ):
        client.get_waiter("nat_gateway_deleted").wait(
            NatGatewayIds=[id], WaiterConfig={"Delay": 1, "MaxAttempts": 1800}
        )


TARGETS = {
    "vpcId": "VPC",
    "subnetId": "Subnet",
    "eniId": "NetworkInterface",
    "transitGatewayId": "TransitGateway",
    "transitGatewayAttachmentId": "TransitGatewayAttachment",
    "regionalNatGatewayId": "RegionalNatGateway",
}
PREFIXES = {
    "vpc-": "vpcId",
    "subnet-": "subnetId",
    "eni-": "eniId",
    "tgw-attach-": "transitGatewayAttachmentId",
    "tgw-": "transitGatewayId",
}


def create_flow_log(aws: Aws, inputs: Properties) -> str:
    target = next(name for name in TARGETS if inputs.get(name))
    options = inputs.get("destinationOptions")
    answer = aws.client("ec2").create_flow_logs(
        **given(
            ResourceIds=[inputs[target]],
            ResourceType=TARGETS[target],
            TrafficType=inputs.get("trafficType"),
            LogDestinationType=inputs.get("logDestinationType"),
            LogDestination=inputs.get("logDestination"),
            LogFormat=inputs.get("logFormat"),
            DeliverLogsPermissionArn=inputs.get("iamRoleArn"),
            MaxAggregationInterval=inputs.get("maxAggregationInterval"),
            DestinationOptions=options
            and given(
                FileFormat=options.get("fileFormat"),
                HiveCompatiblePartitions=options.get("hiveCompatiblePartitions"),
                PerHourPartition=options.get("perHourPartition"),
            ),
        ),
        **tagged("vpc-flow-log", inputs),
    )
    if answer.get("Unsuccessful"):
        error = answer["Unsuccessful"][0]["Error"]
        raise ProviderError(f"creating Flow Log: {error['Code']}: {error['Message']}")
    return str(answer["FlowLogIds"][0])


def read_flow_log(aws: Aws, id: str, known: Properties) -> Properties | None:
    found = one(aws, "describe_flow_logs", "FlowLogs", "InvalidFlowLogId.NotFound", FlowLogIds=[id])
    if found is None:
        return None
    kind = found.get("LogDestinationType", "cloud-watch-logs")
    destination = found.get("LogDestination", "")
    if kind == "cloud-watch-logs" and not destination and found.get("LogGroupName"):
        destination = aws.arn("logs", f"log-group:{found['LogGroupName']}")
    target = next(name for prefix, name in PREFIXES.items() if found["ResourceId"].startswith(prefix))
    options = found.get("DestinationOptions")
    return {
        "arn": aws.arn("ec2", f"vpc-flow-log/{id}"),
        "deliverCrossAccountRole": "",
        "destinationOptions": options
        and {
            "fileFormat": options.get("FileFormat", "plain-text"),
            "hiveCompatiblePartitions": bool(options.get("HiveCompatiblePartitions")),
            "perHourPartition": bool(options.get("PerHourPartition")),
        },
        "iamRoleArn": found.get("DeliverLogsPermissionArn", ""),
        "logDestination": destination,
        "logDestinationType": kind,
        "logFormat": found.get("LogFormat") or LOG_FORMAT,
        "maxAggregationInterval": int(found.get("MaxAggregationInterval", 600)),
        "trafficType": found.get("TrafficType", ""),
        "tags": tags(found.get("Tags")),
        **dict.fromkeys(TARGETS),
        target: found["ResourceId"],
    }


def delete_flow_log(aws: Aws, id: str, state: Properties) -> None:
    asked(lambda: aws.client("ec2").delete_flow_logs(FlowLogIds=[id]), "InvalidFlowLogId.NotFound")


RESOURCES = {
    "aws:ec2/internetGateway:InternetGateway": Resource(
        "EC2 Internet Gateway", create_igw, read_igw, update_igw, delete_igw
    ),
    "aws:ec2/eip:Eip": Resource("EC2 EIP", create_eip, read_eip, retag, delete_eip),
    "aws:ec2/natGateway:NatGateway": Resource("EC2 NAT Gateway", create_nat, read_nat, retag, delete_nat),
    "aws:ec2/flowLog:FlowLog": Resource("EC2 Flow Log", create_flow_log, read_flow_log, retag, delete_flow_log),
}
