"""What the local Azure holds, which subscription and tenant it is, and who is signed in."""

from __future__ import annotations

from localcloud.place import PERSON as PERSON
from localcloud.place import SUBSCRIPTION as SUBSCRIPTION
from localcloud.place import TENANT as TENANT
from localcloud.state import State as State

CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The client id of the Azure command line, with which people sign in."""
