"""What a part of the Pulumi program declares, without an engine: every resource, and what it waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc, set_mocks


@dataclass(frozen=True, slots=True)
class Declared:
    """One resource as it was registered. `after` are the URNs it waits for, its inputs' among them.

    `timeouts` are those of its own, by operation, such as `3h`.
    """

    urn: str
    type: str
    name: str
    inputs: dict[str, Any]
    provider: str
    protect: bool
    ignored: tuple[str, ...]
    retained: bool
    parent: str
    after: frozenset[str]
    timeouts: Mapping[str, str]


@dataclass(slots=True)
class Record:
    """Everything that was declared."""

    resources: list[Declared] = field(default_factory=list)

    def of(self, kind: str) -> list[Declared]:
        """The resources of a type, such as `storage/bucket:Bucket`, by name: nothing says which came first."""
        return sorted(
            (made for made in self.resources if made.type.partition(":")[2] == kind), key=lambda made: made.name
        )

    def named(self, kind: str, name: str) -> Declared:
        """The one resource of a type and logical name."""
        [made] = [made for made in self.of(kind) if made.name == name]
        return made

    def custom(self) -> list[Declared]:
        """What a provider makes: no components, no providers."""
        inner = ("launchway:", "pulumi:")
        return [made for made in self.resources if not made.type.startswith(inner)]

    def awaited(self, made: Declared) -> set[str]:
        """The URNs of everything that must be there before `made`, however indirectly."""
        by_urn = {resource.urn: resource for resource in self.resources}
        found: set[str] = set()
        waiting = list(made.after)
        while waiting:
            urn = waiting.pop()
            if urn in found:
                continue
            found.add(urn)
            if urn in by_urn:
                waiting += by_urn[urn].after
            # Waiting for a component is waiting for what is in it.
            waiting += [inner.urn for inner in self.resources if inner.parent == urn]
        return found


class _Monitor(mocks.MockMonitor):
    """The SDK's own mock engine, which also keeps what it throws away: options and dependencies."""

    def __init__(self, answers: mocks.Mocks, record: Record) -> None:
        super().__init__(answers)
        self.record = record

    def RegisterResource(self, request: Any) -> Any:
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK has no types here
        inputs = rpc.deserialize_properties(request.object)
        self.record.resources.append(
            Declared(
                answer.urn,
                request.type,
                request.name,
                {key: _plain(value) for key, value in inputs.items()},
                request.provider,
                request.protect,
                tuple(request.ignoreChanges),
                request.retainOnDelete,
                request.parent,
                frozenset(request.dependencies),
                {one.name: value for one, value in request.customTimeouts.ListFields()},
            )
        )
        return answer


class _Answers(mocks.Mocks):
    """Outputs are the inputs, and what `made` or `asked` says besides."""

    def __init__(self, made: Callable[[str, dict[str, Any]], dict[str, Any]], asked: dict[str, Any]) -> None:
        self.made, self.asked = made, asked

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        outputs = {**args.inputs, **self.made(args.typ, args.inputs)}
        return outputs.pop("id", f"{args.name}-id"), outputs

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:  # type: ignore[override]  # the SDK takes both
        return dict(self.asked[args.token])


def _plain(value: Any) -> Any:
    """Numbers cross the wire as floats."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _without_aliases(made: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    """The names that a resource had in other API versions: nothing here asks, and Azure's have twenty each."""
    made.opts.aliases = None
    return pulumi.ResourceTransformationResult(made.props, made.opts)


def record(
    program: Callable[[], Any],
    made: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda type, inputs: {},
    asked: dict[str, Any] | None = None,
) -> Record:
    """Run `program` and return what it declared; raises what the program raises.

    `made` adds outputs to a resource by its type and inputs (`id` among them), `asked` answers lookups by token.
    """
    found = Record()
    answers = _Answers(made, asked or {})
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # the SDK takes the thread's own, which another test may have closed
    try:
        set_mocks(answers, "launchway", "test", preview=False, monitor=_Monitor(answers, found))

        def quick() -> Any:
            root = pulumi.runtime.get_root_resource()  # the same in every test of a process
            if root is not None and _without_aliases not in (root._transformations or ()):
                pulumi.runtime.register_stack_transformation(_without_aliases)
            return program()

        pulumi.runtime.test(quick)()  # type: ignore[no-untyped-call]  # nor here
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return found


def each(resources: list[Declared], path: str) -> Iterator[Any]:
    """The input at a dotted path of every resource; None where there is none."""
    for made in resources:
        value: Any = made.inputs
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        yield value
