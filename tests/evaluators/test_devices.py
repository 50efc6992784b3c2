import pytest

from hyperspace.evaluators.devices import count_devices, share_devices


def shares(visible, found=0, hosts=None):
    """Return what each rank is to see, given what it sees now."""
    hosts = hosts or ["node"] * len(visible)
    seen = list(zip(hosts, visible, strict=True))
    return [share_devices(seen, rank, found) for rank in range(len(seen))]


def test_ranks_of_a_machine_share_its_gpus_out():
    assert shares([None] * 4, found=4) == ["0", "1", "2", "3"]
    assert shares([None] * 2, found=4) == ["0,1", "2,3"]
    assert shares([None] * 3, found=4) == ["0", "1", "2,3"]


def test_more_ranks_than_gpus_take_them_in_turn():
    assert shares([None] * 5, found=2) == ["0", "1", "0", "1", "0"]


def test_each_machine_counts_its_own_ranks():
    assert shares([None] * 4, found=2, hosts=["a", "b", "a", "b"]) == ["0", "0", "1", "1"]


def test_a_list_that_is_set_is_respected():
    assert shares(["2,5"] * 2, found=8) == ["2", "5"]
    assert shares(["GPU-5a, MIG-7/1/0"] * 2, found=8) == ["GPU-5a", "MIG-7/1/0"]


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        ([None, None], 0),  # no GPU
        ([None, None], 1),  # one, for all
        (["3", "3"], 8),  # one was chosen for all
        (["", ""], 8),  # none is to be seen
        (["0", "1"], 2),  # the launcher has given one each
        (["0,1", "2,3"], 4),  # the launcher has given two each
        ([None], 4),  # a rank alone may use all
    ],
)
def test_there_is_nothing_to_do(visible, found):
    assert shares(visible, found) == [None] * len(visible)


def test_devices_are_counted_by_their_files(tmp_path):
    for name in ("nvidia0", "nvidia1", "nvidia12", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert count_devices(tmp_path) == 3
    assert count_devices(tmp_path / "nowhere") == 0


def test_ranks_and_workers_see_their_own(mpirun):
    program = """
import os, sys
from hyperspace import hyperdrive
def seen(x):
    device = os.environ["CUDA_VISIBLE_DEVICES"]
    return {"loss": x[0], "device": float(device)}
if __name__ == "__main__":
    for isolate in (False, True):
        result = hyperdrive(seen, [(0.0, 1.0)], None, checkpoints=False, n_iterations=1, model="RAND", isolate=isolate)
        if os.environ["PMI_RANK"] == "0":
            trials = result.trials.sort_values("rank")
            print(trials["rank"].tolist(), trials["device"].tolist())
"""
    assert mpirun(2, program, CUDA_VISIBLE_DEVICES="4,7").stdout == "[0, 1] [4.0, 7.0]\n" * 2
