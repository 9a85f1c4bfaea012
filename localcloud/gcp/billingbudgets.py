"""billingbudgets.googleapis.com: budgets of a billing account. Nothing here costs, so none is ever exceeded."""

from __future__ import annotations

import copy
import secrets

from localcloud.gcp import discovery
from localcloud.gcp.api import Request
from localcloud.gcp.discovery import argument
from localcloud.gcp.documents import Kind, masked
from localcloud.gcp.errors import invalid
from localcloud.gcp.state import State

BUDGETS = Kind("billingbudgets", "budgets", "Budget")
TYPE = "GoogleCloudBillingBudgetsV1Budget"


def create(state: State, request: Request) -> object:
    body = copy.deepcopy(discovery.writable("billingbudgets.v1", TYPE, request.body))
    if not body.get("amount"):
        raise invalid("Budget amount must be specified.")
    id = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-{secrets.token_hex(2)}-{secrets.token_hex(6)}"
    with state.lock:
        made = BUDGETS.add(state, request.names["parent"], id, body)
        made["etag"] = secrets.token_hex(8)
        return copy.deepcopy(made)


def patch(state: State, request: Request) -> object:
    with state.lock:
        found = BUDGETS.get(state, request.names["name"])
        masked(found, request.body, argument(request, "updateMask"), ("name",))
        found["etag"] = secrets.token_hex(8)
        return copy.deepcopy(found)


def delete(state: State, request: Request) -> object:
    with state.lock:
        BUDGETS.remove(state, request.names["name"])
        return {}


API = discovery.api(
    "billingbudgets.v1",
    {
        "billingAccounts.budgets.create": create,
        "billingAccounts.budgets.get": BUDGETS.read,
        "billingAccounts.budgets.list": BUDGETS.listed("budgets"),
        "billingAccounts.budgets.patch": patch,
        "billingAccounts.budgets.delete": delete,
    },
)
