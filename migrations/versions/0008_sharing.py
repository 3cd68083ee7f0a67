"""Collections are shared by link; wrong passwords are counted; tokens have scopes; security events are kept."""

from alembic import op

revision = "0008"
down_revision = "0007"

LINKS = """
CREATE TABLE share_link (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection_id bigint NOT NULL REFERENCES collection ON DELETE CASCADE,
    prefix text NOT NULL,
    token_hash bytea NOT NULL UNIQUE,
    key_hash bytea NOT NULL UNIQUE,
    password_hash text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
COMMENT ON COLUMN share_link.token_hash IS 'SHA-256 of the secret in the link''s address.';
COMMENT ON COLUMN share_link.key_hash IS 'SHA-256 of what shows the collection: the same, or what its password gives.';
CREATE INDEX share_link_collection ON share_link (collection_id);

DROP FUNCTION visible_collections(bigint);
CREATE FUNCTION visible_collections(viewer bigint, links bytea[]) RETURNS TABLE (collection_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT id FROM collection WHERE is_public
    UNION
    SELECT id FROM collection WHERE owner_id = viewer
    UNION
    SELECT member.collection_id FROM collection_member AS member WHERE member.account_id = viewer
    UNION
    SELECT link.collection_id FROM share_link AS link WHERE link.key_hash = ANY(links) AND link.expires_at > now()
$$;
COMMENT ON FUNCTION visible_collections IS
    'The one permission rule: what a viewer (null: nobody) who holds the keys of these share links may see.';
"""

ATTEMPTS = """
CREATE TABLE attempt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE attempt IS 'Passwords that were tried and not right, for a few minutes.';
COMMENT ON COLUMN attempt.subject IS 'SHA-256 of the name, address or link that it counts against.';
CREATE INDEX attempt_subject ON attempt (subject, at);
CREATE INDEX attempt_at ON attempt (at);
"""

SCOPES = """
ALTER TABLE api_token ADD COLUMN scopes text[] NOT NULL DEFAULT '{read,write}'
    CHECK (scopes <@ ARRAY['read', 'write', 'admin'] AND cardinality(scopes) > 0);
UPDATE api_token SET scopes = '{read,write,admin}'
FROM account WHERE account.id = api_token.account_id AND account.is_admin;
ALTER TABLE api_token ALTER COLUMN scopes DROP DEFAULT;
"""

EVENTS = """
CREATE TABLE security_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    account_id bigint REFERENCES account ON DELETE CASCADE,
    address text NOT NULL,
    about text NOT NULL DEFAULT ''
);
COMMENT ON COLUMN security_event.account_id IS 'Whom it concerns: who signed in, made the token, was disabled.';
COMMENT ON COLUMN security_event.about IS 'What else there is to tell, in words; never a secret.';
CREATE INDEX security_event_kind ON security_event (kind, id);
CREATE INDEX security_event_account ON security_event (account_id, id);
CREATE INDEX security_event_at ON security_event (at);
"""


def upgrade() -> None:
    for statements in (LINKS, ATTEMPTS, SCOPES, EVENTS):
        op.execute(statements)
