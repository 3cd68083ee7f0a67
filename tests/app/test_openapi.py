"""The OpenAPI document: every operation is told in full, and its examples are what it says."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.openapi_operations import OPERATIONS
from tests.conftest import Client


@pytest.fixture
async def document(client: Client) -> dict[str, Any]:
    return (await client.get("/api/openapi.json")).json()


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["operationId"]: one for methods in document["paths"].values() for one in methods.values()}


async def test_every_operation_is_in_the_table(document: dict[str, Any]) -> None:
    assert set(operations(document)) == set(OPERATIONS)


async def test_every_operation_is_told_in_words_and_with_examples(document: dict[str, Any]) -> None:
    for name, operation in operations(document).items():
        assert operation["summary"], name
        assert operation["description"], name
        assert "401" in operation["responses"] or name == "plainSearch", name
        forms = [*operation.get("requestBody", {}).get("content", {}).values()]
        answers = [one for code, one in operation["responses"].items() if code[0] == "2"]
        contents = [*forms, *(media for one in answers for media in one.get("content", {}).values())]
        assert all("example" in one for one in contents if one["schema"].get("format") != "binary"), name


async def test_examples_are_what_the_schemas_say(document: dict[str, Any]) -> None:
    told = 0
    for name, operation in operations(document).items():
        media = operation.get("requestBody", {}).get("content", {}).values()
        answers = [one for one in operation["responses"].values() if "content" in one]
        for one in [*media, *(media for answer in answers for media in answer["content"].values())]:
            if "example" in one:
                schema = {**one["schema"], "components": document["components"]}
                mistakes = [error.message for error in Draft202012Validator(schema).iter_errors(one["example"])]
                assert mistakes == [], name
                told += 1
    assert told > len(OPERATIONS)


async def test_security_names_the_scope_and_who_may_come_without(document: dict[str, Any]) -> None:
    told = operations(document)
    assert told["listImages"]["security"] == [{}, {"bearer": ["read"]}]
    assert told["search"]["security"] == [{}, {"bearer": ["read"]}]
    assert told["uploadImages"]["security"] == [{"bearer": ["write"]}]
    assert told["buildIndex"]["security"] == [{"bearer": ["admin"]}]


async def test_bytes_are_conditional_and_waiting_is_told(document: dict[str, Any]) -> None:
    for name in ("getOriginal", "getThumbnail"):
        operation = operations(document)[name]
        assert "content" not in operation["responses"]["304"]
        assert "ETag" in operation["responses"]["200"]["headers"]
        assert "If-None-Match" in {one["name"] for one in operation["parameters"]}
    refusals = document["components"]["responses"]
    assert all("Retry-After" in refusals[name]["headers"] for name in ("SERVICE_UNAVAILABLE", "TOO_MANY_REQUESTS"))
