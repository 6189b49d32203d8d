-- Who is asking, as the server says it in the first statement of each transaction. Unset and empty see nothing.
create function public.current_user_id() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('app.user_id', true), '')::uuid;

create function public.current_actor_id() returns text
  language sql stable parallel safe
  return nullif(current_setting('app.actor_id', true), '');

comment on function public.current_user_id() is 'The tenant of this transaction (app.user_id), null when none is set.';
comment on function public.current_actor_id() is 'The person or program of this transaction (app.actor_id).';

-- Ids ordered by time (RFC 9562, version 7), to the millisecond: neighbours in time are neighbours in every index.
create function public.uuid_v7(at timestamptz default clock_timestamp()) returns uuid
  language sql volatile parallel safe
  return encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from at) * 1000)::bigint) from 3) from 1 for 6),
      52, 1), 53, 1),
    'hex')::uuid;

create function store.touch_updated_at() returns trigger language plpgsql as $$
begin
  new.updated_at := greatest(clock_timestamp(), old.updated_at);
  return new;
end $$;
