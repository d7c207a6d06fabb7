"""What speaks for and against a candidate, and what a reviewer must know whatever the verdict."""

from __future__ import annotations

from promotion.report.arguments import arguments_against
from promotion.report.publication import write_summary
from tests.builders import STUDY, evidence
from tests.report.builders import published


def test_a_lower_precision_of_the_run_to_be_registered_speaks_against_it() -> None:
    """Means over seeds may gain where the one run that would serve loses."""
    found = evidence()
    metrics = {name: dict(values) for name, values in found.test_metrics.items()}
    theirs = metrics[found.baseline_run]["precision"]
    assert not any("run retenu" in one for one in arguments_against(published(found), found))
    metrics[found.candidate_run]["precision"] = theirs - 0.1
    found = evidence(test_metrics=metrics)
    against = arguments_against(published(found), found)
    assert any(one.startswith("précision du run retenu") for one in against)


def test_the_landing_page_tells_the_question_and_what_a_reviewer_must_know() -> None:
    found = evidence()
    summary = write_summary(published(found), found, STUDY)
    for told in (
        "384 px au lieu de 256 px, de nuit",
        "sont manquées",
        "fois le temps",
        "dessinées",
    ):
        assert told in summary
