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
-- Name: visible_collections(bigint); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.visible_collections(viewer bigint) RETURNS TABLE(collection_id bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT id FROM collection WHERE is_public
    UNION
    SELECT id FROM collection WHERE owner_id = viewer
    UNION
    SELECT member.collection_id FROM collection_member AS member WHERE member.account_id = viewer
$$;


--
-- Name: FUNCTION visible_collections(viewer bigint); Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON FUNCTION public.visible_collections(viewer bigint) IS 'The one permission rule: what a viewer (null: nobody) may see.';


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
    CONSTRAINT account_name_check CHECK ((((length(name) >= 1) AND (length(name) <= 64)) AND (name !~ '^[0-9]+$'::text)))
);


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
    CONSTRAINT api_token_name_check CHECK (((length(name) >= 1) AND (length(name) <= 64)))
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
    CONSTRAINT collection_description_check CHECK ((length(description) <= 2000)),
    CONSTRAINT collection_name_check CHECK ((((length(name) >= 1) AND (length(name) <= 120)) AND (name !~ '^[0-9]+$'::text)))
);


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
    CONSTRAINT image_caption_check CHECK ((length(caption) <= 2000)),
    CONSTRAINT image_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT image_height_check CHECK ((height > 0)),
    CONSTRAINT image_perceptual_hash_check CHECK ((octet_length(perceptual_hash) = 32)),
    CONSTRAINT image_width_check CHECK ((width > 0))
);


--
-- Name: COLUMN image.perceptual_hash; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.image.perceptual_hash IS 'pHash, 256 bits (ml/perceptual.py); NULL only for pictures taken in before it was kept.';


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
-- Name: query; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.query (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    owner_id bigint,
    model_id bigint NOT NULL,
    vector bytea NOT NULL,
    thumbnail bytea NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    filename text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);


--
-- Name: COLUMN query.vector; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.query.vector IS 'float32, little-endian, L2-normalised.';


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
-- Name: query query_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.query
    ADD CONSTRAINT query_pkey PRIMARY KEY (id);


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
-- Name: account_name; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX account_name ON public.account USING btree (lower(name));


--
-- Name: api_token_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX api_token_account ON public.api_token USING btree (account_id);


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
-- Name: embedding_image; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX embedding_image ON public.embedding USING btree (image_id);


--
-- Name: image_digest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_digest ON public.image USING btree (digest);


--
-- Name: image_label_label; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_label_label ON public.image_label USING btree (label_id, image_id);


--
-- Name: image_trashed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX image_trashed ON public.image USING btree (owner_id, id) WHERE (trashed_at IS NOT NULL);


--
-- Name: index_version_active; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX index_version_active ON public.index_version USING btree (model_id) WHERE is_active;


--
-- Name: query_expires; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX query_expires ON public.query USING btree (expires_at);


--
-- Name: recall_sample_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX recall_sample_at ON public.recall_sample USING btree (at);


--
-- Name: session_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX session_account ON public.session USING btree (account_id);


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
-- Name: index_version index_version_model_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.index_version
    ADD CONSTRAINT index_version_model_id_fkey FOREIGN KEY (model_id) REFERENCES public.model(id);


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
-- Name: session session_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--

\unrestrict likeness
