"""Imports and uploads are kept, quotas counted; pictures keep all their captions, boxes, and a text to search."""

from alembic import op

revision = "0007"
down_revision = "0006"

IMPORTS = """
CREATE TABLE import (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id bigint NOT NULL REFERENCES job,
    owner_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    collection_id bigint REFERENCES collection ON DELETE SET NULL,
    kind text NOT NULL,
    name text NOT NULL,
    options jsonb NOT NULL DEFAULT '{}',
    fingerprint text,
    position bigint NOT NULL DEFAULT 0,
    added bigint NOT NULL DEFAULT 0,
    existing bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    checks text[] NOT NULL DEFAULT '{}',
    trying bigint,
    deaths integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN import.fingerprint IS 'Of a source that cannot have changed: the same again goes on where it ended.';
COMMENT ON COLUMN import.position IS 'How many of the source''s entries were dealt with, in its order.';
COMMENT ON COLUMN import.trying IS 'The entry that is being decoded, once the import has died at this position.';
CREATE INDEX import_owner ON import (owner_id, id);
CREATE INDEX import_job ON import (job_id);
CREATE INDEX import_collection ON import (collection_id);

CREATE TABLE import_refusal (
    import_id bigint NOT NULL REFERENCES import ON DELETE CASCADE,
    position bigint NOT NULL,
    source text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (import_id, position)
);

CREATE TABLE upload (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    collection_id bigint NOT NULL REFERENCES collection ON DELETE CASCADE,
    filename text NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    labels_from_folders boolean NOT NULL DEFAULT false,
    import_id bigint REFERENCES import ON DELETE SET NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE upload IS 'An archive that comes in by pieces; how much of it is here, its file tells.';
CREATE INDEX upload_owner ON upload (owner_id);
CREATE INDEX upload_import ON upload (import_id);
CREATE INDEX upload_collection ON upload (collection_id);
"""

PICTURES = """
ALTER TABLE image
    ADD COLUMN more_captions text[] NOT NULL DEFAULT '{}',
    ADD COLUMN split text NOT NULL DEFAULT '' CHECK (length(split) <= 64),
    ADD COLUMN import_id bigint REFERENCES import ON DELETE SET NULL,
    ADD COLUMN document tsvector NOT NULL DEFAULT '';
COMMENT ON COLUMN image.split IS 'The part of a data set that it belongs to: train, test …';
COMMENT ON COLUMN image.document IS 'The words of captions, labels and file name, as searches by text meet them.';
CREATE INDEX image_import ON image (import_id);

CREATE TABLE image_box (
    image_id bigint NOT NULL REFERENCES image ON DELETE CASCADE,
    position integer NOT NULL,
    label_id bigint NOT NULL REFERENCES label,
    x real NOT NULL,
    y real NOT NULL,
    width real NOT NULL,
    height real NOT NULL,
    PRIMARY KEY (image_id, position)
);
COMMENT ON TABLE image_box IS 'Where something is: upper left corner and size in pixels of the picture as displayed.';
CREATE INDEX image_box_label ON image_box (label_id);

-- Words are split at everything that is no letter or digit, and between the two: IMG_1234.jpg is found by 1234.
CREATE FUNCTION image_document(filename text, captions text[], labels text[]) RETURNS tsvector
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('simple', words) || to_tsvector('english', words)
    FROM (
        SELECT regexp_replace(
            regexp_replace(
                regexp_replace(
                    normalize(
                        concat_ws(' ', array_to_string(captions, ' '), array_to_string(labels, ' '), filename), NFC),
                    '[^[\\:alnum\\:]]+', ' ', 'g'),
                '([[\\:alpha\\:]])(?=[[\\:digit\\:]])', '\\1 ', 'g'),
            '([[\\:digit\\:]])(?=[[\\:alpha\\:]])', '\\1 ', 'g') AS words
    ) AS split
$$;

UPDATE image SET document = image_document(
    filename, ARRAY[caption],
    ARRAY(SELECT label.name FROM image_label JOIN label ON label.id = image_label.label_id
          WHERE image_label.image_id = image.id));
CREATE INDEX image_document ON image USING gin (document);
"""

ACCOUNTS = """
ALTER TABLE account ADD COLUMN shares_metadata boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN account.shares_metadata IS 'Whether others get originals with where and when they were taken.';
"""

QUOTAS = """
CREATE TABLE usage (
    account_id bigint PRIMARY KEY REFERENCES account ON DELETE CASCADE,
    files bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    max_files bigint CHECK (max_files >= 0),
    max_bytes bigint CHECK (max_bytes >= 0)
);
COMMENT ON TABLE usage IS 'What each account keeps, the trash included, and what it may: NULL is the setting''s limit.';
INSERT INTO usage (account_id, files, bytes)
SELECT account.id, count(image.id), coalesce(sum(image.size_bytes), 0)
FROM account LEFT JOIN image ON image.owner_id = account.id GROUP BY account.id;

CREATE FUNCTION count_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO usage (account_id, files, bytes)
    SELECT owner_id, count(*), sum(size_bytes) FROM changed GROUP BY owner_id
    ON CONFLICT (account_id) DO UPDATE
    SET files = usage.files + excluded.files, bytes = usage.bytes + excluded.bytes;
    RETURN NULL;
END $$;

CREATE FUNCTION count_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE usage SET files = usage.files - gone.files, bytes = usage.bytes - gone.bytes
    FROM (SELECT owner_id, count(*) AS files, sum(size_bytes) AS bytes FROM changed GROUP BY owner_id) AS gone
    WHERE usage.account_id = gone.owner_id;
    RETURN NULL;
END $$;

CREATE TRIGGER image_added AFTER INSERT ON image REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_added();
CREATE TRIGGER image_removed AFTER DELETE ON image REFERENCING OLD TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION count_removed();
"""


def upgrade() -> None:
    for statements in (IMPORTS, PICTURES, ACCOUNTS, QUOTAS):
        op.execute(statements)
