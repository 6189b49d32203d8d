/* Nothing to pack. Same name as where TimescaleDB is. */
create function public.pack_outcomes() returns text
  language sql immutable
  return null::text;
