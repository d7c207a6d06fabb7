"""Runs every test that breaks something on purpose, and prints SECURITY.md's table of faults.

`python -m tests.faults` takes about an hour and a quarter, most of it for fifty kills at random
moments; options are pytest's, as in `--numprocesses 2 --dist loadfile`. It needs Linux, faketime,
and the rights to mount.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from tests.counting import Kind, count


@dataclass
class Fault(Kind):
    """A fault, how often it was injected, what of the user's work was left, and what they saw."""

    kept: str = "all"


MACHINE, MOUNTS = "tests/faults/test_machine.py::test_", "tests/faults/test_mounts.py::test_"
DAMAGE, AROUND = "tests/faults/test_damage.py::test_", "tests/faults/test_surroundings.py::test_"
LOCKS, SERVER = "tests/faults/test_locks.py::test_", "tests/faults/test_server.py::test_"
KILLS, MOVED = "tests/faults/test_kills.py::test_", "tests/store/test_location.py::test_"
TRANSITIONS = "tests/registry/test_transitions.py::test_"
VERSIONS = "tests/registry/test_damage.py::test_"
REGISTERING = "tests/registry/test_registration.py::test_"
SERVING = "tests/registry/test_serving_server.py::test_"
FOLDERS = "tests/datasets/test_"
SAME_COMMAND = "the same command finishes"
ONE_VARIANT = "all but the training at work"

