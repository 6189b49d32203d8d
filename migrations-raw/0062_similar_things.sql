-- Things that are like a given one, of one tenant: by their vectors, all of them compared or found by an index, and by their words while
-- there are no vectors.

-- From so many vectors of one tenant, kind and model on they have an index of their own: to compare all of 10,000 takes some 12 ms.
alter table store.settings add column embedding_index_rows integer not null default 10000 check (embedding_index_rows between 10 and 10000000);

/*
What the index of these is called. It is HNSW, over the vectors of one tenant, kind and model: one over all would have to pass over those of other
tenants, and would make each vector of every tenant dearer to store.
*/
create function store.embedding_index_name(tenant uuid, of_kind text, of_model text) returns name
  language sql immutable set search_path = pg_catalog, pg_temp
  return ('embeddings_like_' || md5(concat_ws(' ', tenant, of_kind, of_model)))::name;

create function store.embedding_indexes() returns table (name name)
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
  where i.indrelid = 'store.embeddings'::regclass and i.indisvalid and c.relname like 'embeddings\_like\_%'
$$;

create function store.has_embedding_index(tenant uuid, of_kind text, of_model text) returns boolean
  language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from pg_class c join pg_index i on i.indexrelid = c.oid
    where c.relname = store.embedding_index_name(tenant, of_kind, of_model) and c.relnamespace = 'store'::regnamespace and i.indisvalid)
$$;

create function store.make_embedding_index(tenant uuid, of_kind text, of_model text) returns name
  language plpgsql set search_path = pg_catalog, public, pg_temp as $$
declare
  made constant name := store.embedding_index_name(tenant, of_kind, of_model);
begin
  execute format('create index %I on store.embeddings using hnsw (embedding halfvec_cosine_ops) with (m = 16, ef_construction = 64)
    where user_id = %L and kind = %L and model = %L', made, tenant, of_kind, of_model);
  return made;
end $$;

/*
The job's step: makes or drops one index, and says which; null when there is nothing to do, or what writes vectors would have to wait for
another. While one is made no vector is stored: for 10,000 that takes some ten seconds, and later ones go into it one by one.
*/
create function public.index_embeddings() returns text
  language plpgsql security definer set search_path = pg_catalog, pg_temp
  set maintenance_work_mem = '256MB' set max_parallel_maintenance_workers = 0 set lock_timeout = '2s' as $$
declare
  -- To have many is to plan each statement on the table with all of them.
  most constant integer := 200;
  least_rows constant bigint := (select embedding_index_rows from store.settings);
  chosen record;
begin
  -- Two of them fit into a page.
  if pg_relation_size('store.embeddings') / 8192 * 2 < least_rows and not exists (select from store.embedding_indexes())
    or (select string_to_array(extversion, '.')::integer[] from pg_extension where extname = 'vector') < array[0, 8]
    or not pg_try_advisory_xact_lock(hashtext('arc.index_embeddings')) then
    return null;
  end if;
  with counted as (
    select e.user_id, e.kind, e.model, count(*) as rows from store.embeddings e group by 1, 2, 3 having count(*) >= least_rows / 2
  ), ranked as (
    select c.*, store.embedding_index_name(c.user_id, c.kind, c.model) as name,
      row_number() over (order by c.rows desc, c.user_id, c.kind, c.model) as place
    from counted c
  )
  select name, r.user_id, r.kind, r.model, x.name is not null as is_there into chosen
  from ranked r full join store.embedding_indexes() x using (name)
  -- One stays until there are half as few, so that none is made and dropped by turns.
  where case
    when x.name is null then r.place <= most and r.rows >= least_rows
    else r.rows is null or r.place > 2 * most
  end
  order by x.name is null, r.rows desc limit 1;
  if not found then
    return null;
  end if;
  if chosen.is_there then
    execute format('drop index store.%I', chosen.name);
    return 'dropped ' || chosen.name;
  end if;
  return 'made ' || store.make_embedding_index(chosen.user_id, chosen.kind, chosen.model);
exception when lock_not_available then
  return null;
end $$;
revoke execute on function public.index_embeddings() from public;
grant execute on function public.index_embeddings() to app_user;
insert into store.jobs (name, every) values ('index_embeddings', interval '1 minute');

/*
The condition for s.subject to be of something that the tenant has and has not deleted, as SQL. `offset 0` keeps it a condition, which is looked at for
one after the other until there are enough: as a join it would read all. The collations are those of the indexes.
*/
create function store.subject_shown_sql(tenant uuid, of_kind text) returns text
  language sql immutable set search_path = pg_catalog, pg_temp
  return format(case of_kind
    when 'failure' then 'exists (select from public.failure_patterns p where p.user_id = %1$L and p.signature = s.subject collate "default"
      and not exists (select from public.deletions d where d.user_id = %1$L and d.simulation_id = p.simulation_id) offset 0)'
    when 'trajectory' then 'exists (select from store.outcome_keys k where k.user_id = %1$L
      and k.outcome_id = case when s.subject ~ ''^[0-9a-f-]{36}$'' then s.subject::uuid end
      and not exists (select from public.deletions d where d.user_id = %1$L and d.simulation_id = k.simulation_id) offset 0)'
    when 'scenario' then 'exists (select from public.scenarios p where p.user_id = %1$L and p.scenario_id = s.subject collate "default"
      and not exists (select from public.deletions d where d.user_id = %1$L and d.scenario_id = p.scenario_id) offset 0)'
    when 'config_version' then 'exists (select from public.config_versions v where v.user_id = %1$L
      and v.version_id = case when s.subject ~ ''^[0-9a-f-]{36}$'' then s.subject::uuid end
      and not exists (select from public.deletions d where d.user_id = %1$L and d.config_id = v.config_id) offset 0)'
    end, tenant);

