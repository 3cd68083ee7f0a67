"""SQL of groupings; what is told of a group is told of its pictures that stand in the collection now."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg.rows import class_row, scalar_row, tuple_row

from app.core.database import Connection
from app.core.errors import NotFound
from app.explore.records import Group, Grouping, NewGroup, Ready, State

_GROUPING: LiteralString = """
    SELECT proposal.id, collection_id, job_id, account.name AS account, groups, seed, model, pictures, silhouette,
        proposal.created_at
    FROM proposal LEFT JOIN account ON account.id = proposal.account_id
"""
_PRESENT: LiteralString = """
    unnest(proposal_group.image_ids) WITH ORDINALITY AS member (image_id, place)
    JOIN collection_image AS standing
        ON standing.image_id = member.image_id AND standing.collection_id = proposal.collection_id
    JOIN image ON image.id = member.image_id AND image.trashed_at IS NULL
"""


async def count_ready(conn: Connection, collection_id: int, model_id: int) -> Ready:
    """How many untrashed pictures a collection has, and how many of them the model has embedded."""
    async with conn.cursor(row_factory=class_row(Ready)) as cursor:
        await cursor.execute(
            """
            SELECT count(*) AS standing, count(embedding.image_id) AS embedded
            FROM collection_image AS standing
            JOIN image ON image.id = standing.image_id AND image.trashed_at IS NULL
            LEFT JOIN embedding ON embedding.image_id = image.id AND embedding.model_id = %(model)s
            WHERE standing.collection_id = %(collection)s
            """,
            {"collection": collection_id, "model": model_id},
        )
        return await cursor.fetchone() or Ready(0, 0)


async def list_embedded(conn: Connection, collection_id: int, model_id: int, limit: int) -> list[int]:
    """The newest untrashed pictures of a collection that the model has embedded."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            SELECT image.id FROM collection_image AS standing
            JOIN image ON image.id = standing.image_id AND image.trashed_at IS NULL
            JOIN embedding ON embedding.image_id = image.id AND embedding.model_id = %(model)s
            WHERE standing.collection_id = %(collection)s ORDER BY image.id DESC LIMIT %(limit)s
            """,
            {"collection": collection_id, "model": model_id, "limit": limit},
        )
        return await cursor.fetchall()


async def list_labels(conn: Connection, image_ids: Sequence[int]) -> list[tuple[int, str]]:
    """(picture, label) of all labels that these pictures carry."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT image_id, label.name FROM image_label JOIN label ON label.id = image_label.label_id
            WHERE image_id = ANY(%s::bigint[])
            """,
            (list(image_ids),),
        )
        return [(row[0], row[1]) for row in await cursor.fetchall()]


async def lock_collection(conn: Connection, collection_id: int) -> None:
    """One grouping at a time takes the place of another."""
    await conn.execute("SELECT FROM collection WHERE id = %s FOR NO KEY UPDATE", (collection_id,))


async def replace_grouping(
    conn: Connection, collection_id: int, account_id: int, job_id: int, groups: int, seed: int
) -> int:
    """Erase the collection's grouping and put a new one in its place. Returns its id."""
    await conn.execute("DELETE FROM proposal WHERE collection_id = %s", (collection_id,))
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO proposal (collection_id, account_id, job_id, groups, seed)
            VALUES (%(collection)s, %(account)s, %(job)s, %(groups)s, %(seed)s) RETURNING id
            """,
            {"collection": collection_id, "account": account_id, "job": job_id, "groups": groups, "seed": seed},
        )
        made = await cursor.fetchone()
    if made is None:
        raise NotFound("the grouping was not recorded")
    return made


async def find_grouping(conn: Connection, collection_id: int) -> Grouping | None:
    """A collection's grouping."""
    async with conn.cursor(row_factory=class_row(Grouping)) as cursor:
        await cursor.execute(_GROUPING + " WHERE collection_id = %s", (collection_id,))
        return await cursor.fetchone()


async def lock_grouping(conn: Connection, grouping_id: int) -> Grouping | None:
    """A grouping, kept from being replaced until the transaction ends; None where it has been."""
    async with conn.cursor(row_factory=class_row(Grouping)) as cursor:
        await cursor.execute(_GROUPING + " WHERE proposal.id = %s FOR NO KEY UPDATE OF proposal", (grouping_id,))
        return await cursor.fetchone()


async def finish_grouping(
    conn: Connection, grouping_id: int, model: str, silhouette: float, groups: Sequence[NewGroup]
) -> None:
    """What came of it: its groups, in order."""
    await conn.execute(
        "UPDATE proposal SET model = %(model)s, pictures = %(pictures)s, silhouette = %(silhouette)s WHERE id = %(id)s",
        {
            "id": grouping_id,
            "model": model,
            "pictures": sum(len(one.image_ids) for one in groups),
            "silhouette": silhouette,
        },
    )
    async with conn.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO proposal_group (proposal_id, name, image_ids) VALUES (%s, %s, %s)",
            [(grouping_id, one.name, one.image_ids) for one in groups],
        )


async def list_groups(conn: Connection, collection_id: int, covers: int) -> list[Group]:
    """The groups of a collection of which some picture still stands there, as they were made."""
    async with conn.cursor(row_factory=class_row(Group)) as cursor:
        await cursor.execute(
            "SELECT proposal_group.id, proposal_group.name, proposal_group.state, present.images, present.cover_ids"
            " FROM proposal JOIN proposal_group ON proposal_group.proposal_id = proposal.id CROSS JOIN LATERAL ("
            " SELECT count(*) AS images, (array_agg(image.id ORDER BY member.place))[:%(covers)s] AS cover_ids FROM"
            + _PRESENT
            + """) AS present
            WHERE proposal.collection_id = %(collection)s AND present.images > 0 ORDER BY proposal_group.id
            """,
            {"collection": collection_id, "covers": covers},
        )
        return await cursor.fetchall()


async def list_members(conn: Connection, collection_id: int, group_id: int) -> list[int]:
    """The pictures of a group that stand in the collection, nearest to its centre first."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            "SELECT image.id FROM proposal JOIN proposal_group ON proposal_group.proposal_id = proposal.id"
            " CROSS JOIN LATERAL (SELECT member.image_id, member.place FROM"
            + _PRESENT
            + """) AS member JOIN image ON image.id = member.image_id
            WHERE proposal.collection_id = %(collection)s AND proposal_group.id = %(group)s ORDER BY member.place
            """,
            {"collection": collection_id, "group": group_id},
        )
        return await cursor.fetchall()


async def lock_state(conn: Connection, collection_id: int, group_id: int) -> tuple[State, str]:
    """(state, name) of a group of this collection, which nobody else decides until the transaction ends.

    Raises NotFound.
    """
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT state, name FROM proposal_group WHERE id = %(group)s
            AND proposal_id = (SELECT id FROM proposal WHERE collection_id = %(collection)s) FOR NO KEY UPDATE
            """,
            {"collection": collection_id, "group": group_id},
        )
        row = await cursor.fetchone()
    if row is None:
        raise NotFound("no such group: the pictures may have been grouped anew")
    return row[0], row[1]


async def set_state(conn: Connection, group_id: int, state: State, name: str) -> None:
    await conn.execute("UPDATE proposal_group SET state = %s, name = %s WHERE id = %s", (state, name, group_id))
