"""Every name that is written to MLflow stands here, once."""

from __future__ import annotations

STAGING, PRODUCTION, PREVIOUS = "staging", "production", "previous"


class Role:
    """What a run is in the flow (tag `promotion.role`)."""

    DATASET = "dataset"
    VARIANT = "variant"
    SELECTION = "selection"
    COMPARISON = "comparison"
    DIAGNOSIS = "diagnosis"
    DECISION = "decision"
    REGISTRATION = "registration"
    CANARY = "canary"
    SUBMISSION = "submission"


class ExperimentTag:
    """The tags of an experiment, which MLflow's interface reads."""

    KIND = "mlflow.experimentKind"

    @staticmethod
    def view(name: str) -> str:
        """The tag of a view of the runs, as sharing one by its link leaves it."""
        return f"mlflow.sharedViewState.{name}"


class Tag:
    """The tags of a run."""

    ROLE = "promotion.role"
    USER = "mlflow.user"
    SOURCE = "mlflow.source.name"
    SOURCE_TYPE = "mlflow.source.type"
    NOTE = "mlflow.note.content"
    STUDY = "promotion.study"
    CONFIGURATION = "promotion.configuration"
    HOME = "promotion.home"
    FINGERPRINT = "promotion.fingerprint"
    INPUTS = "promotion.inputs"
    COMPLETE = "promotion.complete"
    DATASET_DIGEST = "promotion.dataset_digest"
    CODE_VERSION = "promotion.code_version"
    WEIGHTS_SHA256 = "promotion.weights_sha256"
    MEASURED_SHA256 = "promotion.measured_sha256"
    TRAINING_CODE = "promotion.training_code"
    CHECKPOINT_SHA256 = "promotion.checkpoint_sha256"
    PARAMETERS_SHA256 = "promotion.parameters_sha256"
    START_SHA256 = "promotion.start_sha256"
    HARDWARE = "promotion.hardware"
    ENERGY_METHOD = "promotion.energy_method"
    LIBRARIES = "promotion.libraries"
    VERDICT = "promotion.verdict"
    CANARY = "promotion.canary"
    REGISTERED_MODEL = "promotion.registered_model"
    VERSION = "promotion.model_version"
    ERROR = "promotion.error"
    TEST_DIGEST = "promotion.test_digest"
    DECISION_SHA256 = "promotion.decision_sha256"
    EVIDENCE_SHA256 = "promotion.evidence_sha256"

    @staticmethod
    def opening(question: str) -> str:
        """The tag of one opening of a test, on the dataset's run and on the comparison's."""
        return f"promotion.opening.{question}"

    @staticmethod
    def is_opening(key: str) -> bool:
        """Whether a tag is of an opening."""
        return key.startswith("promotion.opening.")


class VersionTag:
    """The tags of a registered version."""

    RUN_NAME = "run_name"
    FINGERPRINT = "fingerprint"
    VERDICT = "verdict"
    THRESHOLD = "threshold"
    WEIGHTS_SHA256 = "weights_sha256"
    DATASET_DIGEST = "dataset_digest"
    STUDY = "study"
    CANARY = "canary"
    FILES_SHA256 = "files_sha256"

    @staticmethod
    def document(name: str) -> str:
        """The tag that says where a document is that tells of the version, such as its card."""
        return f"document.{name}"

    @staticmethod
    def difference(metric: str) -> str:
        """The tag of a metric on test: candidate, baseline, their difference and its interval."""
        return f"test.{metric}"


class Artifact:
    """The artifacts of a run."""

    MODEL = "weights/model.onnx"
    CHECKPOINT = "weights/checkpoint.pt"
    MANIFEST = "manifest.json"
    STUDY = "study.json"
    NOTEBOOK = "notebook.ipynb"
    TRACEBACK = "traceback.txt"
    SELECTION = "selection.json"
    CONFIRMATION = "confirmation.json"
    EVIDENCE = "evidence.json"
    DECISION_JSON = "decision.json"
    DECISION_MD = "decision.md"
    ANSWERS = "answers.yaml"
    SUMMARY = "summary.md"
    REGISTRATION = "registration.json"
    CANARY = "canary.json"
    OBSERVATIONS = "canary.parquet"
    PICTURE = "comparison.html"
    LATENCIES = "latencies.parquet"

    @staticmethod
    def document(name: str, language: str) -> str:
        """A document for readers, such as `decision.pdf`, in a language; French has none named."""
        stem, _, kind = name.partition(".")
        return name if language == "fr" else f"{stem}.{language}.{kind}"

    @staticmethod
    def detections(split: str) -> str:
        """The table of a split's detections."""
        return f"evaluation/detections_{split}.parquet"

    @staticmethod
    def ground_truth(split: str) -> str:
        """The table of a split's annotated boxes."""
        return f"evaluation/ground_truth_{split}.parquet"

    @staticmethod
    def slices(split: str) -> str:
        """The table of a split's slices: one row a picture, one column a way to slice."""
        return f"evaluation/slices_{split}.parquet"

    @staticmethod
    def images(split: str) -> str:
        """The folder of a split's pictures."""
        return f"images/{split}"
