"""Groups of pictures that look alike, proposed for labelling."""

from alembic import op

revision = "0014"
down_revision = "0013"

PROPOSALS = """
CREATE TABLE proposal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection_id bigint NOT NULL UNIQUE REFERENCES collection ON DELETE CASCADE,
    account_id bigint REFERENCES account ON DELETE SET NULL,
    job_id bigint NOT NULL REFERENCES job,
    groups smallint NOT NULL CHECK (groups >= 2),
    seed integer NOT NULL CHECK (seed >= 0),
    model text NOT NULL DEFAULT '',
    pictures integer NOT NULL DEFAULT 0,
    silhouette real,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE proposal IS 'The last grouping of a collection; a new one takes its place.';
COMMENT ON COLUMN proposal.groups IS 'How many were asked for.';
COMMENT ON COLUMN proposal.model IS 'The model whose embeddings were compared; empty until its end.';
COMMENT ON COLUMN proposal.pictures IS 'How many were grouped.';
CREATE INDEX proposal_account ON proposal (account_id);
CREATE INDEX proposal_job ON proposal (job_id);

CREATE TABLE proposal_group (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    proposal_id bigint NOT NULL REFERENCES proposal ON DELETE CASCADE,
    name text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'dropped')),
    image_ids bigint[] NOT NULL
);
COMMENT ON COLUMN proposal_group.name IS 'The label that is proposed, or was accepted; empty: none is at hand.';
COMMENT ON COLUMN proposal_group.image_ids IS
    'Nearest to the centre first. Some may have left the collection: whoever reads them joins what stands there now.';
CREATE INDEX proposal_group_proposal ON proposal_group (proposal_id);
"""


def upgrade() -> None:
    op.execute(PROPOSALS)
