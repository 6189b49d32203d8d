create table public.configurations (
  user_id uuid not null default public.current_user_id(),
  config_id uuid not null default public.uuid_v7(),
  name text not null
    check (char_length(name) between 3 and 100 and name = btrim(name) and name !~ '[[:cntrl:]]'),
  latest_version_id uuid,
  modal_app_id text check (char_length(modal_app_id) <= 200),
  is_active boolean not null default true,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (user_id, config_id),
  check (updated_at >= created_at)
);
create unique index configurations_name on public.configurations (user_id, name) where is_active;
create index configurations_created on public.configurations (user_id, created_at desc, config_id desc);
create index configurations_updated on public.configurations (user_id, updated_at desc, config_id desc);
create trigger touch_updated_at before update on public.configurations
  for each row execute function store.touch_updated_at();

create table public.config_versions (
  user_id uuid not null default public.current_user_id(),
  version_id uuid not null default public.uuid_v7(),
  config_id uuid not null,
  version_number integer not null check (version_number > 0),
  raw_yaml text not null check (octet_length(raw_yaml) <= 1048576),
  parsed_config jsonb not null,
  -- SHA-256 of the exact YAML bytes. Not unique: a tenant may go back to an earlier text.
  config_hash text not null check (config_hash ~ '^[0-9a-f]{64}$'),
  model text not null generated always as (parsed_config ->> 'model') stored,
  temperature double precision generated always as (
    case when jsonb_typeof(parsed_config -> 'temperature') = 'number'
      then (parsed_config ->> 'temperature')::double precision end) stored,
  warnings text[] not null default '{}',
  embedding halfvec(1536),
  embedding_model text,
  generated_by text not null default 'manual' check (generated_by in ('manual', 'diff_engine', 'optimization', 'api')),
  is_deleted boolean not null default false,
  created_at timestamptz(3) not null default now(),
  primary key (user_id, version_id),
  unique (user_id, config_id, version_id),
  unique (user_id, config_id, version_number),
  foreign key (user_id, config_id) references public.configurations on delete cascade,
  check (jsonb_typeof(parsed_config) = 'object' and jsonb_typeof(parsed_config -> 'model') = 'string'),
  check (case jsonb_typeof(parsed_config -> 'temperature')
    when 'number' then (parsed_config ->> 'temperature')::numeric between 0 and 2
    when 'null' then true
    else false end)
);
alter table public.config_versions alter column embedding set storage plain;
create index config_versions_hash on public.config_versions (user_id, config_id, config_hash);
create index config_versions_created on public.config_versions (user_id, created_at desc, version_id desc);
create index config_versions_model on public.config_versions (user_id, model, created_at desc);

alter table public.configurations
  add constraint configurations_latest_version
  foreign key (user_id, config_id, latest_version_id)
  references public.config_versions (user_id, config_id, version_id)
  deferrable initially deferred;

create function store.refuse_version_change() returns trigger language plpgsql as $$
begin
  raise exception 'a configuration version never changes' using errcode = 'restrict_violation';
end $$;
create trigger immutable before update of user_id, version_id, config_id, version_number, raw_yaml, parsed_config, config_hash, created_at
  on public.config_versions for each row execute function store.refuse_version_change();

create table public.config_diffs (
  user_id uuid not null default public.current_user_id(),
  diff_id uuid not null default public.uuid_v7(),
  config_id uuid not null,
  version_before uuid not null,
  version_after uuid not null,
  -- Two texts of 1 MiB can make a diff of both, so the limit is above the texts' own.
  diff_yaml text not null check (octet_length(diff_yaml) <= 4194304),
  change_summary jsonb,
  impact_prediction jsonb,
  approval_status text not null default 'pending' check (approval_status in ('pending', 'approved', 'rejected')),
  approved_by text,
  approved_at timestamptz(3),
  created_at timestamptz(3) not null default now(),
  primary key (user_id, diff_id),
  foreign key (user_id, config_id) references public.configurations on delete cascade,
  foreign key (user_id, config_id, version_before)
    references public.config_versions (user_id, config_id, version_id) on delete cascade,
  foreign key (user_id, config_id, version_after)
    references public.config_versions (user_id, config_id, version_id) on delete cascade,
  check (version_before <> version_after),
  check ((approval_status = 'pending') = (approved_at is null))
);
create index config_diffs_created on public.config_diffs (user_id, config_id, created_at desc, diff_id desc);
create index config_diffs_before on public.config_diffs (user_id, config_id, version_before);
create unique index config_diffs_after on public.config_diffs (user_id, config_id, version_after, version_before);
