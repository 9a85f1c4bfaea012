"""Write dispatcher/backends/vertex/data/regions.json: regions with Vertex AI, as the installed SDK lists them."""

from __future__ import annotations

import ast
import datetime
import importlib.metadata
import json
from importlib.util import find_spec
from pathlib import Path

TARGET = Path(__file__).resolve().parents[2] / "dispatcher/backends/vertex/data/regions.json"
# `global` is an address of models to ask, not a place: nothing trains there, and no residency rule could hold.
NOT_A_PLACE = {"global"}
MODULE = "google/cloud/aiplatform/constants/base.py"


def regions() -> list[str]:
    """The regions that the SDK's `aiplatform.init(location=...)` takes, read from its source, not imported.

    It is the list of regions with Vertex AI; the SDK has none of training alone.
    """
    package = find_spec("google.cloud.aiplatform_v1")
    if package is None or package.origin is None:
        raise RuntimeError("google-cloud-aiplatform is not installed")
    tree = ast.parse((Path(package.origin).parents[3] / MODULE).read_text())
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "SUPPORTED_REGIONS":
            assert isinstance(statement.value, ast.Call)
            return sorted(set(ast.literal_eval(statement.value.args[0])) - NOT_A_PLACE)
    raise RuntimeError(f"{MODULE} has no SUPPORTED_REGIONS")


def main() -> None:
    version = importlib.metadata.version("google-cloud-aiplatform")
    document = {
        "source": f"google-cloud-aiplatform {version} {MODULE} SUPPORTED_REGIONS, without `global`",
        "as_of": datetime.date.today().isoformat(),
        "regions": regions(),
    }
    TARGET.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
