"""What is published: a decision with what came of it, as decision.json and decision.md hold it."""

from __future__ import annotations

from pathlib import Path

from IPython.display import Markdown
from mlflow.tracking import MlflowClient

from promotion.audit import Finding
from promotion.canary import CanaryResult
from promotion.checksums import sha256_of
from promotion.comparison import Evidence
from promotion.decision import Decision, next_steps_of, risks_of
from promotion.errors import ChecksumError
from promotion.facts import Note
from promotion.registry import Place, RegisteredModel, place_of, registered_model
from promotion.registry.parity import Parity
from promotion.registry.registration import Registration, describe
from promotion.report.document import render
from promotion.report.language import LANGUAGES, in_language
from promotion.report.printing import as_page, on_paper
from promotion.report.sentences import (
    finding_sentence,
    next_step_sentence,
    note_sentence,
    rest_sentence,
    risk_sentence,
)
from promotion.report.showing import Shown
from promotion.store import (
    Artifact,
    Role,
    Session,
    Tag,
    VersionTag,
    artifact,
    given_or_latest,
    load_fact,
    log_bytes,
    log_fact,
    set_tags,
)
from promotion.study import Study
from promotion.whole import write_whole

DECISION_HTML, DECISION_PDF = "decision.html", "decision.pdf"
MODEL_CARD = "model_card.md"
# On two pages a list has no more than so many items; the others are in the whole document.
MOST_ON_PAPER = 8


class Told(Finding):
    """A finding with its sentence."""

    message: str

    @property
    def page(self) -> str:
        """The section of the book that explains the check."""
        return f"audit.html#{self.id}"


class ToldCanary(CanaryResult):
    """How the canary went, with the sentences of what its pictures' checks warn of."""

    dataset_warnings: list[str]


class Publication(Decision):
    """A decision with its sentences and with what came of it: version, parity, canary, place.

    `risks` and `next_steps` are sentences; `risk_notes` and `next_step_notes` are the ids and facts
    behind them, in the same order.
    """

    audit: list[Told]  # type: ignore[assignment]
    risks: list[str]
    next_steps: list[str]
    risk_notes: list[Note]
    next_step_notes: list[Note]
    model_version: str | None
    parity: Parity | None
    canary: ToldCanary | None
    place: Place

    @property
    def steps_done(self) -> list[bool]:
        """Which of a promotion's steps are done: Staging, canary, Production."""
        tested = self.canary is not None and self.canary.verdict != "continue"
        promoted = self.place in ("production", "left")
        return [self.model_version is not None, tested, promoted]


def publish(
    decision: Decision,
    evidence: Evidence,
    registration: Registration | None = None,
    canary: CanaryResult | None = None,
    place: Place = "none",
) -> Publication:
    """Assemble what is published from the decision and from what came of it."""
    number = registration.version if registration else None
    audit = [Told(**one.model_dump(), message=finding_sentence(one)) for one in decision.audit]
    failed = [one for one in audit if one.failed]
    risks, steps = risks_of(decision, evidence), next_steps_of(decision, evidence)
    return Publication(
        **{**dict(decision), "audit": audit},
        risks=[risk_sentence(one) for one in risks] + [one.message for one in failed],
        next_steps=[next_step_sentence(one, number, canary, place) for one in steps],
        risk_notes=[*risks, *(Note(id=f"audit.{one.id}", facts=one.facts) for one in failed)],
        next_step_notes=steps,
        model_version=number,
        parity=registration.parity if registration else None,
        canary=_told(canary) if canary else None,
        place=place,
    )


def _told(canary: CanaryResult) -> ToldCanary:
    warnings = [note_sentence(note) for note in canary.dataset_findings]
    return ToldCanary(**dict(canary), dataset_warnings=warnings)


def write_document(
    publication: Publication, evidence: Evidence, study: Study, most: int | None = None
) -> str:
    """The decision document, in Markdown; with `most`, longer lists end there."""
    return render("decision.md.j2", publication, evidence, study, most=most)


def write_card(publication: Publication, evidence: Evidence, study: Study) -> str:
    """The candidate's model card, in Markdown, with the sections of Hugging Face's."""
    return render("model_card.md.j2", publication, evidence, study)


def write_files(publication: Publication, evidence: Evidence, study: Study) -> dict[str, str]:
    """What a reader takes away, in the language spoken, by the names of the files."""
    document = write_document(publication, evidence, study)
    return {
        Artifact.DECISION_MD: document,
        DECISION_HTML: as_page(document),
        Artifact.DECISION_JSON: publication.model_dump_json(indent=2),
        MODEL_CARD: write_card(publication, evidence, study),
    }


def write_sheet(publication: Publication, evidence: Evidence, study: Study) -> str:
    """The decision document as it is printed, in Markdown: short enough for two pages."""
    return write_document(publication, evidence, study, MOST_ON_PAPER)


def write_summary(publication: Publication, evidence: Evidence, study: Study) -> str:
    """What the landing page shows, in Markdown."""
    return render("summary.md.j2", publication, evidence, study, forest=_forest(publication, study))


