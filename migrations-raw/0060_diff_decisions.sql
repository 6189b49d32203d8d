-- Who rejects a diff has not approved it, a decision has its reason, and can be taken back: the audit log has all of them.
alter table public.config_diffs
  add column rejected_by text,
  add column rejected_at timestamptz(3),
  add column decision_comment text check (char_length(decision_comment) between 1 and 10000),
  drop constraint config_diffs_check1;

alter table public.config_diffs no force row level security;
alter table public.config_diffs disable trigger audit;
update public.config_diffs set rejected_by = approved_by, rejected_at = approved_at, approved_by = null, approved_at = null
  where approval_status = 'rejected';
alter table public.config_diffs enable trigger audit;
alter table public.config_diffs force row level security;

alter table public.config_diffs
  add constraint config_diffs_approved check ((approval_status = 'approved') = (approved_at is not null)),
  add constraint config_diffs_rejected check ((approval_status = 'rejected') = (rejected_at is not null));
grant update (rejected_by, rejected_at, decision_comment) on public.config_diffs to app_user, app_admin;
