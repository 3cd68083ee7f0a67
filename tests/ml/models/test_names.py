"""`NAME[:POOLING][:TRANSFORM]`, in whichever order, with colons in paths left alone."""

import pytest

from ml.models.names import POOLINGS, TRANSFORMS, ModelName, parse


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dinov2-base", ModelName("dinov2-base")),
        ("dinov2-base:mean", ModelName("dinov2-base", "mean")),
        ("dinov2-base:fit", ModelName("dinov2-base", "cls", "fit")),
        ("dinov2-base:cls+mean:tiles", ModelName("dinov2-base", "cls+mean", "tiles")),
        ("dinov2-base:tiles:cls+mean", ModelName("dinov2-base", "cls+mean", "tiles")),
        ("  /models/mine:fit ", ModelName("/models/mine", "cls", "fit")),
        ("/models/v1:2/mine", ModelName("/models/v1:2/mine")),
        ("/models/a:fit:b", ModelName("/models/a:fit:b")),
        ("/models/mean:mean:mean", ModelName("/models/mean:mean", "mean")),
        ("", ModelName("")),
    ],
)
def test_a_name_is_read(text: str, name: ModelName) -> None:
    assert parse(text) == name


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_name_is_written_as_it_is_read(pooling: str, transform: str) -> None:
    name = ModelName("dinov2-small", pooling, transform)
    assert parse(str(name)) == name


def test_what_is_usual_is_left_out() -> None:
    assert str(ModelName("dinov2-small", "cls", "fit")) == "dinov2-small"
    assert str(ModelName("dinov2-small", "cls+mean", "tiles")) == "dinov2-small:cls+mean:tiles"
