"""Training runs with their curves, and evaluation runs with what they found."""

from alembic import op

revision = "0013"
down_revision = "0012"

TRAININGS = """
CREATE TABLE training (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id bigint NOT NULL REFERENCES job,
    account_id bigint REFERENCES account ON DELETE SET NULL,
    collection_id bigint REFERENCES collection ON DELETE SET NULL,
    collection_name text NOT NULL,
    model text NOT NULL,
    output text NOT NULL UNIQUE,
    config jsonb NOT NULL,
    held_out_pct smallint NOT NULL CHECK (held_out_pct BETWEEN 0 AND 50),
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'stopped', 'done', 'failed')),
    about jsonb NOT NULL DEFAULT '{}',
    error text NOT NULL DEFAULT '',
    promoted_over text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    ended_at timestamptz
);
COMMENT ON COLUMN training.output IS 'The model to come: the name of its folder among the models.';
COMMENT ON COLUMN training.held_out_pct IS 'Share of the pictures that are not learnt from.';
COMMENT ON COLUMN training.about IS 'What the run said at its start: parameters, pictures, steps, the device.';
COMMENT ON COLUMN training.promoted_over IS 'The model that answered searches when this one was put in its place.';
CREATE INDEX training_job ON training (job_id);
CREATE INDEX training_account ON training (account_id);
CREATE INDEX training_collection ON training (collection_id);

CREATE TABLE training_point (
    training_id bigint NOT NULL REFERENCES training ON DELETE CASCADE,
    step integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('step', 'probe')),
    entry jsonb NOT NULL,
    PRIMARY KEY (training_id, step, kind)
);
COMMENT ON TABLE training_point IS 'The curves of a training: what each step came to, and the probes after some.';
"""

EVALUATIONS = """
CREATE TABLE evaluation (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id bigint NOT NULL REFERENCES job,
    account_id bigint REFERENCES account ON DELETE SET NULL,
    collection_id bigint REFERENCES collection ON DELETE SET NULL,
    collection_name text NOT NULL,
    training_id bigint REFERENCES training ON DELETE SET NULL,
    models text[] NOT NULL,
    protocols text[] NOT NULL,
    sample integer CHECK (sample > 0),
    seed integer NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'stopped', 'done', 'failed')),
    results json NOT NULL DEFAULT '{}',
    error text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
);
COMMENT ON COLUMN evaluation.training_id IS 'On the pictures that this training did not learn from; NULL: on all.';
COMMENT ON COLUMN evaluation.results IS 'As JSON that keeps its order, which is that of the tables.';
COMMENT ON COLUMN evaluation.sample IS 'So many pictures at most, drawn by the seed; NULL: all.';
CREATE INDEX evaluation_job ON evaluation (job_id);
CREATE INDEX evaluation_account ON evaluation (account_id);
CREATE INDEX evaluation_collection ON evaluation (collection_id);
CREATE INDEX evaluation_training ON evaluation (training_id);
"""


def upgrade() -> None:
    op.execute(TRAININGS)
    op.execute(EVALUATIONS)
