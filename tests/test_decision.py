from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotion.audit.checks import audit
from promotion.audit.experiment import experiment_of
from promotion.comparison.evidence import (
    Evidence,
    FailedVariant,
    MetricComparison,
    RunFacts,
    SplitFacts,
)
from promotion.comparison.selection import (
    pareto_front,
    select,
    selection_optimism,
    settling,
    summarise,
)
from promotion.comparison.statistics import EvaluatedRun
from promotion.decision.decision import AuditFinding, decide, sensitivity
from promotion.paths import ROOT
from promotion.report.document import complete, render, turning_sentence
from promotion.study.loading import load_study
from promotion.study.policy import Policy
from tests.test_statistics import random_matches

POLICY = Policy.model_validate(
    {
        "objectives": [
            {"metric": "mAP50", "smallest_gain": 0.02},
            {"metric": "recall", "smallest_gain": 0.05},
        ],
        "gates": [{"measure": "latency_p95_ms", "at_most": 50}],
    }
)


def run(configuration: str, seed: int, map50: float, **changes: object) -> RunFacts:
    costs = {"latency_p50_ms": 10.0, "latency_p95_ms": 20.0, "energy_wh": 0.5}
    imgsz = "384" if configuration == "big" else "256"
    params = {"epochs": "4", "imgsz": imgsz, "lr0": "0.01", "batch": "16", "optimizer": "SGD"}
    facts: dict[str, object] = {
        "run_name": f"{configuration}_s{seed}",
        "run_id": f"id-{configuration}-{seed}",
        "configuration": configuration,
        "params": {**params, "seed": str(seed), "applied_lr0": "0.01"},
        "metrics": {
            "mAP50": map50,
            "mAP50-95": map50 / 2,
            "precision": 0.8,
            "recall": 0.6,
            "threshold": 0.3,
            "train_seconds": 60.0,
            **costs,
        },
        "weights_sha256": f"sha-{configuration}-{seed}",
        "measured_sha256": f"sha-{configuration}-{seed}",
        "dataset_digest": "d" * 64,
        "training_code": "code",
        "parameters_sha256": f"sha-{configuration}-{seed}",
    }
    return RunFacts.model_validate({**facts, **changes})


def compared(metric: str, gain: float, better: float) -> MetricComparison:
    return MetricComparison(
        metric=metric,
        candidate=0.5 + gain,
        baseline=0.5,
        difference=gain,
        interval=(gain - 0.02, gain + 0.02),
        candidate_interval=(0.45, 0.6),
        baseline_interval=(0.4, 0.55),
        candidate_seed_sd=0.01,
        baseline_seed_sd=0.01,
        image_error=0.008,
        seed_error=0.006,
        probability_better=better,
    )


def draws(probability: float) -> list[float]:
    """Plausible differences, this share of them beyond any policy and the rest short of it."""
    beyond = round(1000 * probability)
    return [1.0] * beyond + [-1.0] * (1000 - beyond)


DIAGNOSIS = {
    "points": [],
    "ece": 0.1,
    "bins": [],
    "errors": [],
    "sizes": [],
    "boxes_per_image": 4.0,
    "most_boxes": 300,
}


