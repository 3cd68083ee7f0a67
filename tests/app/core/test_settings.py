"""Settings: what the environment says, refused in plain words where it cannot be used."""

from dataclasses import fields
from pathlib import Path

import pytest

from app.core.settings import BOUNDS, Settings, SettingsError, read_settings


def test_defaults_bind_to_loopback_and_choose_the_model_by_themselves() -> None:
    settings = read_settings({})
    assert (settings.host, settings.port, settings.model) == ("127.0.0.1", 8000, "auto")
    assert settings.database_url is None
    assert not settings.secure_cookies


def test_every_setting_is_read_from_its_variable() -> None:
    values = {
        "data_dir": "/somewhere",
        "database_url": "postgresql:///likeness",
        "model": "baseline",
        "host": "::",
        "public_url": "https://pictures.example.org",
        "qdrant_url": "http://localhost:6333",
        "qdrant_api_key": "a key",
        "search_engine": "qdrant",
        "index_layout": "float16",
        "target_recall": "0.98",
        "metrics_token": "a token of Prometheus",
        "log_level": "debug",
        **{name: str(low) for name, (low, _) in BOUNDS.items()},
    }
    assert set(values) == {field.name for field in fields(Settings)}
    settings = read_settings({f"LIKENESS_{name.upper()}": value for name, value in values.items()})
    for name, value in values.items():
        assert str(getattr(settings, name)) == value
    assert settings.secure_cookies


def test_every_setting_is_described() -> None:
    words = Settings.__doc__ or ""
    assert [field.name for field in fields(Settings) if f"`{field.name}`" not in words] == []


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert read_settings({"LIKENESS_PORT": " ", "LIKENESS_MODEL": ""}) == read_settings({})


@pytest.mark.parametrize("name", sorted(BOUNDS))
def test_numbers_outside_their_bounds_are_refused_by_name(name: str) -> None:
    low, high = BOUNDS[name]
    for value in (low - 1, high + 1, "many", "1.5", "٣"):
        with pytest.raises(SettingsError, match=f"LIKENESS_{name.upper()}"):
            read_settings({f"LIKENESS_{name.upper()}": str(value)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "pictures.example.org"),
        ("PUBLIC_URL", "ftp://x"),
        ("LOG_LEVEL", "loud"),
        ("METRICS_TOKEN", "short"),
        ("SEARCH_ENGINE", "lucene"),
        ("SEARCH_ENGINE", "qdrant"),
        ("INDEX_LAYOUT", "float8"),
        ("TARGET_RECALL", "0.49"),
        ("TARGET_RECALL", "1"),
        ("TARGET_RECALL", "nan"),
        ("TARGET_RECALL", "95 %"),
        ("QDRANT_URL", "localhost:6333"),
        ("QDRANT_URL", "http://:6333"),
        ("QDRANT_URL", "http://localhost:many"),
        ("QDRANT_URL", "http://user:secret@localhost:6333"),
    ],
)
def test_words_that_mean_nothing_are_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"LIKENESS_{name}"):
        read_settings({f"LIKENESS_{name}": value})


def test_no_key_shows_where_settings_are_printed() -> None:
    settings = read_settings({"LIKENESS_QDRANT_URL": "http://localhost", "LIKENESS_QDRANT_API_KEY": "hush"})
    assert "hush" not in repr(settings)


def test_the_data_folder_does_not_depend_on_where_one_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings({"LIKENESS_DATA_DIR": "here"}).data_dir == tmp_path / "here"


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (Settings(Path("/x")), "http://127.0.0.1:8000"),
        (Settings(Path("/x"), host="0.0.0.0", port=9000), "http://127.0.0.1:9000"),  # noqa: S104  # never bound
        (Settings(Path("/x"), public_url="https://pictures.example.org"), "https://pictures.example.org"),
    ],
)
def test_the_address_is_one_that_can_be_typed(settings: Settings, address: str) -> None:
    assert settings.address == address
