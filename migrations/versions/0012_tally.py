"""Counts of pictures by the collections they stand in and their labels, kept by triggers: pages need not count."""

from alembic import op

revision = "0012"
down_revision = "0011"

TABLES = """
CREATE TABLE placement (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection_ids bigint[] NOT NULL UNIQUE CHECK (cardinality(collection_ids) > 0)
);
COMMENT ON TABLE placement IS 'Sets of collections, in order, in which some picture stands or stood.';
CREATE TABLE tally (
    placement_id bigint NOT NULL REFERENCES placement (id),
    label_id bigint,
    images bigint NOT NULL
);
COMMENT ON TABLE tally IS
    'How many pictures outside the trash stand in exactly these collections; rows of the same key add up.';
COMMENT ON COLUMN tally.label_id IS 'Of those that carry this label; null: of all.';
CREATE INDEX tally_placement ON tally (placement_id, label_id) INCLUDE (images);
CREATE INDEX tally_label ON tally (label_id);
"""

# A set that is new to two transactions at once is made by one of them; the other waits for its commit.
PLACEMENT = """
CREATE FUNCTION placement_of(standing bigint[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
BEGIN
    LOOP
        SELECT id INTO found FROM placement WHERE collection_ids = standing;
        IF found IS NULL THEN
            INSERT INTO placement (collection_ids) VALUES (standing) ON CONFLICT DO NOTHING RETURNING id INTO found;
        END IF;
        IF found IS NOT NULL THEN
            RETURN found;
        END IF;
    END LOOP;
END $$;
CREATE FUNCTION standing_of(image_id bigint) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT collection_id FROM collection_image AS standing WHERE standing.image_id = $1 ORDER BY 1)
$$;
"""

# Whoever changes where a picture stands or what it carries holds its row until the commit: each sees what the
# other did. Rows are only appended, so nobody waits for a count. What cascades from a deleted picture is counted
# before it goes, by `tally_image`.
STANDINGS = """
CREATE FUNCTION tally_standings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM image WHERE id IN (SELECT image_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
    INSERT INTO tally (placement_id, label_id, images)
    WITH moved AS (
        SELECT changed.image_id, array_agg(changed.collection_id) AS steps, standing_of(changed.image_id) AS standing
        FROM changed JOIN image ON image.id = changed.image_id
        WHERE image.trashed_at IS NULL GROUP BY changed.image_id
    ), sets AS (
        SELECT image_id, standing, 1 AS images FROM moved
        UNION ALL
        SELECT image_id, CASE TG_OP
            WHEN 'INSERT' THEN ARRAY(SELECT unnest(standing) EXCEPT SELECT unnest(steps) ORDER BY 1)
            ELSE ARRAY(SELECT unnest(standing) UNION SELECT unnest(steps) ORDER BY 1) END, -1
        FROM moved
    ), counted AS (
        SELECT standing, NULL::bigint AS label_id, images FROM sets
        UNION ALL
        SELECT sets.standing, carried.label_id, sets.images
        FROM sets JOIN image_label AS carried ON carried.image_id = sets.image_id
    ), summed AS (
        SELECT standing, label_id, sum(images) AS images FROM counted
        WHERE standing <> '{}' GROUP BY standing, label_id HAVING sum(images) <> 0
    ), known AS MATERIALIZED (
        SELECT standing, placement_of(standing) AS id FROM (SELECT DISTINCT standing FROM summed ORDER BY 1) AS one
    )
    SELECT known.id, label_id, images FROM summed JOIN known USING (standing);
    RETURN NULL;
END $$;
CREATE TRIGGER standing_added AFTER INSERT ON collection_image REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tally_standings();
CREATE TRIGGER standing_removed AFTER DELETE ON collection_image REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tally_standings();
"""

LABELS = """
CREATE FUNCTION tally_labels() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM image WHERE id IN (SELECT image_id FROM changed) ORDER BY id FOR NO KEY UPDATE;
    INSERT INTO tally (placement_id, label_id, images)
    WITH summed AS (
        SELECT standing_of(image.id) AS standing, changed.label_id, count(*) AS images
        FROM changed JOIN image ON image.id = changed.image_id WHERE image.trashed_at IS NULL GROUP BY 1, 2
    ), known AS MATERIALIZED (
        SELECT standing, placement_of(standing) AS id
        FROM (SELECT DISTINCT standing FROM summed WHERE standing <> '{}' ORDER BY 1) AS one
    )
    SELECT known.id, label_id, CASE TG_OP WHEN 'INSERT' THEN images ELSE -images END
    FROM summed JOIN known USING (standing);
    RETURN NULL;
END $$;
CREATE TRIGGER label_added AFTER INSERT ON image_label REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tally_labels();
CREATE TRIGGER label_removed AFTER DELETE ON image_label REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION tally_labels();
"""

IMAGES = """
CREATE FUNCTION tally_image() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    standing bigint[] := standing_of(OLD.id);
    step integer := CASE WHEN TG_OP = 'UPDATE' AND OLD.trashed_at IS NOT NULL THEN 1 ELSE -1 END;
BEGIN
    IF standing <> '{}' THEN
        INSERT INTO tally (placement_id, label_id, images)
        SELECT placement_of(standing), label_id, step
        FROM (SELECT NULL::bigint AS label_id UNION ALL
            SELECT carried.label_id FROM image_label AS carried WHERE carried.image_id = OLD.id) AS one;
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER image_trashed AFTER UPDATE OF trashed_at ON image FOR EACH ROW
    WHEN ((OLD.trashed_at IS NULL) <> (NEW.trashed_at IS NULL)) EXECUTE FUNCTION tally_image();
CREATE TRIGGER image_erased BEFORE DELETE ON image FOR EACH ROW
    WHEN (OLD.trashed_at IS NULL) EXECUTE FUNCTION tally_image();
"""

FIRST = """
INSERT INTO placement (collection_ids)
SELECT DISTINCT standing_of(id) FROM image WHERE trashed_at IS NULL AND id IN (SELECT image_id FROM collection_image);
INSERT INTO tally (placement_id, label_id, images)
WITH placed AS MATERIALIZED (
    SELECT image.id AS image_id, placement.id AS placement_id
    FROM image JOIN placement ON placement.collection_ids = standing_of(image.id) WHERE image.trashed_at IS NULL
)
SELECT placement_id, NULL, count(*) FROM placed GROUP BY placement_id
UNION ALL
SELECT placed.placement_id, carried.label_id, count(*)
FROM placed JOIN image_label AS carried USING (image_id) GROUP BY 1, 2;
"""


def upgrade() -> None:
    for statement in (TABLES, PLACEMENT, STANDINGS, LABELS, IMAGES, FIRST):
        op.execute(statement)