def evidence(worth: float = 0.99, not_lost: float = 0.99, **changes: object) -> Evidence:
    runs = [run("big", s, 0.5 + s / 100) for s in (1, 2, 3)]
    runs += [run("small", s, 0.4 + s / 100) for s in (1, 2, 3)]
    test = {"mAP50": 0.55, "mAP50-95": 0.3, "precision": 0.8, "recall": 0.6, "threshold": 0.3}
    facts: dict[str, object] = {
        "study": "default",
        "dataset_source": "street_scenes",
        "dataset_digest": "d" * 64,
        "dataset_warnings": [],
        "splits": {s: SplitFacts(images=100, persons=600) for s in ("train", "val", "test")},
        "runs": runs,
        "configurations": summarise(runs),
        "failed": [],
        "candidate_configuration": "big",
        "baseline_configuration": "small",
        "candidate_run": "big_s3",
        "baseline_run": "small_s3",
        "test_metrics": {one.run_name: test for one in runs},
        "test_intervals": {"mAP50": (0.5, 0.6)},
        "comparison": [
            compared("mAP50", 0.05, worth),
            compared("mAP50-95", 0.03, 0.9),
            compared("precision", 0.0, 0.5),
            compared("recall", 0.01, 0.6),
        ],
        "draws": {
            "mAP50": draws(worth),
            "mAP50-95": draws(0.9),
            "precision": draws(0.5),
            "recall": draws(not_lost),
        },
        "untrained": {
            "name": "yolov8n_e0_sz256",
            "person_class": "person",
            "val_metrics": test,
            "test_metrics": test,
            "comparison": [compared("mAP50", 0.1, 0.99)],
        },
        "optimism": 0.004,
        "diagnoses": {one.run_name: DIAGNOSIS for one in runs},
        "confidence": 0.95,
        "replicates": 2000,
        "energy_method": "estimated",
        "hardware": "a processor × 2, 24 GiB",
        "code_version": "abc",
    }
    return Evidence.model_validate({**facts, **changes})


def verdict(
    found: Evidence, policy: Policy = POLICY, checks: list[AuditFinding] | None = None
) -> str:
    return decide(found, policy, checks or []).verdict


def test_an_established_gain_with_every_gate_passed_is_promoted() -> None:
    assert verdict(evidence()) == "promote"


def test_a_gain_ruled_out_is_rejected() -> None:
    assert verdict(evidence(worth=0.01)) == "reject"


def test_anything_between_is_inconclusive() -> None:
    assert verdict(evidence(worth=0.7)) == "inconclusive"


def test_a_lost_second_objective_is_rejected_and_an_open_one_is_not_promoted() -> None:
    assert verdict(evidence(not_lost=0.01)) == "reject"
    assert verdict(evidence(not_lost=0.7)) == "inconclusive"


def test_a_failed_gate_rejects_whatever_the_gain() -> None:
    strict = POLICY.model_copy(update={"gates": load_gates(19.9)})
    assert verdict(evidence(), strict) == "reject"


def load_gates(limit: float) -> list[object]:
    policy = {"measure": "latency_p95_ms", "at_most": limit}
    return list(Policy.model_validate({**POLICY.model_dump(), "gates": [policy]}).gates)


def test_a_gate_that_nothing_measured_does_not_pass() -> None:
    runs = [
        one.model_copy(update={"metrics": {k: v for k, v in one.metrics.items() if "p95" not in k}})
        for one in evidence().runs
    ]
    decided = decide(evidence(runs=runs), POLICY, [])
    assert decided.gates[0].value is None
    assert not decided.gates[0].passed
    assert decided.verdict == "reject"


def test_a_blocking_check_rejects_and_a_warning_does_not() -> None:
    def check(severity: str) -> list[AuditFinding]:
        facts = {"id": "x", "severity": severity, "passed": False, "message": "m"}
        return [AuditFinding.model_validate(facts)]

    assert verdict(evidence(), checks=check("blocking")) == "reject"
    assert verdict(evidence(), checks=check("warning")) == "promote"


def test_one_seed_is_never_enough_to_promote() -> None:
    one = [c.model_copy(update={"candidate_seed_sd": None}) for c in evidence().comparison]
    assert verdict(evidence(comparison=one)) == "inconclusive"


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_evidence_of_a_gain_never_turns_promotion_into_rejection(a: float, b: float) -> None:
    order = {"reject": 0, "inconclusive": 1, "promote": 2}
    low, high = sorted((a, b))
    assert order[verdict(evidence(worth=low))] <= order[verdict(evidence(worth=high))]


def test_selection_takes_the_best_mean_and_its_best_run() -> None:
    runs = [run("a", 1, 0.9), run("a", 2, 0.1), run("b", 1, 0.6), run("b", 2, 0.62)]
    chosen = select([*runs, run("base", 1, 0.95)], "base", POLICY)
    assert (chosen.candidate, chosen.candidate_run) == ("b", "b_s2")
    assert chosen.baseline_run == "base_s1"


