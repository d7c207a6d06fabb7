"""Which other policies would have decided otherwise."""

from __future__ import annotations

from promotion.comparison import Evidence
from promotion.decision import decide, sensitivity
from tests.builders import POLICY, SURE, evidence, law_above, spread


def told(found: Evidence) -> dict[str, str]:
    return {one.name: one.verdict for one in sensitivity(found, POLICY, [])}


def test_a_stricter_policy_never_promotes_what_a_looser_one_does_not() -> None:
    for worth in (0.6, 0.93, 0.96, 0.995):
        verdicts = told(evidence(worth=worth, not_lost=SURE))
        assert verdicts["as_is"] == decide(evidence(worth=worth, not_lost=SURE), POLICY, []).verdict
        for part in ("gain", "confidence", "gates", "all"):
            if verdicts[f"{part}.stricter"] == "promote":
                assert verdicts["as_is"] == "promote"
            if verdicts["as_is"] == "promote":
                assert verdicts[f"{part}.looser"] == "promote"


def test_another_smallest_gain_is_another_claim() -> None:
    """Had the draws not been judged anew, every policy would give the study's own verdict."""
    clear = told(spread(0.030, 0.005))
    assert (clear["as_is"], clear["gain.looser"]) == ("promote", "promote")
    assert (clear["gain.stricter"], clear["confidence.stricter"]) == ("inconclusive",) * 2
    short = told(spread(0.012, 0.001))
    assert (short["as_is"], short["gain.looser"]) == ("reject", "promote")


def test_another_confidence_is_asked_of_every_objective() -> None:
    """The opening's level was fixed by the study's confidence, and would hide any other."""
    sure = evidence().untrained.difference("mAP50").model_copy(update={"law": law_above(0.0, SURE)})
    untrained = evidence().untrained.model_copy(update={"comparison": [sure]})
    found = evidence(worth=0.98, not_lost=SURE, untrained=untrained)
    verdicts = told(found)
    assert (verdicts["as_is"], verdicts["confidence.stricter"]) == ("promote", "inconclusive")
    found = evidence(worth=0.95, not_lost=SURE, untrained=untrained)
    verdicts = told(found)
    assert (verdicts["as_is"], verdicts["confidence.looser"]) == ("inconclusive", "promote")


def test_a_looser_gain_asks_no_more_of_what_must_merely_be_kept() -> None:
    """What another objective may lose is no gain: half of it would be stricter, not looser."""
    verdicts = told(evidence(not_lost=0.98))
    assert (verdicts["as_is"], verdicts["gain.looser"]) == ("promote", "promote")
