-- What finds similar things tells nobody of other tenants: every role of the database reads how indexes are defined, and whoever acts for a
-- tenant makes none.

/* What the index of these vectors is over: a hash, as everybody may read it. */
create function store.embedding_group(tenant uuid, of_kind text, of_model text) returns text
  language sql immutable set search_path = pg_catalog, pg_temp
  return md5(tenant::text || ' ' || of_kind || ' ' || of_model);
revoke execute on function store.embedding_group(uuid, text, text) from public;

-- The job makes them again.
do $$
declare
  made name;
begin
  for made in select name from store.embedding_indexes() loop
    execute format('drop index store.%I', made);
  end loop;
end $$;

call store.mend('store.make_embedding_index(uuid, text, text)', $part$
    where user_id = %L and kind = %L and model = %L', made, tenant, of_kind, of_model);$part$, $mended$
    where md5(user_id::text || '' '' || kind || '' '' || model) = %L', made, store.embedding_group(tenant, of_kind, of_model));$mended$);

call store.mend('store.nearest_by_index(uuid, text, text, halfvec, text, text[], integer)', $part$
      where e.user_id = %L and e.kind = %L and e.model = %L and ($2 is null or e.subject <> $2) %s$part$, $mended$
      where md5(e.user_id::text || ' ' || e.kind || ' ' || e.model) = %L
        and e.user_id = %L and e.kind = %L and e.model = %L and ($2 is null or e.subject <> $2) %s$mended$);
call store.mend('store.nearest_by_index(uuid, text, text, halfvec, text, text[], integer)', $part$
    tenant, of_kind, of_model, case$part$, $mended$
    store.embedding_group(tenant, of_kind, of_model), tenant, of_kind, of_model, case$mended$);

call store.mend('public.index_embeddings()', $part$
begin
$part$, $mended$
begin
  perform store.refuse_tenants();
$mended$);
call store.mend('public.wake_embedding()', $part$
begin
$part$, $mended$
begin
  perform store.refuse_tenants();
$mended$);

-- Whether a thing has a vector already was asked of all things of its kind: one with the vector of another was taken to be unchanged.
call store.mend('public.record_embeddings(text, jsonb)', $part$and e.model = model_name and e.subject = subject$part$,
  $mended$and e.model = model_name and e.subject = record_embeddings.subject$mended$);

call store.pin_settings();
