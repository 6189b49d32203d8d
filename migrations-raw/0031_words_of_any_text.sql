/*
A text that PostgreSQL takes apart in time by its length. What may be the beginning of an address or a path ("a_a_a_…") its
parser reads to the end of the run, and of a comment to the end of the text, before it reads all but the first character
again. So no run has more than 200 characters, and no comment begins.
*/
create function store.parsable(given text) returns text
  language sql immutable parallel safe
  return regexp_replace(replace(given, '<!--', '<! --'), '\S{200}', '\& ', 'g');

create or replace function store.words(variadic texts text[]) returns tsvector
  language sql immutable parallel safe
  -- A tsvector takes 1 MiB at most: the words of 200,000 characters fit.
  return to_tsvector('pg_catalog.english', store.parsable(left(array_to_string(texts, ' '), 200000)));

reindex index public.scenarios_words;
reindex index public.failure_patterns_words;

create or replace function public.search_scenarios(words text) returns setof text
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.scenario_id from public.scenarios s
  where numnode(websearch_to_tsquery('english', store.parsable(words))) > 0
    and s.user_id = (select public.current_user_id())
    and store.words(s.scenario_id, s.external_id, s.name, s.task_prompt)
      @@ websearch_to_tsquery('english', store.parsable(words))
  union all
  select s.scenario_id from public.scenarios s
  where numnode(websearch_to_tsquery('english', store.parsable(words))) = 0
    and s.user_id = (select public.current_user_id())
    and to_tsvector('simple',
        store.parsable(left(concat_ws(' ', s.scenario_id, s.external_id, s.name, s.task_prompt), 200000)))
      @@ websearch_to_tsquery('simple', store.parsable(words))
$$;

create or replace function public.search_failure_patterns(words text) returns setof uuid
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select p.pattern_id from public.failure_patterns p
  where numnode(websearch_to_tsquery('english', store.parsable(words))) > 0
    and p.user_id = (select public.current_user_id())
    and store.words(p.failure_type, p.error_message) @@ websearch_to_tsquery('english', store.parsable(words))
  union all
  select p.pattern_id from public.failure_patterns p
  where numnode(websearch_to_tsquery('english', store.parsable(words))) = 0
    and p.user_id = (select public.current_user_id())
    and to_tsvector('simple', store.parsable(left(concat_ws(' ', p.failure_type, p.error_message), 200000)))
      @@ websearch_to_tsquery('simple', store.parsable(words))
$$;

call store.pin_settings();
