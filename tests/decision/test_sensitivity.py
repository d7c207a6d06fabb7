"""Which other policies would have decided otherwise."""

from __future__ import annotations

from promotion.comparison import Evidence
from promotion.decision import decide, sensitivity
from tests.builders import POLICY, SURE, evidence, spread


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
