"""Values survive the wire: unknowns, secrets wherever they are, references to other resources."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from localcloud.plugin.values import (
    OUTPUT,
    RESOURCE,
    SECRET,
    SIGNATURE,
    UNKNOWN,
    UNKNOWN_WIRE,
    decode,
    encode,
    plain,
    show,
)

leaves = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5) | st.just(UNKNOWN)
names = st.text(min_size=1, max_size=4).filter(lambda name: name != SIGNATURE)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
)


@given(st.dictionaries(names, values, max_size=4))
def test_any_properties_come_back_from_the_wire(properties: dict[str, Any]) -> None:
    assert plain(encode(properties)) == properties


def test_a_secret_comes_back_secret_where_it_was() -> None:
    wire = encode({"tags": {"a": "b", "c": "d"}, "list": [1, 2]}, {("tags", "a"), ("list", 1)})
    found, secrets = decode(wire)
    assert found == {"tags": {"a": "b", "c": "d"}, "list": [1, 2]}
    assert secrets == {("tags", "a"), ("list", 1)}
    assert wire.fields["tags"].struct_value.fields["a"].struct_value.fields[SIGNATURE].string_value == SECRET


def special(**fields: Any) -> struct_pb2.Struct:
    wire = struct_pb2.Struct()
    wire.update({"x": fields})
    return wire


def test_an_unknown_secret_is_both() -> None:
    assert decode(special(**{SIGNATURE: SECRET, "value": UNKNOWN_WIRE})) == ({"x": UNKNOWN}, {("x",)})


def test_a_reference_is_the_id_of_its_resource() -> None:
    assert plain(special(**{SIGNATURE: RESOURCE, "urn": "u", "id": "i"})) == {"x": "i"}


def test_an_output_without_a_value_is_unknown() -> None:
    assert plain(special(**{SIGNATURE: OUTPUT})) == {"x": UNKNOWN}
    assert decode(special(**{SIGNATURE: OUTPUT, "value": 1, "secret": True})) == ({"x": 1}, {("x",)})


def test_an_asset_is_refused() -> None:
    with pytest.raises(ValueError, match="x: assets"):
        plain(special(**{SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "text": "t"}))


def test_paths_read_as_in_a_program() -> None:
    assert show(("rules", 0, "filter", "and")) == "rules[0].filter.and"
    assert show(("tags", "cost:center")) == 'tags["cost:center"]'
