"""Records behave as frozen dataclasses with slots do."""

import copy
import dataclasses
import pickle
from dataclasses import asdict, dataclass, field, fields, replace

import pytest

from dagprop.record import record


class Plain:
    """What both kinds of classes below are made of."""

    name: str
    size: int = 1
    parts: list = field(default_factory=list)
    hidden: float = field(default=0.5, repr=False)


def made(decorator):
    body = {"__annotations__": dict(Plain.__annotations__), "__qualname__": "Item", "__module__": __name__}
    return decorator(
        type("Item", (), {**body, **{k: v for k, v in vars(Plain).items() if k in body["__annotations__"]}})
    )


Item = made(record)
Peer = made(dataclass(frozen=True, slots=True))
Lonely = made(record(eq=False))


@record
class Named:
    """A record with a method of its own."""

    name: str

    def __repr__(self) -> str:
        return self.name


SAME = {
    "repr": repr,
    "fields": lambda item: [part.name for part in fields(item)],
    "asdict": asdict,
    "replace": lambda item: repr(replace(item, size=3)),
    "slots": lambda item: (type(item).__slots__, type(item).__match_args__, hasattr(item, "__dict__")),
    "deepcopy": lambda item: repr(copy.deepcopy(item)),
    "new lists": lambda item: type(item)("a").parts is type(item)("a").parts,
    "equal": lambda item: (item == replace(item), item == replace(item, size=3), item == ("a",), item != 1),
    "hash": lambda item: hash(replace(item, parts=())) == hash(("a", 2, (), 0.5)),
}


@pytest.mark.parametrize("what", SAME)
def test_a_record_is_as_a_frozen_dataclass(what):
    assert SAME[what](Item("a", 2, [3])) == SAME[what](Peer("a", 2, [3]))


WRONG = {
    "set": lambda kind: setattr(kind("a"), "size", 2),
    "delete": lambda kind: delattr(kind("a"), "size"),
    "a missing part": lambda kind: kind(),
    "an unknown part": lambda kind: kind("a", other=1),
    "hash of a list": lambda kind: hash(kind("a")),
    "replace what is not there": lambda kind: replace(kind("a"), other=1),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_record_refuses_what_a_frozen_dataclass_refuses(what):
    errors = []
    for kind in (Item, Peer):
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)) as caught:
            WRONG[what](kind)
        errors.append(caught.type)
    assert errors[0] is errors[1]


def test_records_without_eq_are_equal_to_themselves_alone():
    one, other = Lonely("a"), Lonely("a")
    assert one == one and one != other and hash(one) == hash(one) and len({one, other}) == 2


def test_what_a_class_does_after_its_start_is_done():
    @record
    class Checked:
        size: int

        def __post_init__(self) -> None:
            if self.size < 0:
                raise ValueError("too small")

    assert Checked(1).size == 1
    with pytest.raises(ValueError, match="too small"):
        Checked(-1)


def test_a_method_of_the_class_stays():
    assert repr(Named("a")) == "a" and Named("a") == Named("a") and pickle.loads(pickle.dumps(Named("b"))) == Named("b")
