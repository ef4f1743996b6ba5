CREATE TABLE backups (
  name text COLLATE "C" NOT NULL,
  taken_at timestamp with time zone NOT NULL,
  tried_at timestamp with time zone,
  verified_at timestamp with time zone,
  PRIMARY KEY (name)
);

CREATE TABLE change_heads (
  field_id text COLLATE "C" NOT NULL,
  genesis uuid NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (field_id)
);

CREATE TABLE change_ranges (
  position bigint NOT NULL,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  field_id text COLLATE "C" NOT NULL,
  genesis uuid NOT NULL,
  after_version bigint NOT NULL,
  version bigint NOT NULL,
  is_deletion boolean NOT NULL DEFAULT false,
  added_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY ("position"),
  CHECK ((after_version <= version))
);
CREATE INDEX change_ranges_deletions ON public.change_ranges USING btree (added_at) WHERE is_deletion;
CREATE INDEX change_ranges_field_id_version ON public.change_ranges USING btree (field_id, version);

CREATE TABLE consciousness_states (
  field_id text COLLATE "C" NOT NULL,
  version bigint NOT NULL DEFAULT 0,
  last_update bigint NOT NULL DEFAULT 0,
  global_resonance double precision NOT NULL,
  collective_intelligence double precision NOT NULL,
  room64_active boolean NOT NULL,
  conflict_count bigint NOT NULL DEFAULT 0,
  log_start bigint NOT NULL DEFAULT 0,
  swept_through bigint NOT NULL DEFAULT 0,
  snapshot_version bigint NOT NULL DEFAULT 0,
  snapshot_time bigint NOT NULL DEFAULT 0,
  memory_particles jsonb NOT NULL,
  quantum_fields jsonb NOT NULL,
  cells jsonb NOT NULL,
  dynamics jsonb NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  genesis uuid NOT NULL,
  hash text COLLATE "C" NOT NULL,
  log_start_hash text COLLATE "C" NOT NULL,
  snapshot_hash text COLLATE "C" NOT NULL,
  has_erased_counters boolean NOT NULL DEFAULT false,
  PRIMARY KEY (field_id),
  CHECK (((snapshot_version <= version) AND (log_start <= version))),
  CHECK ((field_id ~ '^[a-z0-9][a-z0-9_-]{0,63}$'::text))
) WITH (fillfactor=50);

CREATE TABLE enqueue_runs (
  id uuid NOT NULL,
  name text NOT NULL,
  field_id text COLLATE "C" NOT NULL,
  operator text NOT NULL,
  status text COLLATE "C" NOT NULL,
  started_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  reported_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  counts jsonb NOT NULL DEFAULT '{}'::jsonb,
  PRIMARY KEY (id),
  CHECK ((status = ANY (ARRAY['running'::text, 'paused'::text, 'cancelled'::text, 'finished'::text, 'stopped'::text])))
);
CREATE INDEX enqueue_runs_started_at ON public.enqueue_runs USING btree (started_at);

CREATE TABLE erased_counters (
  pseudonym text COLLATE "C" NOT NULL,
  counter bigint NOT NULL,
  PRIMARY KEY (pseudonym)
);

CREATE TABLE erasures (
  id uuid NOT NULL,
  kind text NOT NULL,
  subject text COLLATE "C" NOT NULL,
  devices text[] NOT NULL,
  key_check text COLLATE "C" NOT NULL,
  requested_by text NOT NULL,
  requested_at timestamp with time zone NOT NULL,
  finished_at timestamp with time zone,
  counts jsonb NOT NULL,
  PRIMARY KEY (id),
  CHECK ((kind = ANY (ARRAY['user'::text, 'device'::text, 'field'::text])))
);

CREATE TABLE field_conflicts (
  field_id text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  cell text COLLATE "C" NOT NULL,
  local jsonb NOT NULL,
  remote jsonb NOT NULL,
  resolution text NOT NULL,
  time bigint NOT NULL,
  PRIMARY KEY (field_id, version, cell),
  CHECK ((resolution = ANY (ARRAY['kept_local'::text, 'used_remote'::text, 'merged'::text])))
);