@pytest.mark.parametrize("configurations", [("a",), ("base",)])
def test_selection_needs_a_baseline_and_a_rival(configurations: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="no complete run"):
        select([run(name, 1, 0.5) for name in configurations], "base", POLICY)


def test_the_pareto_front_holds_what_nothing_beats() -> None:
    points = {"cheap": (1.0, 0.3), "good": (3.0, 0.6), "beaten": (3.5, 0.5), "twin": (1.0, 0.3)}
    assert pareto_front(points) == ["cheap", "good", "twin"]


def audited(found: Evidence) -> list[AuditFinding]:
    return audit(experiment_of(found, POLICY, "weights.pt"))


def test_the_evidence_of_a_clean_study_passes_every_check_that_can_be_made() -> None:
    assert [check.id for check in audited(evidence()) if check.failed] == []


def test_the_evidence_carries_what_the_audit_needs() -> None:
    runs = evidence().runs
    twins = [one.model_copy(update={"parameters_sha256": "same"}) for one in runs]
    other = [one.model_copy(update={"measured_sha256": "other"}) for one in runs]
    mixed = [*runs[1:], runs[0].model_copy(update={"dataset_digest": "other"})]
    unlike = [
        one.model_copy(update={"params": {**one.params, "applied_lr0": "0.002"}}) for one in runs
    ]
    failed = [FailedVariant(run_name="big_s4", error="out of memory")]
    for identity, changes in (
        ("parameter-effect", {"runs": twins}),
        ("measured-artifact", {"runs": other}),
        ("same-conditions", {"runs": mixed}),
        ("applied-as-requested", {"runs": unlike}),
        ("complete-grid", {"failed": failed}),
        ("overlap", {"dataset_warnings": ["a.jpg nearly repeats b.jpg"]}),
    ):
        assert identity in [check.id for check in audited(evidence(**changes)) if check.failed]


SECTIONS = (
    "## Objectifs et contraintes",
    "## Candidat promu",
    "## Comparaison (résumé)",
    "### Alternatives",
    "### Pour",
    "### Contre",
    "### Observations",
    "### Critères",
    "## Risques et mitigations",
    "## Décision",
    "### Étapes suivantes",
)


@pytest.mark.parametrize("worth", [0.99, 0.7, 0.01])
def test_the_document_has_the_lab_s_sections_whatever_the_verdict(worth: float) -> None:
    study = load_study(ROOT / "studies" / "default.yaml").model_copy(update={"policy": POLICY})
    found = evidence(worth=worth)
    decision = complete(decide(found, POLICY, audited(found)), found)
    document = render("decision.md.j2", decision, found, study)
    places = [document.index(section) for section in SECTIONS]
    assert places == sorted(places)
    assert decision.risks
    assert decision.next_steps
    for adjective in ("rapide", "lent", "léger", "stable ", "faible coût"):
        assert adjective not in document.replace("si les performances sont stables", "")
    assert not re.search(r";\n(?!- )", document)


def test_the_images_that_would_settle_grow_as_the_square_of_the_precision() -> None:
    alone = compared("mAP50", 0.03, 0.7).model_copy(update={"image_error": 0.01, "seed_error": 0.0})
    # The normal quantile at 95% is 1.645: the gap of 0.01 needs an error of 0.0061.
    needed = settling(alone, 0.02, 100, 3, 0.95)
    assert needed.images == pytest.approx(271, rel=0.02)
    assert needed.seeds is None
    assert settling(alone, 0.03, 100, 3, 0.95).images is None


def test_where_seeds_dominate_only_seeds_settle() -> None:
    seeds = compared("mAP50", 0.03, 0.7).model_copy(
        update={"image_error": 0.001, "seed_error": 0.01}
    )
    needed = settling(seeds, 0.02, 100, 3, 0.95)
    assert needed.images is None
    assert needed.seeds is not None
    assert needed.seeds > 3
    assert needed.both is not None
    assert needed.both[1] <= needed.seeds


