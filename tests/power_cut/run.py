"""The choice of places and losses, and the states that they leave, one after the other."""

import hashlib
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.server import Sandbox
from tests.power_cut.disk import LOSSES, Loss, Sync, write_tree
from tests.power_cut.judge import CutOutcome, judge_state
from tests.power_cut.workload import Recording, open_installation

REPLAYED_SHARE = 8
"""A replay is run on the states after the commands, and on every so many others."""


ROUNDS = 5


@dataclass(frozen=True)
class Cut:
    """A power cut before the operation `place`; the number says how to repeat it."""

    number: int
    place: int
    loss: Loss


@dataclass(frozen=True)
class CutState:
    """The disk after a cut, its contents by path. `lost_changes` says whether it differs from a killed program's."""

    cut: Cut
    tree: Mapping[str, bytes | None]
    digest: str


def choose_cuts(recording: Recording, count: int, seed: int) -> list[Cut]:
    """Return cuts in order of their places: spread over all operations, every third one beside a sync or its end."""
    rng = random.Random(seed)
    end = len(recording.operations)
    ends = recording.list_ends()
    syncs = [number for number, operation in enumerate(recording.operations) if isinstance(operation, Sync)]
    beside_syncs = [number + rng.choice((0, 1)) for number in syncs]
    places = [*ends, *rng.sample(beside_syncs, min(len(beside_syncs), count // 3))][:count]
    places += [round((number + rng.random()) * end / (count - len(places))) for number in range(count - len(places))]
    losses = [LOSSES[number % len(LOSSES)] for number in range(count)]
    rng.shuffle(losses)
    pairs = sorted(zip(places, losses, strict=True), key=lambda pair: pair[0])
    return [Cut(number, place, loss) for number, (place, loss) in enumerate(pairs)]


def build_states(recording: Recording, cuts: list[Cut], seed: int) -> Iterator[CutState]:
    """Yield the disk that each cut leaves: in rounds over all operations, so that the first cuts are everywhere.

    The cuts are in order of their places.
    """
    for first in range(ROUNDS):
        disk = recording.recorder.new_disk()
        waiting = iter(recording.operations)
        for cut in cuts[first::ROUNDS]:
            while disk.operations < cut.place and (operation := next(waiting, None)) is not None:
                disk.do(operation)
            tree = disk.cut_power(cut.loss, random.Random(f"{seed} {cut.number}"))
            yield CutState(cut, tree, _hash_tree(tree))


def run_state(state: CutState, folder: Path, sandbox: Sandbox, store: str, recording: Recording) -> CutOutcome:
    """Write a state into a new folder and run the product on it. The folder stays when a fault was found."""
    folder.mkdir(parents=True)
    write_tree(folder, state.tree)
    product, loaded_days = open_installation(folder, sandbox, store), recording.list_loaded_days(state.cut.place)
    with_replay = state.cut.number % REPLAYED_SHARE == 0 or state.cut.place in recording.list_ends()
    outcome = judge_state(product, loaded_days, with_replay=with_replay)
    if not outcome.faults:
        shutil.rmtree(folder)
    return outcome


def count_faults(outcomes: Mapping[Cut, CutOutcome]) -> Counter[str]:
    """Return the number of cuts with a fault by the kind of loss."""
    return Counter(str(cut.loss) for cut, outcome in outcomes.items() if outcome.faults)


def _hash_tree(tree: Mapping[str, bytes | None]) -> str:
    digest = hashlib.sha256()
    for path, content in tree.items():
        digest.update(repr((path, content is None, len(content or b""))).encode())
        digest.update(content or b"")
    return digest.hexdigest()
