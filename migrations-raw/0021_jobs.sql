-- What the servers do by themselves, again and again: one row a job, run by one server at a time. A new job comes with a
-- migration that adds its row; what it does is in src/jobs. As the tables' owner, `every` may be changed, and
-- `update store.jobs set due_at = now() where name = …` has a job run within a minute.
create table store.jobs (
  name text primary key,
  every interval not null check (every > interval '0'),
  -- Not before this. Set while the job runs, it runs once more afterwards.
  due_at timestamptz not null default now(),
  -- The run that has the job now, or had it when its server went away. It is that run's alone until leased_until.
  lease uuid,
  leased_until timestamptz,
  started_at timestamptz,
  -- Of the last run that came to its end, well or not.
  ended_at timestamptz,
  runs integer not null default 0,
  -- Runs in a row that did not end well.
  failures integer not null default 0,
  last_error text,
  last_error_at timestamptz
);
insert into store.jobs (name, every) values
  -- Partitions are made two months ahead, and retention counts in days.
  ('prepare_outcome_storage', interval '1 day'),
  ('expire_outcomes', interval '1 day');

/* After so many failures in a row: how long a job waits for its next try. The first is also how long a lease holds. */
create function store.job_patience(failures integer) returns interval
  language sql immutable
  return least(interval '30 seconds' * 2 ^ least(failures, 10), interval '10 minutes');

/*
Takes those of the `known` jobs that are due and that no other run has, and answers for each of them: the lease of the
run that may begin now, or null and in how many milliseconds it is worth asking again. `was_lost`: the run before was
never given back. No session holds anything, so it is the same behind PgBouncer. Times are the database's: servers'
clocks differ.
*/
create function public.claim_jobs(known text[])
  returns table (job text, lease uuid, was_lost boolean, wait_ms double precision)
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  with due as (
    select j.name, j.lease is not null as was_lost
    from store.jobs j
    where j.name = any (known) and j.due_at <= now() and coalesce(j.leased_until <= now(), true)
    for update skip locked
  ), claimed as (
    update store.jobs j set
      lease = gen_random_uuid(),
      -- A job that takes its servers down with it takes them down ever less often.
      leased_until = now() + store.job_patience(j.failures + due.was_lost::integer),
      started_at = now(),
      runs = j.runs + 1,
      failures = j.failures + due.was_lost::integer,
      last_error = case when due.was_lost then 'The server that ran it went away, or lost the database.' else j.last_error end,
      last_error_at = case when due.was_lost then now() else j.last_error_at end
    from due where due.name = j.name
    returning j.name, j.lease, due.was_lost
  )
  select c.name, c.lease, c.was_lost, 0 from claimed c
  union all
  select j.name, null, false, greatest(0, 1000 * extract(epoch from greatest(j.due_at, j.leased_until) - now()))
  from store.jobs j
  where j.name = any (known) and not exists (select from claimed c where c.name = j.name)
$$;

/* Said by a run that goes on, well within its lease. False when another server has taken the job over. */
create function public.renew_job(job text, held uuid) returns boolean
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  with renewed as (
    update store.jobs j set leased_until = greatest(j.leased_until, now() + store.job_patience(0))
    where j.name = job and j.lease = held
    returning 1
  )
  select exists (select from renewed)
$$;

/*
Gives a job back: `error` is why the run failed, null when it went well. Answers in how many milliseconds it is due again;
null when another server has taken it over, and nothing was changed.
*/
create function public.end_job(job text, held uuid, error text) returns double precision
  language sql security definer set search_path = pg_catalog, pg_temp as $$
  update store.jobs j set
    lease = null,
    leased_until = null,
    ended_at = now(),
    due_at = case
      when error is not null then now() + store.job_patience(j.failures)
      when j.due_at > j.started_at then j.due_at
      else now() + j.every
    end,
    failures = case when error is null then 0 else j.failures + 1 end,
    last_error = coalesce(left(error, 2000), j.last_error),
    last_error_at = case when error is null then j.last_error_at else now() end
  where j.name = job and j.lease = held
  returning greatest(0, 1000 * extract(epoch from j.due_at - now()))
$$;

/* For `health`. Errors stay in the table: they may tell of any tenant's rows. */
create function public.job_states()
  returns table (name text, running boolean, due_at timestamptz, started_at timestamptz, ended_at timestamptz,
    runs integer, failures integer, last_error_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select j.name, coalesce(j.leased_until > now(), false), j.due_at, j.started_at, j.ended_at, j.runs, j.failures,
    j.last_error_at
  from store.jobs j
  order by j.name
$$;

revoke execute on function store.job_patience(integer), public.claim_jobs(text[]), public.renew_job(text, uuid),
  public.end_job(text, uuid, text), public.job_states() from public;
grant execute on function public.claim_jobs(text[]), public.renew_job(text, uuid), public.end_job(text, uuid, text),
  public.job_states() to app_user;

/* Whoever shortens the retention does not wait for tomorrow. */
create function store.expire_soon() returns trigger
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update store.jobs set due_at = now() where name = 'expire_outcomes';
  return null;
end $$;
revoke execute on function store.expire_soon() from public;
create trigger expire_soon after update of retention_days on store.settings
  for each row when (old.retention_days is distinct from new.retention_days)
  execute function store.expire_soon();
