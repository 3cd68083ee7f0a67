"""SQL of collections and their members."""

from collections.abc import Sequence
from typing import LiteralString

from psycopg.rows import class_row, scalar_row, tuple_row

from app.accounts.records import Viewer
from app.collections.records import Collection, Member, Role
from app.core.database import Connection
from app.core.errors import Invalid

_COLLECTION: LiteralString = """
    SELECT collection.id, collection.owner_id, account.name AS owner_name, collection.name,
        collection.description, collection.is_public, collection.cover_id, collection.created_at,
        (SELECT count(*) FROM collection_member AS others WHERE others.collection_id = collection.id) AS members,
        CASE WHEN collection.owner_id = %(viewer)s THEN 'owner' ELSE member.role END AS role
    FROM collection
    JOIN account ON account.id = collection.owner_id
    LEFT JOIN collection_member AS member
        ON member.collection_id = collection.id AND member.account_id = %(viewer)s
    WHERE collection.id IN (SELECT collection_id FROM visible_collections(%(viewer)s, %(links)s))
"""


async def list_visible(conn: Connection, viewer: Viewer) -> list[Collection]:
    """What the viewer may see, own ones first, then by name."""
    async with conn.cursor(row_factory=class_row(Collection)) as cursor:
        await cursor.execute(
            _COLLECTION
            + " ORDER BY collection.owner_id IS DISTINCT FROM %(viewer)s, lower(collection.name), collection.id",
            viewer.values,
        )
        return await cursor.fetchall()


async def find_visible(conn: Connection, viewer: Viewer, collection_id: int) -> Collection | None:
    """One collection by id, if the viewer may see it."""
    async with conn.cursor(row_factory=class_row(Collection)) as cursor:
        await cursor.execute(_COLLECTION + " AND collection.id = %(id)s", {**viewer.values, "id": collection_id})
        return await cursor.fetchone()


async def list_named(conn: Connection, viewer: Viewer, name: str) -> list[Collection]:
    """The visible collections of that name (letter case aside), the viewer's own first."""
    async with conn.cursor(row_factory=class_row(Collection)) as cursor:
        await cursor.execute(
            _COLLECTION
            + """ AND lower(collection.name) = lower(%(name)s)
            ORDER BY collection.owner_id IS DISTINCT FROM %(viewer)s, collection.id""",
            {**viewer.values, "name": name},
        )
        return await cursor.fetchall()


async def list_visible_ids(conn: Connection, viewer: Viewer) -> list[int]:
    """The ids of what the viewer may see: the permission rule itself."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute("SELECT collection_id FROM visible_collections(%(viewer)s, %(links)s)", viewer.values)
        return await cursor.fetchall()


async def find_any(conn: Connection, ref: str) -> list[tuple[int, int]]:
    """(id, owner id) of the collections with this id or name, whoever's: for the command line only."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT id, owner_id FROM collection
            WHERE id::text = %(ref)s OR lower(name) = lower(%(ref)s) ORDER BY id
            """,
            {"ref": ref},
        )
        return await cursor.fetchall()


async def insert_collection(
    conn: Connection, owner_id: int, name: str, description: str, *, is_public: bool
) -> int | None:
    """The new id, or None when this owner has that name already."""
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(
            """
            INSERT INTO collection (owner_id, name, description, is_public)
            VALUES (%(owner)s, %(name)s, %(description)s, %(public)s)
            ON CONFLICT (owner_id, lower(name)) DO NOTHING RETURNING id
            """,
            {"owner": owner_id, "name": name, "description": description, "public": is_public},
        )
        return await cursor.fetchone()


async def update_collection(
    conn: Connection, collection_id: int, name: str, description: str, *, is_public: bool
) -> None:
    """Raises psycopg.errors.UniqueViolation when the owner has that name already."""
    await conn.execute(
        """
        UPDATE collection SET name = %(name)s, description = %(description)s, is_public = %(public)s
        WHERE id = %(id)s
        """,
        {"id": collection_id, "name": name, "description": description, "public": is_public},
    )


async def list_members(conn: Connection, collection_id: int) -> list[Member]:
    async with conn.cursor(row_factory=class_row(Member)) as cursor:
        await cursor.execute(
            """
            SELECT member.account_id, account.name, member.role
            FROM collection_member AS member JOIN account ON account.id = member.account_id
            WHERE member.collection_id = %s ORDER BY lower(account.name)
            """,
            (collection_id,),
        )
        return await cursor.fetchall()


async def put_member(conn: Connection, collection_id: int, name: str, role: Role) -> None:
    """Add a member by name, or change the role. Raises Invalid when nobody has that name."""
    cursor = await conn.execute(
        """
        INSERT INTO collection_member (collection_id, account_id, role)
        SELECT %(collection)s, id, %(role)s FROM account WHERE lower(name) = lower(%(name)s) AND disabled_at IS NULL
        ON CONFLICT (collection_id, account_id) DO UPDATE SET role = excluded.role
        """,
        {"collection": collection_id, "name": name, "role": role},
    )
    if cursor.rowcount == 0:
        raise Invalid(f"nobody here is called {name}")


async def delete_member(conn: Connection, collection_id: int, account_id: int) -> bool:
    """False when that account is no member."""
    cursor = await conn.execute(
        "DELETE FROM collection_member WHERE collection_id = %s AND account_id = %s",
        (collection_id, account_id),
    )
    return cursor.rowcount == 1


async def set_cover(conn: Connection, collection_id: int, image_id: int | None) -> bool:
    """What the card shows; None: the newest. False for a picture that does not stand there."""
    cursor = await conn.execute(
        """
        UPDATE collection SET cover_id = %(image)s::bigint WHERE id = %(id)s
        AND (%(image)s::bigint IS NULL OR EXISTS (
            SELECT FROM collection_image AS standing JOIN image ON image.id = standing.image_id
            WHERE standing.collection_id = %(id)s AND image.id = %(image)s AND image.trashed_at IS NULL))
        """,
        {"id": collection_id, "image": image_id},
    )
    return cursor.rowcount == 1


async def count_images(conn: Connection, collection_ids: Sequence[int]) -> dict[int, int]:
    """How many pictures stand in each of these collections: by the tally that triggers keep."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT wanted.id, coalesce(sum(tally.images), 0)::bigint
            FROM unnest(%(ids)s::bigint[]) AS wanted (id)
            LEFT JOIN placement ON placement.collection_ids @> ARRAY[wanted.id]
            LEFT JOIN tally ON tally.placement_id = placement.id AND tally.label_id IS NULL
            GROUP BY wanted.id
            """,
            {"ids": list(collection_ids)},
        )
        return {row[0]: row[1] for row in await cursor.fetchall()}


async def list_covers(conn: Connection, collection_ids: Sequence[int]) -> dict[int, list[int]]:
    """For each collection the id of its cover, or those of its four newest pictures."""
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            SELECT wanted.id, coalesce(
                (SELECT ARRAY[image.id] FROM collection JOIN collection_image AS standing
                 ON standing.collection_id = collection.id AND standing.image_id = collection.cover_id
                 JOIN image ON image.id = standing.image_id
                 WHERE collection.id = wanted.id AND image.trashed_at IS NULL),
                ARRAY(SELECT image.id FROM collection_image AS standing JOIN image ON image.id = standing.image_id
                      WHERE standing.collection_id = wanted.id AND image.trashed_at IS NULL
                      ORDER BY standing.image_id DESC LIMIT 4))
            FROM unnest(%s::bigint[]) AS wanted (id)
            """,
            (list(collection_ids),),
        )
        return {row[0]: row[1] for row in await cursor.fetchall()}
