"""Write infra/aws/data/regions.yaml: AWS regions with SageMaker, by partition, from the installed botocore."""

import datetime
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import yaml

TARGET = Path(__file__).resolve().parents[2] / "infra/aws/data/regions.yaml"
PARTITIONS = ("aws", "aws-us-gov", "aws-eusc")
# Names of interface endpoints start with this; None where no vendor page was found (see docs/aws-zone.md).
ENDPOINT_PREFIX = {"aws": "com.amazonaws", "aws-us-gov": "com.amazonaws", "aws-eusc": None}


def table() -> dict[str, Any]:
    """The partitions a zone can be in: DNS suffix, prefix of endpoint service names, and regions by id."""
    session = botocore.session.get_session()
    data = session.get_component("data_loader").load_data("endpoints")
    found: dict[str, Any] = {}
    for partition in data["partitions"]:
        name = partition["partition"]
        if name in PARTITIONS:
            regions = sorted(session.get_available_regions("sagemaker", name))
            found[name] = {
                "dns_suffix": partition["dnsSuffix"],
                "endpoint_prefix": ENDPOINT_PREFIX[name],
                "regions": {region: partition["regions"][region]["description"] for region in regions},
            }
    return found


def main() -> None:
    head = {
        "source": f"botocore {botocore.__version__} data/endpoints.json, regions of service sagemaker",
        "as_of": datetime.date.today().isoformat(),
    }
    text = "# Regions of AWS that a zone may be in. Written by tools/aws/regions.py; do not edit.\n"
    TARGET.write_text(text + yaml.safe_dump({**head, "partitions": table()}, sort_keys=False))


if __name__ == "__main__":
    main()
