"""The gallery: accounts, collections, images, embeddings, indexes, queries, the change log, jobs."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = """
CREATE TABLE setting (
    name text PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 64 AND name !~ '^[0-9]+$'),
    password_hash text,
    is_admin boolean NOT NULL DEFAULT false,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX account_name ON account (lower(name));

CREATE TABLE claim (
    token_hash bytea PRIMARY KEY,
    account_id bigint NOT NULL UNIQUE REFERENCES account ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE claim IS 'One-time links by which a person takes over an account that has no password yet.';

CREATE TABLE session (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    user_agent text NOT NULL,
    address text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX session_account ON session (account_id);

CREATE TABLE api_token (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    prefix text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX api_token_account ON api_token (account_id);

CREATE TABLE collection (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id bigint NOT NULL REFERENCES account,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 120 AND name !~ '^[0-9]+$'),
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
    is_public boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX collection_owner_name ON collection (owner_id, lower(name));
CREATE INDEX collection_public ON collection (id) WHERE is_public;

CREATE TABLE collection_member (
    collection_id bigint NOT NULL REFERENCES collection ON DELETE CASCADE,
    account_id bigint NOT NULL REFERENCES account ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('viewer', 'editor', 'owner')),
    PRIMARY KEY (collection_id, account_id)
);
CREATE INDEX collection_member_account ON collection_member (account_id);

CREATE FUNCTION visible_collections(viewer bigint) RETURNS TABLE (collection_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT id FROM collection WHERE is_public
    UNION
    SELECT id FROM collection WHERE owner_id = viewer
    UNION
    SELECT member.collection_id FROM collection_member AS member WHERE member.account_id = viewer
$$;
COMMENT ON FUNCTION visible_collections IS 'The one permission rule: what a viewer (null: nobody) may see.';

CREATE TABLE image (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id bigint NOT NULL REFERENCES account,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    filename text NOT NULL,
    caption text NOT NULL DEFAULT '' CHECK (length(caption) <= 2000),
    source text NOT NULL DEFAULT '',
    format text NOT NULL,
    width integer NOT NULL CHECK (width > 0),
    height integer NOT NULL CHECK (height > 0),
    size_bytes bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    trashed_at timestamptz,
    UNIQUE (owner_id, digest),
    UNIQUE (id, digest)
);
CREATE INDEX image_digest ON image (digest);
CREATE INDEX image_trashed ON image (owner_id, id) WHERE trashed_at IS NOT NULL;

CREATE TABLE collection_image (
    collection_id bigint NOT NULL REFERENCES collection ON DELETE CASCADE,
    image_id bigint NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (collection_id, image_id),
    UNIQUE (collection_id, digest),
    FOREIGN KEY (image_id, digest) REFERENCES image (id, digest) ON DELETE CASCADE
);
COMMENT ON COLUMN collection_image.digest IS 'Repeated here so that the same bytes are one picture per collection.';
CREATE INDEX collection_image_image ON collection_image (image_id);

CREATE TABLE label (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 120)
);

CREATE TABLE image_label (
    image_id bigint NOT NULL REFERENCES image ON DELETE CASCADE,
    label_id bigint NOT NULL REFERENCES label,
    position smallint NOT NULL,
    PRIMARY KEY (image_id, label_id)
);
CREATE INDEX image_label_label ON image_label (label_id, image_id);

CREATE TABLE model (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    identity text NOT NULL UNIQUE,
    dim integer NOT NULL CHECK (dim > 0),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE embedding (
    model_id bigint NOT NULL REFERENCES model,
    image_id bigint NOT NULL REFERENCES image ON DELETE CASCADE,
    vector bytea NOT NULL,
    PRIMARY KEY (model_id, image_id)
);
ALTER TABLE embedding ALTER COLUMN vector SET STORAGE EXTERNAL;
COMMENT ON COLUMN embedding.vector IS 'float16, little-endian, L2-normalised before rounding; one value per dimension.';
CREATE INDEX embedding_image ON embedding (image_id);

CREATE TABLE embedding_attempt (
    model_id bigint NOT NULL REFERENCES model,
    image_id bigint NOT NULL REFERENCES image ON DELETE CASCADE,
    attempts integer NOT NULL,
    reason text,
    attempted_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model_id, image_id)
);
COMMENT ON TABLE embedding_attempt IS
    'Written before a picture is decoded, deleted when its embedding is stored; with a reason: it failed.';

CREATE TABLE change_log (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('embedded', 'retracted', 'restored', 'joined', 'left')),
    image_id bigint NOT NULL,
    collection_id bigint,
    model_id bigint
);

CREATE TABLE job (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    title text NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    done bigint NOT NULL DEFAULT 0,
    total bigint,
    message text NOT NULL DEFAULT '',
    cancel_requested boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    heartbeat_at timestamptz,
    finished_at timestamptz
);

CREATE TABLE index_version (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id bigint NOT NULL REFERENCES model,
    seq bigint NOT NULL,
    is_active boolean NOT NULL DEFAULT false,
    manifest jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX index_version_active ON index_version (model_id) WHERE is_active;

CREATE TABLE query (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner_id bigint REFERENCES account ON DELETE CASCADE,
    model_id bigint NOT NULL REFERENCES model,
    vector bytea NOT NULL,
    thumbnail bytea NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    filename text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);
COMMENT ON COLUMN query.vector IS 'float32, little-endian, L2-normalised.';
CREATE INDEX query_expires ON query (expires_at);
"""


def upgrade() -> None:
    op.execute(TABLES)
