"""Random graph files for Hypothesis: valid ones, and mutations of a JSON document."""

from typing import Any

from hypothesis import strategies as st

OPS = ["constant", "parameter", "state", "relu", "subtract", "affine", "add", "pad", "layer"]
IDS = [f"n{k}" for k in range(8)]
TEXTS = st.text('abcäπ\\" {}[]$', max_size=6).filter(lambda text: not text.startswith("$"))
NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
ARRAYS = st.integers(1, 3).flatmap(
    lambda size: NUMBERS | st.lists(NUMBERS, min_size=size, max_size=size) | st.just([[0.5] * 40] * 4)
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=5,
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a graph file without mistakes, for the vocabulary of ``tests.graph.small``."""
    nodes: dict[str, Any] = {"x": {"op": "input", "shape": ["N", 2]}}
    for name in IDS[: draw(st.integers(1, 8))]:
        earlier = st.sampled_from(sorted(nodes))
        op = draw(
            st.sampled_from(["constant", "parameter", "state", "relu", "subtract", "affine", "add", "pad", "layer"])
        )
        node: dict[str, Any] = {"op": op}
        if op == "constant":
            node["value"] = draw(ARRAYS)
        elif op in ("parameter", "state"):
            node |= draw(st.sampled_from([{"value": 1.5}, {"shape": [2, "M"], "init": {"name": "normal", "std": 2}}]))
            if op == "state" and draw(st.booleans()):
                node["update"] = draw(earlier)
        elif op == "subtract":
            pair = [draw(earlier), draw(earlier)]
            node["inputs"] = draw(st.sampled_from([pair, dict(zip(["right", "left"], pair, strict=True))]))
        elif op == "affine":
            node["inputs"] = draw(st.lists(earlier, min_size=2, max_size=3))
        elif op == "add":
            node["inputs"] = draw(st.lists(earlier, min_size=2, max_size=4))
        else:
            node["inputs"] = [draw(earlier)]
        if op == "pad":
            node |= {"width": draw(st.lists(st.integers(0, 3))), "mode": draw(st.sampled_from(["zero", "edge"]))}
        if op == "layer":
            node |= {"units": draw(st.integers(1, 9)), "repeat": draw(st.integers(1, 3))}
            node |= draw(st.sampled_from([{}, {"activation": "tanh"}]))
        node |= draw(st.dictionaries(st.sampled_from(["doc", "tex"]), TEXTS, max_size=1))
        node |= draw(st.dictionaries(st.sampled_from(["x-a", "x-b"]), JSON, max_size=1))
        nodes[name] = node
    references = st.sampled_from(sorted(nodes))
    optional = {
        "name": TEXTS,
        "doc": TEXTS,
        "loss": references,
        "outputs": st.lists(references),
        "dtype": st.sampled_from(["float32", "float64"]),
        "requires": st.lists(TEXTS),
        "view": st.dictionaries(TEXTS, JSON, max_size=2),
        "train": st.fixed_dictionaries(
            {},
            optional={
                "epochs": st.integers(0, 9),
                "batch_size": st.integers(1, 9),
                "learning_rate": st.floats(1e-9, 10),
                "shuffle": st.booleans(),
                "seed": st.integers(0, 9),
                "validation": st.floats(0, 0.4),
                "test": st.floats(0, 0.5),
            },
        ),
        "data": st.fixed_dictionaries(
            {"file": TEXTS},
            optional={
                "columns": st.dictionaries(st.just("x"), TEXTS | st.lists(TEXTS, min_size=1)),
                "classes": st.dictionaries(st.just("x"), st.lists(TEXTS, min_size=1, unique=True)),
            },
        ),
        "x-mine": JSON,
        "definitions": st.just(
            {
                "twice": {
                    "doc": "two layers",
                    "inputs": ["a", "b?"],
                    "attributes": {"units": 3, "size": [1, 2], "f": None},
                    "nodes": {
                        "l": {"op": "layer", "inputs": ["a", "b"], "units": "$units", "activation": "$f"},
                        "r": {"op": "layer", "inputs": ["l:1"], "units": "a[-1]", "activation": "relu"},
                    },
                    "outputs": ["r", "l:1"],
                }
            }
        ),
    }
    return {"dagprop": 1, "nodes": nodes, **draw(st.fixed_dictionaries({}, optional=optional))}


STRANGE: list[Any] = [
    None, True, 0, -1, 1, 2.5, 10**40, "", "x", "$x", "x[0]", "n0:1", "a/b", "é", [], {}, [[]], [1, [2]], ["x"],
    {"x": "x"}, {"op": "relu"}, {"name": "x"},
]  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn, document: Any) -> Any:
    """Draw a copy of a JSON document with one part dropped, replaced, renamed, copied elsewhere, or nested."""
    places = list(parts(document))
    path = draw(st.sampled_from(places))
    kind = draw(st.sampled_from(["drop", "retype", "rename", "move", "nest"]))
    return mutate(document, path, kind, draw(st.sampled_from(STRANGE)), draw(st.sampled_from(places)))


def parts(document: Any) -> list[tuple[Any, ...]]:
    """Return the path of every part of a JSON document but the whole."""
    found: list[tuple[Any, ...]] = []
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, item in items:
            found.append((*path, key))
            waiting.append(((*path, key), item))
    return sorted(found, key=str)


def mutate(document: Any, path: tuple[Any, ...], kind: str, strange: Any, other: tuple[Any, ...]) -> Any:
    """Return a copy of the document with the part at the path changed."""
    copy = deep_copy(document)
    around = part(copy, path[:-1])
    key = path[-1]
    if kind == "drop":
        del around[key]
    elif kind == "retype":
        around[key] = strange
    elif kind == "rename" and isinstance(around, dict):
        around[str(strange)] = around.pop(key)
    elif kind == "move":
        around[key] = deep_copy(part(document, other))
    else:
        around[key] = [around[key]]
    return copy


def part(document: Any, path: tuple[Any, ...]) -> Any:
    """Return the part of a JSON document at a path."""
    for key in path:
        document = document[key]
    return document


def deep_copy(value: Any) -> Any:
    """Return a copy of a JSON value; the same list in two places becomes two lists."""
    if isinstance(value, dict):
        return {key: deep_copy(item) for key, item in value.items()}
    return [deep_copy(item) for item in value] if isinstance(value, list) else value
