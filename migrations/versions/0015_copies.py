"""Which pictures may be copies of each other, so that lists can be narrowed to those with copies."""

from alembic import op

revision = "0015"
down_revision = "0014"

FAMILIES = """
CREATE TABLE copy_family (
    image_id bigint PRIMARY KEY REFERENCES image ON DELETE CASCADE,
    family_id bigint NOT NULL,
    digest bytea NOT NULL,
    hash bit(256)
);
COMMENT ON TABLE copy_family IS
    'Pictures that have, or had, a copy anywhere: two copies are of one family, though not all of a family are copies.';
COMMENT ON COLUMN copy_family.hash IS 'The perceptual hash; NULL where there is none that tells (ml/perceptual.py).';
CREATE INDEX copy_family_family ON copy_family (family_id);
"""

# Rows are only appended: what comes in while the worker compares an earlier state of a picture is a row of its own.
UNCOMPARED = """
CREATE TABLE uncompared (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    image_id bigint NOT NULL
);
COMMENT ON TABLE uncompared IS 'Pictures that have not been compared with all others yet; some are gone by now.';
CREATE FUNCTION await_comparison() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO uncompared (image_id) VALUES (NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER image_hashed AFTER INSERT OR UPDATE OF perceptual_hash, digest ON image
    FOR EACH ROW EXECUTE FUNCTION await_comparison();
CREATE INDEX image_perceptual_hash ON image USING hash (perceptual_hash);
INSERT INTO uncompared (image_id) SELECT id FROM image ORDER BY id;
"""


def upgrade() -> None:
    op.execute(FAMILIES)
    op.execute(UNCOMPARED)
