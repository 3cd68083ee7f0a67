-- What the migrations make, without the queue's own schema. Made by `make schema`.
--
-- PostgreSQL database dump
--

\restrict likeness


SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: await_comparison(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.await_comparison() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO uncompared (image_id) VALUES (NEW.id);
    RETURN NULL;
END $$;


--
-- Name: count_added(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_added() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO usage (account_id, files, bytes)
    SELECT owner_id, count(*), sum(size_bytes) FROM changed GROUP BY owner_id
    ON CONFLICT (account_id) DO UPDATE
    SET files = usage.files + excluded.files, bytes = usage.bytes + excluded.bytes;
    RETURN NULL;
END $$;


--
-- Name: count_removed(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.count_removed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    UPDATE usage SET files = usage.files - gone.files, bytes = usage.bytes - gone.bytes
    FROM (SELECT owner_id, count(*) AS files, sum(size_bytes) AS bytes FROM changed GROUP BY owner_id) AS gone
    WHERE usage.account_id = gone.owner_id;
    RETURN NULL;
END $$;


--
-- Name: image_document(text, text[], text[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.image_document(filename text, captions text[], labels text[]) RETURNS tsvector
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT to_tsvector('simple', words) || to_tsvector('english', words)
    FROM (
        SELECT regexp_replace(
            regexp_replace(
                regexp_replace(
                    normalize(
                        concat_ws(' ', array_to_string(captions, ' '), array_to_string(labels, ' '), filename), NFC),
                    '[^[:alnum:]]+', ' ', 'g'),
                '([[:alpha:]])(?=[[:digit:]])', '\1 ', 'g'),
            '([[:digit:]])(?=[[:alpha:]])', '\1 ', 'g') AS words
    ) AS split
$$;


--
-- Name: images_with_words(tsquery, integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.images_with_words(words tsquery, most integer) RETURNS SETOF bigint
    LANGUAGE sql STABLE ROWS 100
    SET enable_seqscan TO 'off'
    SET enable_indexscan TO 'off'
    AS $$
    SELECT id FROM image WHERE document @@ words LIMIT most
$$;


--
-- Name: FUNCTION images_with_words(words tsquery, most integer); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.images_with_words(words tsquery, most integer) IS 'Some of the pictures, at most so many, whose words match: always by the index of words.';


--
-- Name: placement_of(bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.placement_of(standing bigint[]) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: standing_of(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.standing_of(image_id bigint) RETURNS bigint[]
    LANGUAGE sql STABLE
    AS $_$
    SELECT ARRAY(SELECT collection_id FROM collection_image AS standing WHERE standing.image_id = $1 ORDER BY 1)
$_$;


--
-- Name: tally_image(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.tally_image() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: tally_labels(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.tally_labels() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: tally_standings(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.tally_standings() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: visible_collections(bigint, bytea[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.visible_collections(viewer bigint, links bytea[]) RETURNS TABLE(collection_id bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT id FROM collection WHERE is_public
    UNION
    SELECT id FROM collection WHERE owner_id = viewer
    UNION
    SELECT member.collection_id FROM collection_member AS member WHERE member.account_id = viewer
    UNION
    SELECT link.collection_id FROM share_link AS link WHERE link.key_hash = ANY(links) AND link.expires_at > now()
$$;


--
-- Name: FUNCTION visible_collections(viewer bigint, links bytea[]); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.visible_collections(viewer bigint, links bytea[]) IS 'The one permission rule: what a viewer (null: nobody) who holds the keys of these share links may see.';


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: account; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.account (
    id bigint NOT NULL,
    name text NOT NULL,
    password_hash text,
    is_admin boolean DEFAULT false NOT NULL,
    disabled_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    shares_metadata boolean DEFAULT false NOT NULL,
    CONSTRAINT account_name_check CHECK ((((length(name) >= 1) AND (length(name) <= 64)) AND (name !~ '^[0-9]+$'::text)))
);


--
-- Name: COLUMN account.shares_metadata; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.account.shares_metadata IS 'Whether others get originals with where and when they were taken.';


--
-- Name: account_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.account ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: alembic_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: api_token; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.api_token (
    id bigint NOT NULL,
    token_hash bytea NOT NULL,
    account_id bigint NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    scopes text[] NOT NULL,
    CONSTRAINT api_token_name_check CHECK (((length(name) >= 1) AND (length(name) <= 64))),
    CONSTRAINT api_token_scopes_check CHECK (((scopes <@ ARRAY['read'::text, 'write'::text, 'admin'::text]) AND (cardinality(scopes) > 0)))
);


--
-- Name: api_token_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.api_token ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.api_token_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: attempt; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.attempt (
    id bigint NOT NULL,
    subject bytea NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: TABLE attempt; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.attempt IS 'Passwords that were tried and not right, for a few minutes.';


--
-- Name: COLUMN attempt.subject; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.attempt.subject IS 'SHA-256 of the name, address or link that it counts against.';


--
-- Name: attempt_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.attempt ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.attempt_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: change_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.change_log (
    seq bigint NOT NULL,
    kind text NOT NULL,
    image_id bigint NOT NULL,
    collection_id bigint,
    model_id bigint,
    CONSTRAINT change_log_kind_check CHECK ((kind = ANY (ARRAY['embedded'::text, 'retracted'::text, 'restored'::text, 'joined'::text, 'left'::text, 'labelled'::text])))
);


--
-- Name: change_log_seq_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.change_log ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.change_log_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: claim; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.claim (
    token_hash bytea NOT NULL,
    account_id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: TABLE claim; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.claim IS 'One-time links by which a person takes over an account that has no password yet.';


--
-- Name: collection; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.collection (
    id bigint NOT NULL,
    owner_id bigint NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    is_public boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    cover_id bigint,
    CONSTRAINT collection_description_check CHECK ((length(description) <= 2000)),
    CONSTRAINT collection_name_check CHECK ((((length(name) >= 1) AND (length(name) <= 120)) AND (name !~ '^[0-9]+$'::text)))
);


--
-- Name: COLUMN collection.cover_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.collection.cover_id IS 'The picture that its card shows first while it stands there; null: newest.';


--
-- Name: collection_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.collection ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.collection_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: collection_image; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.collection_image (
    collection_id bigint NOT NULL,
    image_id bigint NOT NULL,
    digest bytea NOT NULL
);


--
-- Name: COLUMN collection_image.digest; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.collection_image.digest IS 'Repeated here so that the same bytes are one picture per collection.';


--
-- Name: collection_member; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.collection_member (
    collection_id bigint NOT NULL,
    account_id bigint NOT NULL,
    role text NOT NULL,
    CONSTRAINT collection_member_role_check CHECK ((role = ANY (ARRAY['viewer'::text, 'editor'::text, 'owner'::text])))
);


--
-- Name: copy_family; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.copy_family (
    image_id bigint NOT NULL,
    family_id bigint NOT NULL,
    digest bytea NOT NULL,
    hash bit(256)
);


--
-- Name: TABLE copy_family; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.copy_family IS 'Pictures that have, or had, a copy anywhere: two copies are of one family, though not all of a family are copies.';


--
-- Name: COLUMN copy_family.hash; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.copy_family.hash IS 'The perceptual hash; NULL where there is none that tells (ml/perceptual.py).';


--
-- Name: embedding; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.embedding (
    model_id bigint NOT NULL,
    image_id bigint NOT NULL,
    vector bytea NOT NULL
);
ALTER TABLE ONLY public.embedding ALTER COLUMN vector SET STORAGE EXTERNAL;


--
-- Name: COLUMN embedding.vector; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.embedding.vector IS 'float16, little-endian, L2-normalised before rounding; one value per dimension.';


--
-- Name: embedding_attempt; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.embedding_attempt (
    model_id bigint NOT NULL,
    image_id bigint NOT NULL,
    attempts integer NOT NULL,
    reason text,
    attempted_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: TABLE embedding_attempt; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.embedding_attempt IS 'Written before a picture is decoded, deleted when its embedding is stored; with a reason: it failed.';


--
-- Name: evaluation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.evaluation (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    account_id bigint,
    collection_id bigint,
    collection_name text NOT NULL,
    training_id bigint,
    models text[] NOT NULL,
    protocols text[] NOT NULL,
    sample integer,
    seed integer DEFAULT 0 NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    results json DEFAULT '{}'::json NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT evaluation_sample_check CHECK ((sample > 0)),
    CONSTRAINT evaluation_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'stopped'::text, 'done'::text, 'failed'::text])))
);


--
-- Name: COLUMN evaluation.training_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.evaluation.training_id IS 'On the pictures that this training did not learn from; NULL: on all.';


--
-- Name: COLUMN evaluation.sample; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.evaluation.sample IS 'So many pictures at most, drawn by the seed; NULL: all.';


--
-- Name: COLUMN evaluation.results; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.evaluation.results IS 'As JSON that keeps its order, which is that of the tables.';


--
-- Name: evaluation_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.evaluation ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.evaluation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: image; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image (
    id bigint NOT NULL,
    owner_id bigint NOT NULL,
    digest bytea NOT NULL,
    filename text NOT NULL,
    caption text DEFAULT ''::text NOT NULL,
    source text DEFAULT ''::text NOT NULL,
    format text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    size_bytes bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    trashed_at timestamp with time zone,
    perceptual_hash bytea,
    more_captions text[] DEFAULT '{}'::text[] NOT NULL,
    split text DEFAULT ''::text NOT NULL,
    import_id bigint,
    document tsvector DEFAULT ''::tsvector NOT NULL,
    CONSTRAINT image_caption_check CHECK ((length(caption) <= 2000)),
    CONSTRAINT image_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT image_height_check CHECK ((height > 0)),
    CONSTRAINT image_perceptual_hash_check CHECK ((octet_length(perceptual_hash) = 32)),
    CONSTRAINT image_split_check CHECK ((length(split) <= 64)),
    CONSTRAINT image_width_check CHECK ((width > 0))
);


--
-- Name: COLUMN image.perceptual_hash; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.image.perceptual_hash IS 'pHash, 256 bits (ml/perceptual.py); NULL only for pictures taken in before it was kept.';


--
-- Name: COLUMN image.split; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.image.split IS 'The part of a data set that it belongs to: train, test …';


--
-- Name: COLUMN image.document; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.image.document IS 'The words of captions, labels and file name, as searches by text meet them.';


--
-- Name: image_box; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image_box (
    image_id bigint NOT NULL,
    "position" integer NOT NULL,
    label_id bigint NOT NULL,
    x real NOT NULL,
    y real NOT NULL,
    width real NOT NULL,
    height real NOT NULL
);


--
-- Name: TABLE image_box; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.image_box IS 'Where something is: upper left corner and size in pixels of the picture as displayed.';


--
-- Name: image_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.image ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.image_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: image_label; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.image_label (
    image_id bigint NOT NULL,
    label_id bigint NOT NULL,
    "position" smallint NOT NULL
);


--
-- Name: import; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.import (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    owner_id bigint NOT NULL,
    collection_id bigint,
    kind text NOT NULL,
    name text NOT NULL,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    fingerprint text,
    "position" bigint DEFAULT 0 NOT NULL,
    added bigint DEFAULT 0 NOT NULL,
    existing bigint DEFAULT 0 NOT NULL,
    refused bigint DEFAULT 0 NOT NULL,
    checks text[] DEFAULT '{}'::text[] NOT NULL,
    trying bigint,
    deaths integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: COLUMN import.fingerprint; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.import.fingerprint IS 'Of a source that cannot have changed: the same again goes on where it ended.';


--
-- Name: COLUMN import."position"; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.import."position" IS 'How many of the source''s entries were dealt with, in its order.';


--
-- Name: COLUMN import.trying; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.import.trying IS 'The entry that is being decoded, once the import has died at this position.';


--
-- Name: import_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.import ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.import_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: import_refusal; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.import_refusal (
    import_id bigint NOT NULL,
    "position" bigint NOT NULL,
    source text NOT NULL,
    reason text NOT NULL
);


--
-- Name: index_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.index_version (
    id bigint NOT NULL,
    model_id bigint NOT NULL,
    seq bigint NOT NULL,
    is_active boolean DEFAULT false NOT NULL,
    manifest jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: index_version_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.index_version ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.index_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: job; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.job (
    id bigint NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    done bigint DEFAULT 0 NOT NULL,
    total bigint,
    message text DEFAULT ''::text NOT NULL,
    cancel_requested boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    heartbeat_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT job_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'failed'::text, 'cancelled'::text])))
);


--
-- Name: job_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.job ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: label; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.label (
    id bigint NOT NULL,
    name text NOT NULL,
    CONSTRAINT label_name_check CHECK (((length(name) >= 1) AND (length(name) <= 120)))
);


--
-- Name: label_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.label ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.label_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: model; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.model (
    id bigint NOT NULL,
    name text NOT NULL,
    identity text NOT NULL,
    dim integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT model_dim_check CHECK ((dim > 0))
);


--
-- Name: model_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.model ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.model_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: placement; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.placement (
    id bigint NOT NULL,
    collection_ids bigint[] NOT NULL,
    CONSTRAINT placement_collection_ids_check CHECK ((cardinality(collection_ids) > 0))
);


--
-- Name: TABLE placement; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.placement IS 'Sets of collections, in order, in which some picture stands or stood.';


--
-- Name: placement_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.placement ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.placement_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: proposal; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.proposal (
    id bigint NOT NULL,
    collection_id bigint NOT NULL,
    account_id bigint,
    job_id bigint NOT NULL,
    groups smallint NOT NULL,
    seed integer NOT NULL,
    model text DEFAULT ''::text NOT NULL,
    pictures integer DEFAULT 0 NOT NULL,
    silhouette real,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT proposal_groups_check CHECK ((groups >= 2)),
    CONSTRAINT proposal_seed_check CHECK ((seed >= 0))
);


--
-- Name: TABLE proposal; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.proposal IS 'The last grouping of a collection; a new one takes its place.';


--
-- Name: COLUMN proposal.groups; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.proposal.groups IS 'How many were asked for.';


--
-- Name: COLUMN proposal.model; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.proposal.model IS 'The model whose embeddings were compared; empty until its end.';


--
-- Name: COLUMN proposal.pictures; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.proposal.pictures IS 'How many were grouped.';


--
-- Name: proposal_group; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.proposal_group (
    id bigint NOT NULL,
    proposal_id bigint NOT NULL,
    name text NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    image_ids bigint[] NOT NULL,
    CONSTRAINT proposal_group_state_check CHECK ((state = ANY (ARRAY['open'::text, 'accepted'::text, 'dropped'::text])))
);


--
-- Name: COLUMN proposal_group.name; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.proposal_group.name IS 'The label that is proposed, or was accepted; empty: none is at hand.';


--
-- Name: COLUMN proposal_group.image_ids; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.proposal_group.image_ids IS 'Nearest to the centre first. Some may have left the collection: whoever reads them joins what stands there now.';


--
-- Name: proposal_group_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.proposal_group ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.proposal_group_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: proposal_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.proposal ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.proposal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: query; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.query (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    owner_id bigint,
    model_id bigint NOT NULL,
    vector bytea NOT NULL,
    thumbnail bytea,
    width integer NOT NULL,
    height integer NOT NULL,
    filename text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    image_id bigint,
    crop double precision[],
    CONSTRAINT query_crop_check CHECK ((cardinality(crop) = 4)),
    CONSTRAINT query_picture CHECK (((image_id IS NULL) <> (thumbnail IS NULL)))
);


--
-- Name: COLUMN query.vector; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.query.vector IS 'float32, little-endian, L2-normalised.';


--
-- Name: COLUMN query.image_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.query.image_id IS 'The stored picture that it is a part of; NULL for one that was uploaded.';


--
-- Name: COLUMN query.crop; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.query.crop IS 'The part searched by: left, top, width and height as shares of the picture; NULL for all of it.';


--
-- Name: recall_sample; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.recall_sample (
    at timestamp with time zone DEFAULT now() NOT NULL,
    model_id bigint NOT NULL,
    version_id bigint,
    subject text NOT NULL,
    collection_id bigint,
    queries integer NOT NULL,
    k integer NOT NULL,
    eligible bigint NOT NULL,
    total bigint NOT NULL,
    recall real NOT NULL,
    took_ms real NOT NULL,
    exact_ms real NOT NULL,
    CONSTRAINT recall_sample_queries_check CHECK ((queries > 0)),
    CONSTRAINT recall_sample_recall_check CHECK (((recall >= (0)::double precision) AND (recall <= (1)::double precision))),
    CONSTRAINT recall_sample_subject_check CHECK ((subject = ANY (ARRAY['query'::text, 'all'::text, 'newest'::text, 'collection'::text])))
);


--
-- Name: TABLE recall_sample; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.recall_sample IS 'How much of the exact answer searches found: of people''s searches (query), and of reviews. Nothing of a query.';


--
-- Name: COLUMN recall_sample.version_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.recall_sample.version_id IS 'The version of the index, which may be gone by now; NULL while there was none.';


--
-- Name: security_event; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.security_event (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    kind text NOT NULL,
    account_id bigint,
    address text NOT NULL,
    about text DEFAULT ''::text NOT NULL
);


--
-- Name: COLUMN security_event.account_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.security_event.account_id IS 'Whom it concerns: who signed in, made the token, was disabled.';


--
-- Name: COLUMN security_event.about; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.security_event.about IS 'What else there is to tell, in words; never a secret.';


--
-- Name: security_event_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.security_event ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.security_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: session; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.session (
    id bigint NOT NULL,
    token_hash bytea NOT NULL,
    account_id bigint NOT NULL,
    user_agent text NOT NULL,
    address text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: session_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.session ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.session_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: setting; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.setting (
    name text NOT NULL,
    value text NOT NULL
);


--
-- Name: share_link; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.share_link (
    id bigint NOT NULL,
    collection_id bigint NOT NULL,
    prefix text NOT NULL,
    token_hash bytea NOT NULL,
    key_hash bytea NOT NULL,
    password_hash text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);


--
-- Name: COLUMN share_link.token_hash; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.share_link.token_hash IS 'SHA-256 of the secret in the link''s address.';


--
-- Name: COLUMN share_link.key_hash; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.share_link.key_hash IS 'SHA-256 of what shows the collection: the same, or what its password gives.';


--
-- Name: share_link_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.share_link ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.share_link_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: tally; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tally (
    placement_id bigint NOT NULL,
    label_id bigint,
    images bigint NOT NULL
);


--
-- Name: TABLE tally; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.tally IS 'How many pictures outside the trash stand in exactly these collections; rows of the same key add up.';


--
-- Name: COLUMN tally.label_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.tally.label_id IS 'Of those that carry this label; null: of all.';


--
-- Name: training; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.training (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    account_id bigint,
    collection_id bigint,
    collection_name text NOT NULL,
    model text NOT NULL,
    output text NOT NULL,
    config jsonb NOT NULL,
    held_out_pct smallint NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    about jsonb DEFAULT '{}'::jsonb NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    promoted_over text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT training_held_out_pct_check CHECK (((held_out_pct >= 0) AND (held_out_pct <= 50))),
    CONSTRAINT training_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'stopped'::text, 'done'::text, 'failed'::text])))
);


--
-- Name: COLUMN training.output; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.training.output IS 'The model to come: the name of its folder among the models.';


--
-- Name: COLUMN training.held_out_pct; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.training.held_out_pct IS 'Share of the pictures that are not learnt from.';


--
-- Name: COLUMN training.about; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.training.about IS 'What the run said at its start: parameters, pictures, steps, the device.';


--
-- Name: COLUMN training.promoted_over; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.training.promoted_over IS 'The model that answered searches when this one was put in its place.';


--
-- Name: training_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.training ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.training_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: training_point; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.training_point (
    training_id bigint NOT NULL,
    step integer NOT NULL,
    kind text NOT NULL,
    entry jsonb NOT NULL,
    CONSTRAINT training_point_kind_check CHECK ((kind = ANY (ARRAY['step'::text, 'probe'::text])))
);


--
-- Name: TABLE training_point; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.training_point IS 'The curves of a training: what each step came to, and the probes after some.';


--
-- Name: uncompared; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.uncompared (
    id bigint NOT NULL,
    image_id bigint NOT NULL
);


--
-- Name: TABLE uncompared; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.uncompared IS 'Pictures that have not been compared with all others yet; some are gone by now.';


--
-- Name: uncompared_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.uncompared ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.uncompared_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: undo; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.undo (
    id uuid NOT NULL,
    account_id bigint NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    effects jsonb NOT NULL
);


--
-- Name: TABLE undo; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.undo IS 'What a step changed, for the one who took it; kept for a day, gone once it is undone.';


--
-- Name: upload; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.upload (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    owner_id bigint NOT NULL,
    collection_id bigint NOT NULL,
    filename text NOT NULL,
    size_bytes bigint NOT NULL,
    labels_from_folders boolean DEFAULT false NOT NULL,
    import_id bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT upload_size_bytes_check CHECK ((size_bytes > 0))
);


--
-- Name: TABLE upload; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.upload IS 'An archive that comes in by pieces; how much of it is here, its file tells.';


--
-- Name: usage; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.usage (
    account_id bigint NOT NULL,
    files bigint DEFAULT 0 NOT NULL,
    bytes bigint DEFAULT 0 NOT NULL,
    max_files bigint,
    max_bytes bigint,
    CONSTRAINT usage_max_bytes_check CHECK ((max_bytes >= 0)),
    CONSTRAINT usage_max_files_check CHECK ((max_files >= 0))
);


--
-- Name: TABLE usage; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.usage IS 'What each account keeps, the trash included, and what it may: NULL is the setting''s limit.';


--
-- Name: account account_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: api_token api_token_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_pkey PRIMARY KEY (id);


--
-- Name: api_token api_token_token_hash_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_token_hash_key UNIQUE (token_hash);


--
-- Name: attempt attempt_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (id);


--
-- Name: change_log change_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.change_log
    ADD CONSTRAINT change_log_pkey PRIMARY KEY (seq);


--
-- Name: claim claim_account_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.claim
    ADD CONSTRAINT claim_account_id_key UNIQUE (account_id);


--
-- Name: claim claim_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.claim
    ADD CONSTRAINT claim_pkey PRIMARY KEY (token_hash);


--
-- Name: collection_image collection_image_collection_id_digest_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection_image
    ADD CONSTRAINT collection_image_collection_id_digest_key UNIQUE (collection_id, digest);


--
-- Name: collection_image collection_image_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection_image
    ADD CONSTRAINT collection_image_pkey PRIMARY KEY (collection_id, image_id);


--
-- Name: collection_member collection_member_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection_member
    ADD CONSTRAINT collection_member_pkey PRIMARY KEY (collection_id, account_id);


--
-- Name: collection collection_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection
    ADD CONSTRAINT collection_pkey PRIMARY KEY (id);


--
-- Name: copy_family copy_family_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.copy_family
    ADD CONSTRAINT copy_family_pkey PRIMARY KEY (image_id);


--
-- Name: embedding_attempt embedding_attempt_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.embedding_attempt
    ADD CONSTRAINT embedding_attempt_pkey PRIMARY KEY (model_id, image_id);


--
-- Name: embedding embedding_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.embedding
    ADD CONSTRAINT embedding_pkey PRIMARY KEY (model_id, image_id);


--
-- Name: evaluation evaluation_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.evaluation
    ADD CONSTRAINT evaluation_pkey PRIMARY KEY (id);


--
-- Name: image_box image_box_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_box
    ADD CONSTRAINT image_box_pkey PRIMARY KEY (image_id, "position");


--
-- Name: image image_id_digest_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image
    ADD CONSTRAINT image_id_digest_key UNIQUE (id, digest);


--
-- Name: image_label image_label_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_label
    ADD CONSTRAINT image_label_pkey PRIMARY KEY (image_id, label_id);


--
-- Name: image image_owner_id_digest_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image
    ADD CONSTRAINT image_owner_id_digest_key UNIQUE (owner_id, digest);


--
-- Name: image image_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image
    ADD CONSTRAINT image_pkey PRIMARY KEY (id);


--
-- Name: import import_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import
    ADD CONSTRAINT import_pkey PRIMARY KEY (id);


--
-- Name: import_refusal import_refusal_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import_refusal
    ADD CONSTRAINT import_refusal_pkey PRIMARY KEY (import_id, "position");


--
-- Name: index_version index_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.index_version
    ADD CONSTRAINT index_version_pkey PRIMARY KEY (id);


--
-- Name: job job_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);


--
-- Name: label label_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.label
    ADD CONSTRAINT label_name_key UNIQUE (name);


--
-- Name: label label_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.label
    ADD CONSTRAINT label_pkey PRIMARY KEY (id);


--
-- Name: model model_identity_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model
    ADD CONSTRAINT model_identity_key UNIQUE (identity);


--
-- Name: model model_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.model
    ADD CONSTRAINT model_pkey PRIMARY KEY (id);


--
-- Name: placement placement_collection_ids_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.placement
    ADD CONSTRAINT placement_collection_ids_key UNIQUE (collection_ids);


--
-- Name: placement placement_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.placement
    ADD CONSTRAINT placement_pkey PRIMARY KEY (id);


--
-- Name: proposal proposal_collection_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.proposal
    ADD CONSTRAINT proposal_collection_id_key UNIQUE (collection_id);


--
-- Name: proposal_group proposal_group_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.proposal_group
    ADD CONSTRAINT proposal_group_pkey PRIMARY KEY (id);


--
-- Name: proposal proposal_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.proposal
    ADD CONSTRAINT proposal_pkey PRIMARY KEY (id);


--
-- Name: query query_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.query
    ADD CONSTRAINT query_pkey PRIMARY KEY (id);


--
-- Name: security_event security_event_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.security_event
    ADD CONSTRAINT security_event_pkey PRIMARY KEY (id);


--
-- Name: session session_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (id);


--
-- Name: session session_token_hash_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_token_hash_key UNIQUE (token_hash);


--
-- Name: setting setting_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (name);


--
-- Name: share_link share_link_key_hash_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.share_link
    ADD CONSTRAINT share_link_key_hash_key UNIQUE (key_hash);


--
-- Name: share_link share_link_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.share_link
    ADD CONSTRAINT share_link_pkey PRIMARY KEY (id);


--
-- Name: share_link share_link_token_hash_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.share_link
    ADD CONSTRAINT share_link_token_hash_key UNIQUE (token_hash);


--
-- Name: training training_output_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.training
    ADD CONSTRAINT training_output_key UNIQUE (output);


--
-- Name: training training_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.training
    ADD CONSTRAINT training_pkey PRIMARY KEY (id);


--
-- Name: training_point training_point_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.training_point
    ADD CONSTRAINT training_point_pkey PRIMARY KEY (training_id, step, kind);


--
-- Name: uncompared uncompared_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.uncompared
    ADD CONSTRAINT uncompared_pkey PRIMARY KEY (id);


--
-- Name: undo undo_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.undo
    ADD CONSTRAINT undo_pkey PRIMARY KEY (id);


--
-- Name: upload upload_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.upload
    ADD CONSTRAINT upload_pkey PRIMARY KEY (id);


--
-- Name: usage usage_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.usage
    ADD CONSTRAINT usage_pkey PRIMARY KEY (account_id);


--
-- Name: account_name; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX account_name ON public.account USING btree (lower(name));


--
-- Name: api_token_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX api_token_account ON public.api_token USING btree (account_id);


--
-- Name: attempt_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attempt_at ON public.attempt USING btree (at);


--
-- Name: attempt_subject; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX attempt_subject ON public.attempt USING btree (subject, at);


--
-- Name: collection_cover; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX collection_cover ON public.collection USING btree (cover_id) WHERE (cover_id IS NOT NULL);


--
-- Name: collection_image_image; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX collection_image_image ON public.collection_image USING btree (image_id);


--
-- Name: collection_member_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX collection_member_account ON public.collection_member USING btree (account_id);


--
-- Name: collection_owner_name; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX collection_owner_name ON public.collection USING btree (owner_id, lower(name));


--
-- Name: collection_public; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX collection_public ON public.collection USING btree (id) WHERE is_public;


--
-- Name: copy_family_family; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX copy_family_family ON public.copy_family USING btree (family_id);


--
-- Name: embedding_image; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX embedding_image ON public.embedding USING btree (image_id);


--
-- Name: evaluation_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX evaluation_account ON public.evaluation USING btree (account_id);


--
-- Name: evaluation_collection; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX evaluation_collection ON public.evaluation USING btree (collection_id);


--
-- Name: evaluation_job; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX evaluation_job ON public.evaluation USING btree (job_id);


--
-- Name: evaluation_training; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX evaluation_training ON public.evaluation USING btree (training_id);


--
-- Name: image_box_label; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_box_label ON public.image_box USING btree (label_id);


--
-- Name: image_day; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_day ON public.image USING btree ((((created_at AT TIME ZONE 'UTC'::text))::date), id);


--
-- Name: image_digest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_digest ON public.image USING btree (digest);


--
-- Name: image_document; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_document ON public.image USING gin (document);


--
-- Name: image_import; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_import ON public.image USING btree (import_id);


--
-- Name: image_label_label; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_label_label ON public.image_label USING btree (label_id, image_id);


--
-- Name: image_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_name ON public.image USING btree (lower("left"(filename, 200)), id);


--
-- Name: image_perceptual_hash; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_perceptual_hash ON public.image USING hash (perceptual_hash);


--
-- Name: image_pixels; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_pixels ON public.image USING btree ((((width)::bigint * height)), id);


--
-- Name: image_trashed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_trashed ON public.image USING btree (owner_id, id) WHERE (trashed_at IS NOT NULL);


--
-- Name: import_collection; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX import_collection ON public.import USING btree (collection_id);


--
-- Name: import_job; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX import_job ON public.import USING btree (job_id);


--
-- Name: import_owner; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX import_owner ON public.import USING btree (owner_id, id);


--
-- Name: index_version_active; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX index_version_active ON public.index_version USING btree (model_id) WHERE is_active;


--
-- Name: proposal_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX proposal_account ON public.proposal USING btree (account_id);


--
-- Name: proposal_group_proposal; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX proposal_group_proposal ON public.proposal_group USING btree (proposal_id);


--
-- Name: proposal_job; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX proposal_job ON public.proposal USING btree (job_id);


--
-- Name: query_expires; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX query_expires ON public.query USING btree (expires_at);


--
-- Name: query_image; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX query_image ON public.query USING btree (image_id) WHERE (image_id IS NOT NULL);


--
-- Name: recall_sample_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX recall_sample_at ON public.recall_sample USING btree (at);


--
-- Name: security_event_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX security_event_account ON public.security_event USING btree (account_id, id);


--
-- Name: security_event_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX security_event_at ON public.security_event USING btree (at);


--
-- Name: security_event_kind; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX security_event_kind ON public.security_event USING btree (kind, id);


--
-- Name: session_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX session_account ON public.session USING btree (account_id);


--
-- Name: share_link_collection; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX share_link_collection ON public.share_link USING btree (collection_id);


--
-- Name: tally_label; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tally_label ON public.tally USING btree (label_id);


--
-- Name: tally_placement; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tally_placement ON public.tally USING btree (placement_id, label_id) INCLUDE (images);


--
-- Name: training_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX training_account ON public.training USING btree (account_id);


--
-- Name: training_collection; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX training_collection ON public.training USING btree (collection_id);


--
-- Name: training_job; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX training_job ON public.training USING btree (job_id);


--
-- Name: undo_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX undo_account ON public.undo USING btree (account_id);


--
-- Name: undo_made_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX undo_made_at ON public.undo USING btree (made_at);


--
-- Name: upload_collection; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX upload_collection ON public.upload USING btree (collection_id);


--
-- Name: upload_import; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX upload_import ON public.upload USING btree (import_id);


--
-- Name: upload_owner; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX upload_owner ON public.upload USING btree (owner_id);


--
-- Name: image image_added; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER image_added AFTER INSERT ON public.image REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.count_added();


--
-- Name: image image_erased; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER image_erased BEFORE DELETE ON public.image FOR EACH ROW WHEN ((old.trashed_at IS NULL)) EXECUTE FUNCTION public.tally_image();


--
-- Name: image image_hashed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER image_hashed AFTER INSERT OR UPDATE OF perceptual_hash, digest ON public.image FOR EACH ROW EXECUTE FUNCTION public.await_comparison();


--
-- Name: image image_removed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER image_removed AFTER DELETE ON public.image REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.count_removed();


--
-- Name: image image_trashed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER image_trashed AFTER UPDATE OF trashed_at ON public.image FOR EACH ROW WHEN (((old.trashed_at IS NULL) <> (new.trashed_at IS NULL))) EXECUTE FUNCTION public.tally_image();


--
-- Name: image_label label_added; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER label_added AFTER INSERT ON public.image_label REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.tally_labels();


--
-- Name: image_label label_removed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER label_removed AFTER DELETE ON public.image_label REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.tally_labels();


--
-- Name: collection_image standing_added; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER standing_added AFTER INSERT ON public.collection_image REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.tally_standings();


--
-- Name: collection_image standing_removed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER standing_removed AFTER DELETE ON public.collection_image REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION public.tally_standings();


--
-- Name: api_token api_token_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_token
    ADD CONSTRAINT api_token_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE CASCADE;


--
-- Name: claim claim_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.claim
    ADD CONSTRAINT claim_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE CASCADE;


--
-- Name: collection collection_cover_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection
    ADD CONSTRAINT collection_cover_id_fkey FOREIGN KEY (cover_id) REFERENCES public.image(id) ON DELETE SET NULL;


--
-- Name: collection_image collection_image_collection_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection_image
    ADD CONSTRAINT collection_image_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES public.collection(id) ON DELETE CASCADE;


--
-- Name: collection_image collection_image_image_id_digest_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection_image
    ADD CONSTRAINT collection_image_image_id_digest_fkey FOREIGN KEY (image_id, digest) REFERENCES public.image(id, digest) ON DELETE CASCADE;


--
-- Name: collection_member collection_member_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection_member
    ADD CONSTRAINT collection_member_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE CASCADE;


--
-- Name: collection_member collection_member_collection_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection_member
    ADD CONSTRAINT collection_member_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES public.collection(id) ON DELETE CASCADE;


--
-- Name: collection collection_owner_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.collection
    ADD CONSTRAINT collection_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.account(id);


--
-- Name: copy_family copy_family_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.copy_family
    ADD CONSTRAINT copy_family_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;


--
-- Name: embedding_attempt embedding_attempt_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.embedding_attempt
    ADD CONSTRAINT embedding_attempt_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;


--
-- Name: embedding_attempt embedding_attempt_model_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.embedding_attempt
    ADD CONSTRAINT embedding_attempt_model_id_fkey FOREIGN KEY (model_id) REFERENCES public.model(id);


--
-- Name: embedding embedding_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.embedding
    ADD CONSTRAINT embedding_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;


--
-- Name: embedding embedding_model_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.embedding
    ADD CONSTRAINT embedding_model_id_fkey FOREIGN KEY (model_id) REFERENCES public.model(id);


--
-- Name: evaluation evaluation_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.evaluation
    ADD CONSTRAINT evaluation_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE SET NULL;


--
-- Name: evaluation evaluation_collection_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.evaluation
    ADD CONSTRAINT evaluation_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES public.collection(id) ON DELETE SET NULL;


--
-- Name: evaluation evaluation_job_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.evaluation
    ADD CONSTRAINT evaluation_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.job(id);


--
-- Name: evaluation evaluation_training_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.evaluation
    ADD CONSTRAINT evaluation_training_id_fkey FOREIGN KEY (training_id) REFERENCES public.training(id) ON DELETE SET NULL;


--
-- Name: image_box image_box_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_box
    ADD CONSTRAINT image_box_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;


--
-- Name: image_box image_box_label_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_box
    ADD CONSTRAINT image_box_label_id_fkey FOREIGN KEY (label_id) REFERENCES public.label(id);


--
-- Name: image image_import_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image
    ADD CONSTRAINT image_import_id_fkey FOREIGN KEY (import_id) REFERENCES public.import(id) ON DELETE SET NULL;


--
-- Name: image_label image_label_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_label
    ADD CONSTRAINT image_label_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;


--
-- Name: image_label image_label_label_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image_label
    ADD CONSTRAINT image_label_label_id_fkey FOREIGN KEY (label_id) REFERENCES public.label(id);


--
-- Name: image image_owner_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.image
    ADD CONSTRAINT image_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.account(id);


--
-- Name: import import_collection_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import
    ADD CONSTRAINT import_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES public.collection(id) ON DELETE SET NULL;


--
-- Name: import import_job_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import
    ADD CONSTRAINT import_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.job(id);


--
-- Name: import import_owner_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import
    ADD CONSTRAINT import_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.account(id) ON DELETE CASCADE;


--
-- Name: import_refusal import_refusal_import_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import_refusal
    ADD CONSTRAINT import_refusal_import_id_fkey FOREIGN KEY (import_id) REFERENCES public.import(id) ON DELETE CASCADE;


--
-- Name: index_version index_version_model_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.index_version
    ADD CONSTRAINT index_version_model_id_fkey FOREIGN KEY (model_id) REFERENCES public.model(id);


--
-- Name: proposal proposal_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.proposal
    ADD CONSTRAINT proposal_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE SET NULL;


--
-- Name: proposal proposal_collection_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.proposal
    ADD CONSTRAINT proposal_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES public.collection(id) ON DELETE CASCADE;


--
-- Name: proposal_group proposal_group_proposal_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.proposal_group
    ADD CONSTRAINT proposal_group_proposal_id_fkey FOREIGN KEY (proposal_id) REFERENCES public.proposal(id) ON DELETE CASCADE;


--
-- Name: proposal proposal_job_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.proposal
    ADD CONSTRAINT proposal_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.job(id);


--
-- Name: query query_image_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.query
    ADD CONSTRAINT query_image_id_fkey FOREIGN KEY (image_id) REFERENCES public.image(id) ON DELETE CASCADE;


--
-- Name: query query_model_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.query
    ADD CONSTRAINT query_model_id_fkey FOREIGN KEY (model_id) REFERENCES public.model(id);


--
-- Name: query query_owner_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.query
    ADD CONSTRAINT query_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.account(id) ON DELETE CASCADE;


--
-- Name: recall_sample recall_sample_collection_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.recall_sample
    ADD CONSTRAINT recall_sample_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES public.collection(id) ON DELETE CASCADE;


--
-- Name: recall_sample recall_sample_model_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.recall_sample
    ADD CONSTRAINT recall_sample_model_id_fkey FOREIGN KEY (model_id) REFERENCES public.model(id) ON DELETE CASCADE;


--
-- Name: security_event security_event_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.security_event
    ADD CONSTRAINT security_event_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE CASCADE;


--
-- Name: session session_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE CASCADE;


--
-- Name: share_link share_link_collection_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.share_link
    ADD CONSTRAINT share_link_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES public.collection(id) ON DELETE CASCADE;


--
-- Name: tally tally_placement_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tally
    ADD CONSTRAINT tally_placement_id_fkey FOREIGN KEY (placement_id) REFERENCES public.placement(id);


--
-- Name: training training_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.training
    ADD CONSTRAINT training_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE SET NULL;


--
-- Name: training training_collection_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.training
    ADD CONSTRAINT training_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES public.collection(id) ON DELETE SET NULL;


--
-- Name: training training_job_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.training
    ADD CONSTRAINT training_job_id_fkey FOREIGN KEY (job_id) REFERENCES public.job(id);


--
-- Name: training_point training_point_training_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.training_point
    ADD CONSTRAINT training_point_training_id_fkey FOREIGN KEY (training_id) REFERENCES public.training(id) ON DELETE CASCADE;


--
-- Name: undo undo_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.undo
    ADD CONSTRAINT undo_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE CASCADE;


--
-- Name: upload upload_collection_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.upload
    ADD CONSTRAINT upload_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES public.collection(id) ON DELETE CASCADE;


--
-- Name: upload upload_import_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.upload
    ADD CONSTRAINT upload_import_id_fkey FOREIGN KEY (import_id) REFERENCES public.import(id) ON DELETE SET NULL;


--
-- Name: upload upload_owner_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.upload
    ADD CONSTRAINT upload_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.account(id) ON DELETE CASCADE;


--
-- Name: usage usage_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.usage
    ADD CONSTRAINT usage_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--

\unrestrict likeness
