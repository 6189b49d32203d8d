-- "is not distinct from" is answered by no index: of n marks each was held against all others of its tenant.
drop index public.stale_diffs_diff;
create index stale_diffs_diff on public.stale_diffs (user_id, diff_id, mark_id);
-- The latest measured diffs, without a sort of all.
create index diff_effects_completed on public.diff_effects (user_id, completed_at desc, diff_id);
-- The latest completed runs of a version, of however many.
create index simulations_version_completed on public.simulations (user_id, config_version_id, completed_at desc, simulation_id desc)
  where status = 'completed' and first_outcome_at is not null;

call store.mend('public.diffs_to_measure(bigint, integer)', $part$
    where s.mark_id > behind and not exists (
      select from public.stale_diffs later
      where later.user_id = s.user_id and later.diff_id is not distinct from s.diff_id and later.mark_id > s.mark_id)
$part$, $part$
    where s.mark_id > behind and case when s.diff_id is null
      then not exists (
        select from public.stale_diffs later where later.user_id = s.user_id and later.diff_id is null and later.mark_id > s.mark_id)
      else not exists (
        select from public.stale_diffs later where later.user_id = s.user_id and later.diff_id = s.diff_id and later.mark_id > s.mark_id)
      end
$part$);

call store.pin_settings();
