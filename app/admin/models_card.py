"""The models as the admin's page shows them: which there are, and which can be changed to."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.settings import Settings
from app.core.words import size_text
from app.embedding.models import AUTO, absolute
from app.embedding.service_models import Listed


@dataclass(frozen=True, slots=True)
class ModelView:
    """One model. `base` is the network below an adapter, empty for a network; `problem` says why it is of no use."""

    name: str
    title: str
    base: str
    dim_text: str
    size_text: str
    state: str
    problem: str


@dataclass(frozen=True, slots=True)
class ModelsView:
    """All models. Those of `choices` can be extracted with; `fixed` is what LIKENESS_MODEL names, empty for none."""

    models: list[ModelView]
    choices: list[str]
    chosen: str
    reason: str
    fixed: str


def models_view(listed: Sequence[Listed], reason: str, settings: Settings) -> ModelsView:
    """The list in words."""
    fixed = "" if settings.model == AUTO else absolute(settings.model)
    chosen = next((one.name for one in listed if one.wanted), "")
    return ModelsView(
        models=[_model_view(one) for one in listed],
        choices=[one.name for one in listed if one.at_hand and fixed in ("", one.name)],
        chosen=chosen,
        reason=reason,
        fixed=settings.model if fixed else "",
    )


def _model_view(one: Listed) -> ModelView:
    found = one.found
    return ModelView(
        name=one.name,
        title=found.spec.title if found else "",
        base=found.network.name if found is not None and found.adapter is not None else "",
        dim_text=str(found.spec.dim) if found else "–",
        size_text=size_text(found.spec.size_bytes) if found and found.spec.size_bytes else "–",
        state=_state(one),
        problem=one.problem,
    )


def _state(one: Listed) -> str:
    if one.active:
        return "in force"
    if one.problem:
        return "unusable"
    if one.wanted:
        return "next"
    return "at hand" if one.at_hand else "to fetch"
