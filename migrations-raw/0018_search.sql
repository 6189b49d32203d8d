/*
A text as words. English stems, because most prompts and error messages are English: words of other languages are
found as they are written.
*/
create function store.words(variadic texts text[]) returns tsvector
  language sql immutable parallel safe
  -- A tsvector takes 1 MiB at most: the words of 200,000 characters fit.
  return to_tsvector('pg_catalog.english', left(array_to_string(texts, ' '), 200000));

create index scenarios_words on public.scenarios
  using gin (user_id, store.words(scenario_id, external_id, name, task_prompt));
create index failure_patterns_words on public.failure_patterns
  using gin (user_id, store.words(failure_type, error_message));

-- Under row-level security no index answers @@, which is not leakproof. The functions below ask as the owner, whom these
-- policies let, and name the tenant themselves.
create policy search_reads on public.scenarios for select to arc_owner using (true);
create policy search_reads on public.failure_patterns for select to arc_owner using (true);

/* The tenant's scenarios with these words: all of them, "a phrase", one or another, without -this. */
create function public.search_scenarios(words text) returns setof text
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.scenario_id from public.scenarios s
  where s.user_id = (select public.current_user_id())
    and store.words(s.scenario_id, s.external_id, s.name, s.task_prompt) @@ websearch_to_tsquery('english', words)
$$;

create function public.search_failure_patterns(words text) returns setof uuid
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.pattern_id from public.failure_patterns p
  where p.user_id = (select public.current_user_id())
    and store.words(p.failure_type, p.error_message) @@ websearch_to_tsquery('english', words)
$$;

comment on function public.search_failure_patterns is 'Words are read as by search_scenarios.';
revoke execute on function public.search_scenarios(text), public.search_failure_patterns(text) from public;
grant execute on function public.search_scenarios(text) to app_user, app_readonly, app_admin, app_ingest;
grant execute on function public.search_failure_patterns(text) to app_user, app_readonly, app_admin;