def test_one_of_several_rivals_needs_more_evidence() -> None:
    runs = [run(name, s, 0.5) for name in ("small", "big", "c", "d") for s in (1, 2, 3)]
    crowded = evidence(worth=0.97, runs=runs, configurations=summarise(runs))
    assert crowded.rivals == 3
    assert verdict(crowded) == "inconclusive"
    assert verdict(evidence(worth=0.97)) == "promote"


def test_a_stricter_policy_never_promotes_what_a_looser_one_does_not() -> None:
    for worth in (0.6, 0.93, 0.96, 0.995):
        found = {one.name: one.verdict for one in sensitivity(evidence(worth=worth), POLICY, [])}
        assert found["as_is"] == verdict(evidence(worth=worth))
        for part in ("gain", "confidence", "gates", "all"):
            if found[f"{part}.stricter"] == "promote":
                assert found["as_is"] == "promote"
            if found["as_is"] == "promote":
                assert found[f"{part}.looser"] == "promote"


def spread(mean: float, sd: float) -> dict[str, list[float]]:
    """Draws of a difference of mAP50 known to ± sd; the other metrics are beyond doubt."""
    values = np.random.default_rng(0).normal(mean, sd, 2000)
    return {**evidence().draws, "mAP50": values.tolist()}


def test_another_smallest_gain_is_another_claim() -> None:
    found = evidence(draws=spread(0.030, 0.005))
    told = {one.name: one.verdict for one in sensitivity(found, POLICY, [])}
    assert (told["as_is"], told["gain.looser"]) == ("promote", "promote")
    assert (told["gain.stricter"], told["confidence.stricter"]) == ("inconclusive", "inconclusive")
    short = evidence(draws=spread(0.012, 0.001))
    told = {one.name: one.verdict for one in sensitivity(short, POLICY, [])}
    assert (told["as_is"], told["gain.looser"]) == ("reject", "promote")


@given(st.floats(0.0, 0.1), st.floats(0.5, 0.99))
def test_what_is_exceeded_with_a_probability_is_exceeded_with_it(
    mean: float, probability: float
) -> None:
    found = evidence(draws=spread(mean, 0.01))
    difference = found.exceeded("mAP50", probability)
    assert found.probability_above("mAP50", difference) == pytest.approx(probability, abs=0.002)


def test_the_document_says_what_gain_is_established_and_which_policies_turn_the_verdict() -> None:
    found = evidence(draws=spread(0.032, 0.005))
    decision = complete(decide(found, POLICY, audited(found)), found)
    told = turning_sentence(decision, found)
    assert "dépasse +0,02" in told
    assert "gain utile augmenté de moitié" in told
    firm = evidence()
    assert "Aucune des 8 politiques" in turning_sentence(
        complete(decide(firm, POLICY, audited(firm)), firm), firm
    )


def test_costs_that_look_alike_do_not_speak_against_the_candidate() -> None:
    study = load_study(ROOT / "studies" / "default.yaml").model_copy(update={"policy": POLICY})

    def against(milliseconds: float) -> str:
        runs = [run("small", 3, 0.4), run("big", 3, 0.5)]
        dearer = {**runs[1].metrics, "latency_p50_ms": milliseconds}
        runs[1] = runs[1].model_copy(update={"metrics": dearer})
        found = evidence(runs=runs, configurations=summarise(runs))
        decision = complete(decide(found, POLICY, audited(found)), found)
        return render("decision.md.j2", decision, found, study).split("### Contre")[1]

    assert "latence médiane (ms)\u00a0: 10,0 contre 10,0" not in against(10.02)
    assert "latence médiane (ms)\u00a0: 12,0 contre 10,0" in against(12.0)


def test_the_first_objective_must_gain_and_the_others_keep() -> None:
    assert POLICY.required_differences == {"mAP50": 0.02, "recall": -0.05}


def test_the_best_of_equals_looks_better_than_it_is() -> None:
    rivals = {
        name: [EvaluatedRun(random_matches(seed * 10 + k, 40), 0.5) for k in range(3)]
        for seed, name in enumerate("abcd")
    }
    assert selection_optimism(rivals, "mAP50", 200) > 0
    alone = {"a": rivals["a"]}
    assert selection_optimism(alone, "mAP50", 400) == pytest.approx(0, abs=0.02)