CREATE TABLE field_snapshots (
  field_id text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  time bigint NOT NULL,
  memory_particles jsonb NOT NULL,
  quantum_fields jsonb NOT NULL,
  cells jsonb NOT NULL,
  dynamics jsonb NOT NULL,
  hash text COLLATE "C" NOT NULL,
  PRIMARY KEY (field_id, version)
);

CREATE TABLE field_updates (
  field_id text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  device_id text COLLATE "C",
  counter bigint,
  logged_at bigint NOT NULL,
  outcome text NOT NULL,
  resolution text,
  update jsonb,
  user_id text,
  swept_through bigint,
  rules smallint NOT NULL,
  salt text COLLATE "C",
  hash text COLLATE "C" NOT NULL,
  content_hash text COLLATE "C",
  UNIQUE (field_id, device_id, counter),
  PRIMARY KEY (field_id, version),
  CHECK ((((device_id IS NULL) = (counter IS NULL)) AND ((device_id IS NULL) OR (update IS NOT NULL)) AND ((content_hash IS NOT NULL) OR ((salt IS NOT NULL) AND (update IS NOT NULL))))),
  CHECK ((outcome = ANY (ARRAY['applied'::text, 'superseded'::text, 'conflict'::text]))),
  CHECK ((resolution = ANY (ARRAY['kept_local'::text, 'used_remote'::text, 'merged'::text])))
);
CREATE INDEX field_updates_erasures ON public.field_updates USING btree (field_id, version) WHERE ((device_id IS NULL) AND (update IS NOT NULL));

CREATE TABLE installation (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  PRIMARY KEY (id)
);

CREATE TABLE maintenance_tasks (
  name text COLLATE "C" NOT NULL,
  due_at timestamp with time zone NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE operator_actions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  operator text NOT NULL,
  origin text NOT NULL,
  action text NOT NULL,
  target text,
  details jsonb,
  PRIMARY KEY (id)
);
CREATE INDEX operator_actions_at ON public.operator_actions USING btree (at);

CREATE TABLE revocations (
  kind text NOT NULL,
  subject text COLLATE "C" NOT NULL,
  revoked_at bigint NOT NULL,
  reason text,
  is_lifted boolean NOT NULL DEFAULT false,
  change bigint NOT NULL,
  UNIQUE (change),
  PRIMARY KEY (kind, subject),
  CHECK ((kind = ANY (ARRAY['token'::text, 'device'::text, 'user'::text])))
);

CREATE TABLE rule_settings (
  name text COLLATE "C" NOT NULL,
  value double precision NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE unpublished_fields (
  field_id text COLLATE "C" NOT NULL,
  version bigint NOT NULL,
  PRIMARY KEY (field_id)
);

CREATE TABLE vector_clocks (
  field_id text COLLATE "C" NOT NULL,
  device_id text COLLATE "C" NOT NULL,
  counter bigint NOT NULL,
  heard_at bigint NOT NULL,
  pruned int8multirange NOT NULL DEFAULT '{}'::int8multirange,
  PRIMARY KEY (field_id, device_id)
) WITH (fillfactor=70);

CREATE TABLE webhook_dead_letters (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  webhook_id uuid NOT NULL,
  failed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  after_cursor text COLLATE "C" NOT NULL,
  through_cursor text COLLATE "C" NOT NULL,
  reason text NOT NULL,
  PRIMARY KEY (id),
  FOREIGN KEY (webhook_id) REFERENCES webhooks(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX webhook_dead_letters_webhook_id ON public.webhook_dead_letters USING btree (webhook_id);

CREATE TABLE webhooks (
  id uuid NOT NULL,
  url text NOT NULL,
  fields text[] NOT NULL,
  kinds text[],
  region jsonb,
  status text COLLATE "C" NOT NULL,
  cursor text COLLATE "C" NOT NULL,
  attempted_through text COLLATE "C",
  attempts integer NOT NULL DEFAULT 0,
  refusals integer NOT NULL DEFAULT 0,
  retry_at timestamp with time zone,
  last_error text,
  delivered_at timestamp with time zone,
  lease uuid,
  leased_until timestamp with time zone,
  created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (id),
  CHECK ((status = ANY (ARRAY['active'::text, 'paused'::text])))
);
