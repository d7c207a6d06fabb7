"""MLflow is told of a dataset all that later steps look at, and nothing is read from disk again."""

from __future__ import annotations

import pandas as pd

from promotion.datasets import (
    SPLITS,
    Manifest,
    PreparedDataset,
    ground_truth,
    images_of,
    person_heights,
    record_dataset,
)
from promotion.store import Artifact, Session, artifact, load_fact, load_table


def test_later_steps_find_the_pictures_and_boxes_in_the_run(
    session: Session, streets: PreparedDataset
) -> None:
    record_dataset(session, streets)
    client, run_id = session.client, session.run_id
    assert load_fact(client, run_id, Artifact.MANIFEST, Manifest) == streets.manifest
    for split in ("val", "test"):
        truth = load_table(client, run_id, Artifact.ground_truth(split))
        pd.testing.assert_frame_equal(truth, ground_truth(streets.folder, split))
        pictures = artifact(client, run_id, Artifact.images(split))
        names = [path.name for path in images_of(streets.folder, split)]
        assert sorted(path.name for path in pictures.iterdir()) == names
    data = client.get_run(run_id)
    for split in SPLITS:
        assert data.data.metrics[f"{split}_images"] == 4
        assert data.data.metrics[f"{split}_persons"] == streets.manifest.instances[split]
    inputs = {one.dataset.name: one.dataset.digest for one in data.inputs.dataset_inputs}
    assert inputs == {f"street_scenes_{s}": streets.manifest.digest[:12] for s in SPLITS}


def test_heights_are_those_of_the_annotated_persons(streets: PreparedDataset) -> None:
    for split, heights in person_heights(streets).items():
        assert len(heights) == streets.manifest.instances[split]
        assert min(heights) >= 9
