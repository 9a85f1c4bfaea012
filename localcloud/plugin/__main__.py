"""python -m localcloud.plugin NAME VERSION [ENGINE]: serves one stand-in, as the Pulumi engine starts plugins."""

from __future__ import annotations

import importlib
import sys

PACKAGES = {
    "aws": "localcloud.plugin.aws",
    "gcp": "localcloud.plugin.gcp",
    "azure-native": "localcloud.plugin.azure",
}  # plugin name -> package with `provider()`


def main(arguments: list[str]) -> int:
    if len(arguments) < 2 or arguments[0] not in PACKAGES:
        print(f"usage: python -m localcloud.plugin {{{','.join(PACKAGES)}}} VERSION", file=sys.stderr)
        return 2
    from localcloud.plugin.server import serve

    serve(importlib.import_module(PACKAGES[arguments[0]]).provider(), arguments[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
