-- Vectors of what things mean: of failures, of what agents did, of scenarios and of configuration versions. They are made after the commit,
-- by a job; what waits for one stands in a queue that the storing transaction fills.

/*
One vector of one thing by one model. What the subject is depends on the kind: of a failure its signature (equal signatures are one
failure), of a trajectory the outcome's id, of a scenario its key, of a configuration version its id. A subject goes with what it is of.
*/
create table store.embeddings (
  user_id uuid not null,
  kind text not null check (kind in ('failure', 'trajectory', 'scenario', 'config_version')),
  -- Who made it, with which model, of which version of the text. Only vectors of equal names may be compared.
  model text not null check (char_length(model) between 1 and 200),
  subject text collate "C" not null check (char_length(subject) between 1 and 100),
  -- Of length 1. Shorter ones of a model end in zeros.
  embedding halfvec(1536) not null,
  -- SHA-256 of the text that it was made of; null of a vector that its caller made.
  text_sha256 bytea check (octet_length(text_sha256) = 32),
  made_at timestamptz(3) not null default now(),
  primary key (user_id, kind, model, subject)
);
-- 3 KB, which TOAST would put elsewhere: every comparison would have to fetch it.
alter table store.embeddings alter column embedding set storage plain;

create view public.embeddings as select * from store.embeddings where user_id = (select public.current_user_id());
grant select on public.embeddings to app_user, app_readonly, app_admin;