FAULTS = (
    Fault(
        "`decide`, `register`, `canary`, `report`, `rollback` killed at a random moment",
        (f"{KILLS}a_kill_at_any_moment",),
        SAME_COMMAND,
    ),
    Fault(
        "a transition killed before each of its calls of MLflow",
        (f"{TRANSITIONS}a_kill_between",),
        "the next start finishes or undoes it",
    ),
    Fault(
        "several processes in one transition, or in transitions against each other",
        (f"{TRANSITIONS}processes_at_once",),
        "one history",
    ),
    Fault(
        "a worker killed in training",
        (f"{MACHINE}a_death_in_training_costs_one_variant_at_most[worker]",),
        "which variant failed, and why; " + SAME_COMMAND,
        kept=ONE_VARIANT,
    ),
    Fault(
        "the driver killed in training",
        (
            f"{MACHINE}a_death_in_training_costs_one_variant_at_most[driver]",
            "tests/execution/test_lifetime.py",
        ),
        "no process is left; " + SAME_COMMAND,
        kept=ONE_VARIANT,
    ),
    Fault(
        "a batch killed between two variants",
        ("tests/end_to_end/test_batch.py::test_an_interrupted",),
        "what is kept, and what is trained",
    ),
    Fault(
        "a kernel killed",
        (f"{MACHINE}a_kernel_that_is_killed",),
        "the kernel was killed; " + SAME_COMMAND,
    ),
    Fault(
        "a cell that hangs",
        (f"{MACHINE}a_cell_that_hangs",),
        "which cell, after how many seconds, and the setting",
    ),
    Fault(
        "Ctrl-C once",
        (f"{MACHINE}ctrl_c_leaves_no_process_and_no_run[1]",),
        "exit 130, no process, no open run",
    ),
    Fault("Ctrl-C twice", (f"{MACHINE}ctrl_c_leaves_no_process_and_no_run[2]",), "the same"),
    Fault(
        "a run left RUNNING by a dead process",
        (f"{MACHINE}a_run_that_a_dead", "tests/execution/test_step.py::test_runs_that_a_killed"),
        "nothing; it is closed, those of others are not",
    ),
    Fault(
        "two batches in one home",
        (f"{MACHINE}two_batches", "tests/execution/test_batch.py::test_two_batches"),
        "which process is at work",
    ),
    Fault("a lock that a hanging process holds", (LOCKS,), "which process, and for how long"),
    Fault(
        "the store locked by another program",
        (f"{MACHINE}a_store_that_another",),
        "that it is locked; " + SAME_COMMAND,
    ),
    Fault(
        "the store cut short, emptied, or none",
        (f"{DAMAGE}a_store_that",),
        "which file; put a copy back",
    ),
    Fault(
        "the tracking server killed in a training, then started again",
        (f"{SERVER}a_server_that_is_killed",),
        "that it does not answer; " + SAME_COMMAND,
        kept=ONE_VARIANT,
    ),
    Fault(
        "the tracking server hangs in a training",
        (f"{SERVER}a_server_that_hangs",),
        "the same",
        kept=ONE_VARIANT,
    ),
    Fault(
        "the tracking server killed in a transition",
        (f"{TRANSITIONS}a_server_that_drops",),
        "the next start finishes it",
    ),
    Fault(
        "the disk full, or a limit on files reached",
        (f"{MOUNTS}a_full_disk", f"{MACHINE}a_full_disk"),
        "free some space; " + SAME_COMMAND,
    ),
    Fault(
        "a home that may only be read",
        (f"{MOUNTS}a_home_that_is_mounted", f"{MACHINE}a_home_that_may_only"),
        "`status` reads it, others say what to make writable",
    ),
    Fault(
        "too little memory",
        (f"{MACHINE}too_little_memory",),
        "that it was memory; " + SAME_COMMAND,
    ),
    Fault(
        "the clock two days back, or a year ahead elsewhere",
        (f"{MACHINE}a_clock", f"{DAMAGE}a_clock", f"{DAMAGE}a_note_of_a_transition"),
        "nothing; the order of events stays",
    ),
    Fault(
        "a home moved, copied, its original gone, killed between",
        (MOVED,),
        "nothing; it reads and writes its own files",
    ),
    Fault(
        "a home path of 200 characters with spaces and accents",
        (f"{MACHINE}a_home_works_under_a_long",),
        "nothing",
    ),
    Fault(
        "a file that could not be written to its end",
        (f"{MACHINE}a_file_is_written_whole",),
        "the file of before",
    ),
    Fault(
        "an artifact half written",
        (f"{DAMAGE}an_artifact",),
        "which artifact of which run is damaged",
    ),
    Fault(
        "a prepared dataset changed, half written, or half drawn",
        (
            f"{DAMAGE}a_prepared_dataset",
            f"{DAMAGE}a_manifest",
            f"{FOLDERS}preparation.py::test_a_dataset_left_half",
            f"{FOLDERS}preparation.py::test_a_changed_file",
        ),
        "which file; delete the folder and run again",
        kept="all; the dataset is made again, the same to the byte",
    ),
    Fault(
        "a user's picture or label that is damaged",
        (
            f"{DAMAGE}a_user_s_damaged",
            f"{FOLDERS}integrity.py::test_a_corrupt_image",
            f"{FOLDERS}integrity.py::test_a_bad_label",
        ),
        "the file, for labels the line",
    ),
    Fault(
        "a download damaged, replaced, or out of reach",
        (
            f"{FOLDERS}downloads.py::test_another_file",
            f"{FOLDERS}downloads.py::test_a_file_damaged",
            f"{FOLDERS}downloads.py::test_out_of_reach",
        ),
        "the file, its sums, and what to do",
    ),
    Fault(
        "starting weights that are NaN",
        (f"{DAMAGE}starting_weights",),
        "the file holds NaN, before any variant",
    ),
    Fault(
        "a training that ends in NaN",
        ("tests/training/test_trainer.py::test_weights_that_are_no_numbers",),
        "the variant diverged; no model is kept",
    ),
    Fault(
        "a variant that fails",
        ("tests/end_to_end/test_batch.py::test_a_failed_variant",),
        "which, and why; the others are trained",
    ),
    Fault(
        "a version half made, or its records damaged",
        (f"{VERSIONS}a_half_made", f"{VERSIONS}a_record", f"{VERSIONS}garbage"),
        "the version or record as such, all others as ever",
    ),
    Fault(
        "an event deleted or forged, an alias moved by hand",
        (f"{VERSIONS}a_deleted", f"{VERSIONS}a_forged", f"{VERSIONS}an_alias"),
        "a warning that names it",
    ),
    Fault(
        "an artifact or a version changed since it was measured",
        (f"{REGISTERING}an_artifact_that_changed", f"{VERSIONS}a_changed_file"),
        "refused, with the file",
    ),
    Fault(
        "a server under a flood, its client gone, ended while at work",
        (f"{SERVING}ordinary", f"{SERVING}a_client", f"{SERVING}no_process"),
        "answers go on; no work and no process is left",
    ),
    Fault(
        "no home folder, no UTF-8, no input, no reader, no temporary folder",
        (f"{AROUND}a_decision", f"{AROUND}a_reader", f"{AROUND}a_closed", f"{AROUND}a_temporary"),
        "nothing",
    ),
    Fault(
        "a file or a folder in the way",
        (f"{AROUND}a_file_or_a_folder",),
        "which; move it",
    ),
)


def table() -> str:
    """The faults as Markdown, with their sums."""
    rows = [
        "| Fault | Times | What was kept | What the user saw | Lost |",
        "|---|---:|---|---|---:|",
    ]
    rows += [
        f"| {fault.name} | {fault.tried} | {fault.kept} | {fault.seen} | {fault.failed} |"
        for fault in FAULTS
    ]
    times, lost = sum(fault.tried for fault in FAULTS), sum(fault.failed for fault in FAULTS)
    return "\n".join([*rows, f"| **{len(FAULTS)} kinds** | **{times}** | | | **{lost}** |"])


if __name__ == "__main__":
    status = count(FAULTS, *sys.argv[1:])
    print(table())
    sys.exit(status)
