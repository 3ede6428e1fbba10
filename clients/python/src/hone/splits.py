"""The folds of nested cross-validation: from what a trial's `split` says, the samples to train on and to score on.

docs/methods/nested-cv.md specifies them; clients/typescript/splits.ts is the same in TypeScript.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

NEEDS = {"plain": None, "stratified": "labels", "grouped": "groups", "time-series": None}
GOLDEN = 0x9E3779B9
MASK = 0xFFFFFFFF


class Indices(NamedTuple):
    """Indices of samples, ascending: lists, which also index arrays of NumPy."""

    train: list[int]
    test: list[int]


def indices(
    split: Mapping[str, Any], labels: Iterable[Any] | None = None, groups: Iterable[Any] | None = None
) -> Indices:
    """The samples to train on and to score on.

    `split`: as an asked trial has it. `labels`, `groups`: one for each sample, in their order; stratified folds need the
    labels, grouped folds the groups. Raises ValueError when they are missing or not those of the study.
    """
    codes = _codes_for(split, {"labels": labels, "groups": groups})
    kind, folds, seed, repeat = split["kind"], split["folds"], split["seed"], split["repeat"]
    outer = _fold(range(split["samples"]), split["outer"], folds["outer"], (seed, repeat, 0), kind, codes)
    if split["inner"] is None:
        return outer
    return _fold(outer.train, split["inner"], folds["inner"], (seed, repeat, 1 + split["outer"]), kind, codes)


def inner_folds(
    split: Mapping[str, Any], labels: Iterable[Any] | None = None, groups: Iterable[Any] | None = None
) -> list[Indices]:
    """The samples of all folds that a trial is scored on: every inner fold where its split names none, otherwise one."""
    if split["inner"] is not None or split["phase"] == "refit":
        return [indices(split, labels, groups)]
    return [indices({**split, "inner": inner}, labels, groups) for inner in range(split["folds"]["inner"])]


def nested_cv(
    samples: int | None = None,
    *,
    labels: Iterable[Any] | None = None,
    groups: Iterable[Any] | None = None,
    kind: str | None = None,
    outer: int = 5,
    inner: int = 3,
    repeats: int = 1,
    together: bool = False,
    seed: int = 0,
) -> dict[str, Any]:
    """Nested cross-validation, for the `evaluation` of a study.

    `outer`, `inner`: how many folds. With `labels` they are stratified, with `groups` no group is divided, otherwise they
    are plain; `kind` says it itself, `time-series` too. The service gets digests of labels and groups only. `together`:
    one trial scores its configuration on all inner folds (`Trial.folds`), instead of a trial for each.
    """
    codes = {name: _codes(_plain(values)) for name, values in (("labels", labels), ("groups", groups)) if values is not None}
    counts = {len(of) for of in codes.values()} | ({samples} if samples is not None else set())
    if len(counts) != 1:
        raise ValueError("Give samples, labels or groups, of one length.")
    chosen = kind or ("grouped" if "groups" in codes else "stratified" if "labels" in codes else "plain")
    return {
        "type": "nested-cv",
        "samples": counts.pop(),
        "outer": {"kind": chosen, "folds": outer, "repeats": repeats},
        "inner": {"folds": inner, "together": together},
        "seed": seed,
        **{name: _digest(of) for name, of in codes.items()},
    }


def digest(values: Iterable[Any]) -> str:
    """Names which samples are equal, whatever their values are: SHA-256 over each one's code, 64 hexadecimal digits."""
    return _digest(_codes(_plain(values)))


def _digest(codes: Sequence[int]) -> str:
    return hashlib.sha256(struct.pack(f"<{len(codes)}I", *codes)).hexdigest()


def _plain(values: Iterable[Any]) -> list[Any]:
    """As values of Python, which hash much faster than those of an array."""
    to_list = getattr(values, "tolist", None)
    return list(values) if to_list is None else list(to_list())


def _codes(values: Iterable[Hashable]) -> list[int]:
    """The first value has code 0, and each value that did not occur before the next one."""
    known: dict[Hashable, int] = {}
    return [known.setdefault(value, len(known)) for value in values]


