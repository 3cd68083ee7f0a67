"""SQL of which pictures may be copies of each other (app/images/families.py)."""

from collections.abc import Mapping, Sequence

from psycopg.rows import class_row, tuple_row

from app.core.database import Connection
from app.images.records import Relatives, Uncompared
from ml.perceptual import LEAST_SET

COMPARISON_LOCK = 0x636F7079  # "copy"


async def lock_comparison(conn: Connection) -> None:
    """Wait until no other session compares pictures, and keep others waiting until this one ends."""
    await conn.execute("SELECT pg_advisory_lock(%s)", (COMPARISON_LOCK,))


async def list_uncompared(conn: Connection, limit: int) -> list[Uncompared]:
    """Those that have waited longest. A hash that does not tell counts as none."""
    async with conn.cursor(row_factory=class_row(Uncompared)) as cursor:
        await cursor.execute(
            """
            SELECT uncompared.id, uncompared.image_id, image.digest,
                CASE WHEN bit_count(image.perceptual_hash) >= %(telling)s THEN image.perceptual_hash END
                    AS perceptual_hash
            FROM uncompared LEFT JOIN image ON image.id = uncompared.image_id ORDER BY uncompared.id LIMIT %(limit)s
            """,
            {"limit": limit, "telling": LEAST_SET},
        )
        return await cursor.fetchall()


async def delete_uncompared(conn: Connection, ids: Sequence[int]) -> None:
    """These wait no more."""
    await conn.execute("DELETE FROM uncompared WHERE id = ANY(%s::bigint[])", (list(ids),))


async def list_known(conn: Connection, *, after_id: int, limit: int) -> tuple[int, bytes] | None:
    """The hashes that tell, of compared pictures among the next `limit` behind `after_id`, as `families.ROW`.

    Returns them with the last id looked at; None where no picture is left.
    """
    async with conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            """
            WITH part AS MATERIALIZED (
                SELECT id, perceptual_hash FROM image WHERE id > %(after)s ORDER BY id LIMIT %(limit)s
            ), known AS (
                SELECT part.perceptual_hash, coalesce(max(family_id), 0) AS family_id
                FROM part LEFT JOIN copy_family ON copy_family.image_id = part.id
                WHERE bit_count(part.perceptual_hash) >= %(telling)s
                AND NOT EXISTS (SELECT FROM uncompared WHERE uncompared.image_id = part.id)
                GROUP BY part.perceptual_hash
            )
            SELECT (SELECT max(id) FROM part),
                (SELECT string_agg(perceptual_hash || int8send(family_id), '') FROM known)
            """,
            {"after": after_id, "limit": limit, "telling": LEAST_SET},
        )
        row = await cursor.fetchone()
    return None if row is None or row[0] is None else (row[0], row[1] or b"")


async def list_relatives(conn: Connection, hashes: Sequence[bytes], digests: Sequence[bytes]) -> list[Relatives]:
    """What pictures there are of these hashes, all of which tell, and of these digests."""
    async with conn.cursor(row_factory=class_row(Relatives)) as cursor:
        await cursor.execute(
            """
            SELECT found.by_hash, found.key, copy_family.family_id,
                coalesce(array_agg(found.id) FILTER (WHERE copy_family.family_id IS NULL), '{}') AS image_ids
            FROM (
                SELECT id, true AS by_hash, perceptual_hash AS key FROM image
                WHERE perceptual_hash = ANY(%(hashes)s::bytea[])
                UNION ALL
                SELECT id, false, digest FROM image WHERE digest = ANY(%(digests)s::bytea[])
            ) AS found
            LEFT JOIN copy_family ON copy_family.image_id = found.id GROUP BY 1, 2, 3
            """,
            {"hashes": list(hashes), "digests": list(digests)},
        )
        return await cursor.fetchall()


async def insert_members(conn: Connection, families: Mapping[int, int]) -> None:
    """Give pictures their families; those that are gone by now are passed over."""
    await conn.execute(
        """
        INSERT INTO copy_family (image_id, family_id, digest, hash)
        SELECT image.id, given.family_id, image.digest, CASE WHEN bit_count(image.perceptual_hash) >= %(telling)s
            THEN ('x' || encode(image.perceptual_hash, 'hex'))::bit(256) END
        FROM unnest(%(images)s::bigint[], %(families)s::bigint[]) AS given (image_id, family_id)
        JOIN image ON image.id = given.image_id
        ORDER BY image.id FOR KEY SHARE OF image
        """,
        {"images": list(families), "families": list(families.values()), "telling": LEAST_SET},
    )


async def merge_families(conn: Connection, names: Mapping[int, int]) -> None:
    """Families that are one with another take its name."""
    await conn.execute(
        """
        UPDATE copy_family SET family_id = given.new
        FROM unnest(%(old)s::bigint[], %(new)s::bigint[]) AS given (old, new) WHERE copy_family.family_id = given.old
        """,
        {"old": list(names), "new": list(names.values())},
    )


async def forget_members(conn: Connection, image_ids: Sequence[int]) -> None:
    """Take these pictures out of their families."""
    await conn.execute("DELETE FROM copy_family WHERE image_id = ANY(%s::bigint[])", (list(image_ids),))


async def prune_families(conn: Connection) -> None:
    """Forget families of which one picture is left."""
    await conn.execute(
        """
        DELETE FROM copy_family WHERE family_id IN (
            SELECT family_id FROM copy_family GROUP BY family_id HAVING count(*) = 1)
        """
    )
