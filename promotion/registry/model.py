"""A registered model: what has versions, aliases and a history in a Model Registry."""

from __future__ import annotations

from dataclasses import dataclass

from mlflow.tracking import MlflowClient

from promotion.store import Session, every_page

# No study can name its model so.
TRANSITION = ".transition"


@dataclass(frozen=True)
class RegisteredModel:
    """A registered model: the store whose registry it is in, and its name there."""

    client: MlflowClient
    name: str

    @property
    def transition(self) -> str:
        """The name of the note that is there during a transition."""
        return self.name + TRANSITION

    def address(self, number: str) -> str:
        """Where MLflow finds a version."""
        return f"models:/{self.name}/{number}"


def names(client: MlflowClient) -> list[str]:
    """The names of all registered models, but for notes of transitions."""
    found = every_page(lambda token: client.search_registered_models(page_token=token))
    return [model.name for model in found if not model.name.endswith(TRANSITION)]


def registered_model(session: Session) -> RegisteredModel:
    """The registered model of a session's study."""
    return RegisteredModel(session.client, session.study.model.registered_name)