def _codes_for(split: Mapping[str, Any], given: Mapping[str, Iterable[Any] | None]) -> list[int]:
    """The codes by which the kind splits; all zero where it needs none. Whatever the study has a digest of is checked."""
    kind, samples = split["kind"], split["samples"]
    found: dict[str, list[int]] = {}
    for name, values in given.items():
        if values is None:
            if NEEDS[kind] == name:
                raise ValueError(f"Folds of the kind {kind} need `{name}`.")
            continue
        codes = found[name] = _codes(_plain(values))
        if len(codes) != samples:
            raise ValueError(
                f"There are {len(codes)} {name}, and the study has {samples} samples. "
                f"Give the {name} of all samples, in the same order."
            )
        expected = split.get(name)
        if expected is not None and _digest(codes) != expected:
            raise ValueError(
                f"These are not the {name} of the study: their digest is {_digest(codes)}, the study's is {expected}. "
                "Give the same samples in the same order."
            )
    needed = NEEDS[kind]
    return [0] * samples if needed is None else found[needed]


def _fold(
    samples: Sequence[int], fold: int, folds: int, stream: Sequence[int], kind: str, codes: Sequence[int]
) -> Indices:
    """Train and test of one fold of these samples, which are ascending."""
    if kind == "time-series":
        return _time_series_fold(samples, fold, folds)
    folded = (_grouped_folds if kind == "grouped" else _dealt_folds)(samples, folds, stream, codes)
    return Indices(
        [sample for sample, of in zip(samples, folded, strict=True) if of != fold],
        [sample for sample, of in zip(samples, folded, strict=True) if of == fold],
    )


def _dealt_folds(samples: Sequence[int], folds: int, stream: Sequence[int], codes: Sequence[int]) -> list[int]:
    """Samples are put in the order of their class and a random key, and dealt to the folds one by one."""
    _refuse_fewer(len(samples), folds, "samples")
    key = _keys(stream)
    classes = _codes(codes[sample] for sample in samples)
    order = sorted(range(len(samples)), key=lambda i: (classes[i], key(samples[i])))
    folded = [0] * len(samples)
    for rank, i in enumerate(order):
        folded[i] = rank % folds
    return folded


def _grouped_folds(samples: Sequence[int], folds: int, stream: Sequence[int], codes: Sequence[int]) -> list[int]:
    """Groups, the largest first and those of a size in random order, each go to the fold with the fewest samples."""
    groups = _codes(codes[sample] for sample in samples)
    sizes = [0] * (max(groups, default=-1) + 1)
    for group in groups:
        sizes[group] += 1
    _refuse_fewer(len(sizes), folds, "groups")
    key = _keys(stream)
    filled = [0] * folds
    fold_of_group = [0] * len(sizes)
    for group in sorted(range(len(sizes)), key=lambda group: (-sizes[group], key(group))):
        fold = filled.index(min(filled))
        fold_of_group[group] = fold
        filled[fold] += sizes[group]
    return [fold_of_group[group] for group in groups]


def _time_series_fold(samples: Sequence[int], fold: int, folds: int) -> Indices:
    """The last `folds` blocks of equal size are tested in turn, each after training on all that comes before it."""
    _refuse_fewer(len(samples), folds + 1, "samples")
    size = len(samples) // (folds + 1)
    start = len(samples) - (folds - fold) * size
    return Indices(list(samples[:start]), list(samples[start : start + size]))


def _refuse_fewer(count: int, least: int, what: str) -> None:
    if count < least:
        raise ValueError(f"{count} {what} are too few for these folds: they need at least {least}.")


def _mix(n: int) -> int:
    """Mixes 32 bits one to one (the finaliser of MurmurHash3)."""
    h = n & MASK
    h = (h ^ (h >> 16)) * 0x85EBCA6B & MASK
    h = (h ^ (h >> 13)) * 0xC2B2AE35 & MASK
    return h ^ (h >> 16)


def _keys(stream: Sequence[int]) -> Callable[[int], int]:
    """Random keys of whole numbers below 2**32, no two of them equal. `stream`: whole numbers that name the keys."""
    first = 0
    for word in stream:
        first = _mix((first ^ word) + GOLDEN)
    second = _mix(first + GOLDEN)
    return lambda n: _mix(_mix(n ^ first) ^ second)
