"""Write dispatcher/backends/sagemaker/data/create_training_job.json: the vendor's own model of one request.

It is the closure of CreateTrainingJob's input in the installed botocore, without prose, so that a dry run can
check names, lengths, patterns, enums and ranges without loading botocore (which itself checks none of those).
Run: `python -m tools.vendor_model.sagemaker [--check]`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import botocore
import botocore.session

from tools.vendor_model.extract import main, text

TARGET = Path(__file__).resolve().parents[2] / "dispatcher/backends/sagemaker/data/create_training_job.json"
OPERATION = "CreateTrainingJob"


def extract() -> dict[str, Any]:
    """Return the extract as a document: the source, the root shape's name, and every shape it reaches."""
    service = botocore.session.get_session().get_service_model("sagemaker")
    root = service.operation_model(OPERATION).input_shape
    shapes: dict[str, Any] = {}
    pending = [root]
    while pending:
        shape = pending.pop()
        if shape.name in shapes:
            continue
        facts = {key: shape.metadata[key] for key in ("min", "max", "pattern", "enum") if key in shape.metadata}
        entry: dict[str, Any] = {"type": shape.type_name, **facts}
        if shape.type_name == "structure":
            entry["members"] = {name: member.name for name, member in shape.members.items()}
            entry["required"] = list(shape.required_members)
            pending += shape.members.values()
        elif shape.type_name == "list":
            entry["member"] = shape.member.name
            pending.append(shape.member)
        elif shape.type_name == "map":
            entry |= {"key": shape.key.name, "value": shape.value.name}
            pending += [shape.key, shape.value]
        shapes[shape.name] = entry
    return {
        "source": f"botocore {botocore.__version__}, sagemaker {service.api_version}",
        "operation": OPERATION,
        "root": root.name,
        "shapes": dict(sorted(shapes.items())),
    }


def render() -> str:
    """Return the file's text."""
    return text(extract())


if __name__ == "__main__":
    main(TARGET, render)
