-- A run that completed may be graded or corrected later, or get outcomes that come late: each is an event of it, and what was recommended
-- by it may be otherwise then. However many there are, the version is looked at once each time the job runs.
drop trigger mark_for_recommendations on public.simulations;
create trigger mark_for_recommendations after update on public.simulations
  for each row when (new.status = 'completed' and (old.status <> 'completed' or old.event_seq is distinct from new.event_seq))
  execute function store.mark_for_recommendations();
