"""`likeness models`."""

import json

from tests.conftest import Likeness


def test_models_are_listed_with_what_is_at_hand_and_wanted(likeness: Likeness) -> None:
    result = likeness("models", "list", "--json")
    assert result.exit_code == 0, result.output
    body = json.loads(result.stdout)
    rows = {row["name"]: row for row in body["models"]}
    assert {"baseline", "dinov2-small", "dinov2-base", "dinov2-large"} <= set(rows)
    assert rows["baseline"]["at_hand"]
    assert rows["baseline"]["wanted"]
    assert not rows["baseline"]["active"], "nothing was embedded yet"
    assert rows["dinov2-small"]["dim"] == 384
    assert body["reason"] == "named by LIKENESS_MODEL"
    assert "+ baseline" in likeness("models", "list").stdout