def _forest(publication: Publication, study: Study) -> str:
    """The plot of the differences beside what the policy demands, as the page has it."""
    # The plots bring seaborn, which whoever only reads a decision does not need.
    from promotion.report import plots
    from promotion.report.figures import as_html

    figure = plots.differences(
        publication.comparison,
        study.policy.required_differences,
        {one.metric: one.required for one in publication.objectives},
        publication.images,
        publication.persons,
    )
    # An empty line would end the figure's HTML within Markdown.
    return "\n".join(line for line in as_html(figure).splitlines() if line.strip())


def record_publication(
    session: Session,
    decision: Decision,
    evidence: Evidence,
    registration: Registration | None = None,
    canary: CanaryResult | None = None,
    place: Place = "none",
) -> Publication:
    """Log what is published at this step, for programs and, in every language, for readers."""
    client, run_id, study = session.client, session.run_id, session.study
    files: dict[str, bytes] = {}
    sheets: dict[str, str] = {}
    for language in LANGUAGES:
        with in_language(language):
            told = publish(decision, evidence, registration, canary, place)
            for name, content in write_files(told, evidence, study).items():
                files[Artifact.document(name, language)] = content.encode()
            sheet = Artifact.document(DECISION_PDF, language)
            sheets[sheet] = write_sheet(told, evidence, study)
    for name, file in {**files, **on_paper(sheets)}.items():
        log_bytes(client, run_id, name, file)
    published = publish(decision, evidence, registration, canary, place)
    summary = write_summary(published, evidence, study)
    log_bytes(client, run_id, Artifact.SUMMARY, summary.encode())
    log_fact(client, run_id, Artifact.EVIDENCE, evidence)
    told_here = {Tag.VERDICT: published.verdict, Tag.NOTE: files[Artifact.DECISION_MD].decode()}
    set_tags(client, run_id, {**told_here, **_digests(client, run_id)})
    return published


def publish_step(
    session: Session,
    decision: Decision,
    evidence: Evidence,
    registration: Registration,
    canary: CanaryResult | None = None,
) -> Publication:
    """Publish what stands after a step of the registry, in its run and on the version."""
    model, number = registered_model(session), registration.version
    place = place_of(model, number) if number else "none"
    published = record_publication(session, decision, evidence, registration, canary, place)
    if number is not None:
        document = write_document(published, evidence, session.study)
        describe(model, number, document, rest_sentence(decision))
        attach(model, number, session.run_id)
    return published


def attach(model: RegisteredModel, number: str, run_id: str) -> None:
    """Say on a version where its documents are: in the artifacts of the run that published them."""
    for file in model.client.list_artifacts(run_id):
        if file.path.partition(".")[0] in ("decision", "model_card"):
            address = f"runs:/{run_id}/{file.path}"
            tag = VersionTag.document(file.path)
            model.client.set_model_version_tag(model.name, number, tag, address)


def record_picture(session: Session, shown: Shown) -> None:
    """Log the picture that the landing page shows, as a page has it, in each language."""
    for language, bundle in shown.bundles.items():
        name = Artifact.document(Artifact.PICTURE, language)
        log_bytes(session.client, session.run_id, name, bundle["text/html"].encode())


def criteria(publication: Publication, evidence: Evidence, study: Study) -> Markdown:
    """The table of the policy's criteria, as the document has it."""
    return Markdown(render("criteria.md.j2", publication, evidence, study))  # type: ignore[no-untyped-call]


def load_decision(session: Session, run_id: str) -> tuple[Decision, Evidence]:
    """Read a decision and its evidence from its run; an empty id takes the study's newest.

    Raises:
        ChecksumError: one of them was changed since it was made.
    """
    run_id = given_or_latest(session, run_id, Role.DECISION)
    client = session.client
    tags = client.get_run(run_id).data.tags
    changed = [tag for tag, found in _digests(client, run_id).items() if tags.get(tag) != found]
    if changed:
        raise ChecksumError(
            f"run {run_id}: its {changed[0].partition('.')[2].removesuffix('_sha256')} was changed "
            "since it was made; run `python -m promotion decide` again"
        )
    decision = load_fact(client, run_id, Artifact.DECISION_JSON, Decision)
    return decision, load_fact(client, run_id, Artifact.EVIDENCE, Evidence)


def _digests(client: MlflowClient, run_id: str) -> dict[str, str]:
    """The SHA-256 of what a decision rests on, by the tag that keeps it."""
    kept = {Tag.DECISION_SHA256: Artifact.DECISION_JSON, Tag.EVIDENCE_SHA256: Artifact.EVIDENCE}
    return {tag: sha256_of(artifact(client, run_id, path)) for tag, path in kept.items()}


def write_home(home: Path, publication: Publication, document: str) -> None:
    """Put decision.md and decision.json where the user looks for them."""
    write_whole(home / "decision.md", document)
    write_whole(home / "decision.json", publication.model_dump_json(indent=2))