/* In whose order those with equal similarities are: that of the column that lists show. */
create function store.subject_collation(of_kind text) returns name
  language sql immutable set search_path = pg_catalog, pg_temp
  return case when of_kind in ('failure', 'scenario') then 'default' else 'C' end;

/*
The subjects whose vectors are nearest, all of them compared. `among`: of these only, which the caller may see; null: of all that the tenant has
and has not deleted.
*/
create function store.nearest_of_all(tenant uuid, of_kind text, of_model text, query halfvec, without text, among text[], most integer)
  returns table (subject text, similarity double precision)
  language plpgsql stable set search_path = pg_catalog, public, pg_temp as $$
begin
  -- `+ 0`: as it stands an index of these would be taken, which ends after the nearest 40. `offset 0`: what is shown is looked up for
  -- the nearest only, and not for each before they are sorted.
  return query execute format($q$
    select s.subject, 1 - s.distance from (
      select e.subject, (e.embedding <=> $1) + 0 as distance from store.embeddings e
      where e.user_id = %L and e.kind = %L and e.model = %L and ($2 is null or e.subject <> $2) %s
      order by 2, e.subject collate %I desc offset 0
    ) s where %s limit $4$q$,
    tenant, of_kind, of_model, case when among is null then '' else 'and e.subject = any ($3)' end, store.subject_collation(of_kind),
    case when among is null then store.subject_shown_sql(tenant, of_kind) else 'true' end)
    using query, without, among, most;
end $$;

/*
The same by their index: it finds 99 % and more of the nearest (decision 36). It may end before there are enough, where a condition leaves few of
those that it looks at.
*/
create function store.nearest_by_index(tenant uuid, of_kind text, of_model text, query halfvec, without text, among text[], most integer)
  returns table (subject text, similarity double precision)
  language plpgsql stable set search_path = pg_catalog, public, pg_temp
  set enable_sort = off set enable_seqscan = off set enable_bitmapscan = off as $$
begin
  -- Not as settings of the function: pgvector before 0.8, which has no such indexes here, refuses their names.
  perform set_config('hnsw.iterative_scan', 'strict_order', true),
    set_config('hnsw.ef_search', least(1000, greatest(100, 2 * most))::text, true);
  -- With ties, whose order is that of their subjects, which the index does not have. Literals: the planner proves that the index has them all.
  return query execute format($q$
    select s.subject, 1 - s.distance from (
      select e.subject, e.embedding <=> $1 as distance from store.embeddings e
      where e.user_id = %L and e.kind = %L and e.model = %L and ($2 is null or e.subject <> $2) %s
      order by e.embedding <=> $1 offset 0
    ) s where %s order by s.distance fetch first $4 rows with ties$q$,
    tenant, of_kind, of_model, case when among is null then '' else 'and e.subject = any ($3)' end,
    case when among is null then store.subject_shown_sql(tenant, of_kind) else 'true' end)
    using query, without, among, most;
end $$;

/* What a thing says, in words that others are found by; null where the tenant has no such thing. */
create function store.text_of_subject(tenant uuid, of_kind text, of_subject text) returns text
  language plpgsql stable set search_path = pg_catalog, public, pg_temp as $$
declare
  said text;
begin
  execute format('select %s from (select $1 as subject) s where %s',
    case of_kind
      when 'failure' then format('(select concat_ws('' '', p.failure_type, p.error_message) from public.failure_patterns p
        where p.user_id = %L and p.signature = s.subject order by p.pattern_id limit 1)', tenant)
      when 'scenario' then format('(select concat_ws('' '', p.name, p.task_prompt) from public.scenarios p
        where p.user_id = %L and p.scenario_id = s.subject)', tenant)
      when 'config_version' then format('(select v.raw_yaml from public.config_versions v
        where v.user_id = %L and v.version_id = s.subject::uuid)', tenant)
      when 'trajectory' then format('(select concat_ws('' '', o.error_code, array_to_string(array(select t.tool_name from unnest(o.used_tools) t), '' ''))
        from store.outcome_keys k join store.outcomes o using (user_id, outcome_id, execution_time)
        where k.user_id = %L and k.outcome_id = s.subject::uuid)', tenant)
    end, store.subject_shown_sql(tenant, of_kind)) into said using of_subject;
  return said;
end $$;

/*
The subjects that share words with a text, by BM25 (Robertson and Zaragoza, 2009; k1 = 1.2, b = 0.75) as a share of what the text itself would
have: 0 to 1. Words with digits are left out, as they are ids. Of the latest that share one: 2,000, of configuration versions 500.
*/
create function store.similar_by_words(tenant uuid, of_kind text, said text, without text, among text[], most integer)
  returns table (subject text, similarity double precision)
  language plpgsql stable set search_path = pg_catalog, public, pg_temp as $$
declare
  lexemes constant text[] := array(
    select w.lexeme from unnest(store.words(left(said, 20000))) w where w.lexeme !~ '\d' order by w.positions[1], w.lexeme limit 64);
  any_of constant tsquery := (
    select string_agg('''' || replace(replace(l, '\', '\\'), '''', '''''') || '''', ' | ')::tsquery from unnest(lexemes) l);
begin
  if cardinality(lexemes) = 0 then
    return;
  end if;
  return query execute format($q$
    with latest as materialized (%s), documents as materialized (
      select l.subject, l.words, length(l.words) as length from latest l where l.words @@ $2 and ($3 is null or l.subject <> $3)
    ), size as (
      select count(*) as documents, avg(length) as mean from documents
    ), hits as (
      select d.subject, d.length, w.lexeme, coalesce(cardinality(w.positions), 1) as times
      from documents d cross join lateral unnest(d.words) w where w.lexeme = any ($1)
    ), rarity as (
      select a.lexeme, ln(1 + (s.documents - count(h.lexeme) + 0.5) / (count(h.lexeme) + 0.5)) as rarity
      from unnest($1) a(lexeme) cross join size s left join hits h on h.lexeme = a.lexeme group by a.lexeme, s.documents
    )
    select h.subject, round(sum(r.rarity * h.times * 2.2 / (h.times + 1.2 * (0.25 + 0.75 * h.length / s.mean)))::numeric
      / (2.2 * (select sum(rarity) from rarity))::numeric, 6)::double precision
    from hits h join rarity r using (lexeme) cross join size s
    group by h.subject order by 2 desc, h.subject collate %I desc limit $5$q$,
    format(case of_kind
      when 'failure' then 'select f.signature as subject, store.words(f.failure_type, f.error_message) as words from (
          select distinct on (m.signature) m.* from (
            select p.signature, p.pattern_id, p.failure_type, p.error_message from public.failure_patterns p
            where p.user_id = %1$L and store.words(p.failure_type, p.error_message) @@ $2 and ($4 is null or p.signature = any ($4))
              and not exists (select from public.deletions d where d.user_id = %1$L and d.simulation_id = p.simulation_id)
            order by p.pattern_id desc limit 20000
          ) m order by m.signature, m.pattern_id desc
        ) f order by f.pattern_id desc limit 2000'
      when 'scenario' then 'select c.scenario_id as subject, store.words(c.scenario_id, c.external_id, c.name, c.task_prompt) as words from (
          select p.* from public.scenarios p
          where p.user_id = %1$L and store.words(p.scenario_id, p.external_id, p.name, p.task_prompt) @@ $2
            and ($4 is null or p.scenario_id = any ($4))
            and not exists (select from public.deletions d where d.user_id = %1$L and d.scenario_id = p.scenario_id)
          order by p.created_at desc, p.scenario_id limit 2000
        ) c'
      when 'config_version' then 'select c.version_id::text as subject, store.words(left(c.raw_yaml, 20000)) as words from (
          select v.version_id, v.raw_yaml from public.config_versions v
          where v.user_id = %1$L and ($4 is null or v.version_id = any ($4::uuid[]))
            and not exists (select from public.deletions d where d.user_id = %1$L and d.config_id = v.config_id)
          order by v.created_at desc, v.version_id desc limit 500
        ) c'
      when 'trajectory' then 'select c.outcome_id::text as subject, store.words(c.error_code,
          array_to_string(array(select t.tool_name from unnest(c.used_tools) t), '' '')) as words from (
          select o.outcome_id, o.error_code, o.used_tools from store.outcomes o
          where o.user_id = %1$L and not o.superseded and ($4 is null or o.outcome_id = any ($4::uuid[]))
            and not exists (select from public.deletions d where d.user_id = %1$L and d.simulation_id = o.simulation_id)
          order by o.execution_time desc, o.outcome_id desc limit 2000
        ) c'
      end, tenant), store.subject_collation(of_kind))
    using lexemes, any_of, without, among, most;
end $$;

/*
How things are compared with one: `exact` with the vectors of all, `index`, or `lexical` and why. `given`: the vector of a text, as text; without one it is that
of the subject. `because`: why a text has none. `most`: null where all are wanted. `among_count`: of how many; null of all.
*/
create function store.similarity_search(
  tenant uuid, of_kind text, of_model text, of_subject text, given text, because text, most integer, among_count integer,
  out method text, out lexical_because text, out query halfvec)
  language plpgsql stable set search_path = pg_catalog, public, pg_temp as $$
begin
  method := 'lexical';
  query := given::halfvec;
  if because is not null then
    lexical_because := because;
    return;
  elsif of_model is null then
    lexical_because := 'no_provider';
    return;
  elsif query is null then
    select e.embedding into query from store.embeddings e
      where e.user_id = tenant and e.kind = of_kind collate "default" and e.model = of_model collate "default"
        and e.subject = of_subject collate "C";
  end if;
  if query is null then
    lexical_because := case when of_subject is null then 'not_found' else 'not_yet_embedded' end;
  elsif not exists (select from store.embeddings e where e.user_id = tenant and e.kind = of_kind collate "default"
      and e.model = of_model collate "default" and e.subject is distinct from of_subject) then
    lexical_because := 'nothing_to_compare';
  elsif most is not null and (among_count is null or among_count > (select embedding_index_rows from store.settings))
      and store.has_embedding_index(tenant, of_kind, of_model) then
    method := 'index';
  else
    method := 'exact';
  end if;
end $$;

/* The same for whoever asks. */
create function public.similarity_search(
  of_kind text, of_model text, of_subject text, given text, because text, most integer, among_count integer)
  returns table (method text, model text, lexical_because text)
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.method, case when s.method <> 'lexical' then of_model end, s.lexical_because
  from store.similarity_search(public.current_user_id(), of_kind, of_model, of_subject, given, because, most, among_count) s
$$;

/*
The subjects that are most like one of them, which is not among these, or like what has this vector: as many as are wanted wherever the tenant has
them, all where `most` is null. `said`: the words of what has no subject.
*/
create function public.similar_subjects(
  of_kind text, of_model text, of_subject text, given text, said text, because text, most integer, among text[])
  returns table (subject text, similarity double precision)
  language plpgsql stable security definer rows 20 set search_path = pg_catalog, pg_temp as $$
declare
  tenant constant uuid := public.current_user_id();
  search record;
begin
  select s.* into search from store.similarity_search(
    tenant, of_kind, of_model, of_subject, given, because, most, cardinality(among)) s;
  if search.method = 'lexical' then
    return query select s.* from store.similar_by_words(
      tenant, of_kind, coalesce(said, store.text_of_subject(tenant, of_kind, of_subject)), of_subject, among, most) s;
  elsif search.method = 'exact' then
    return query select s.* from store.nearest_of_all(tenant, of_kind, of_model, search.query, of_subject, among, most) s;
  else
    declare
      subjects text[];
      similarities double precision[];
    begin
      select array_agg(s.subject), array_agg(s.similarity) into subjects, similarities
        from store.nearest_by_index(tenant, of_kind, of_model, search.query, of_subject, among, most) s;
      -- Fewer than there are: the index has looked at as many as it may.
      if coalesce(cardinality(subjects), 0) < most then
        return query select s.* from store.nearest_of_all(tenant, of_kind, of_model, search.query, of_subject, among, most) s;
      else
        return query select u.* from unnest(subjects, similarities) u;
      end if;
    end;
  end if;
end $$;

revoke execute on function
  public.similarity_search(text, text, text, text, text, integer, integer),
  public.similar_subjects(text, text, text, text, text, text, integer, text[]) from public;
grant execute on function
  public.similarity_search(text, text, text, text, text, integer, integer),
  public.similar_subjects(text, text, text, text, text, text, integer, text[]) to app_user, app_readonly, app_admin;

call store.pin_settings();
