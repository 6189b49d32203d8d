-- What 0032 says of rows that name no repetition holds of the function that 0034 replaced it with.

-- Where there is one repetition, it is that, as in a batch of such simulations only.
call store.mend('store.with_repetitions(uuid,jsonb)', $part$
      chosen := null;
      if line ->> 'outcome_id' is not null then$part$, $mended$
      select s.repetitions into chosen
        from public.simulations s
        where s.user_id = tenant and s.simulation_id = (line ->> 'simulation_id')::uuid and s.repetitions = 1;
      if chosen is not null then
        null;
      elsif line ->> 'outcome_id' is not null then$mended$);

-- Any run that does not have the attempt yet: one that waits for it, else one that has none, because many send only the last
-- of theirs, else one that went on without it, else any.
call store.mend('store.with_repetitions(uuid,jsonb)', $part$
            and r.repetition >= coalesce(case when retry = 0 then (free ->> run)::integer end, 1)
            and not taken ? concat_ws('/', run, r.repetition, retry)
            and (r.attempts = retry or r.attempts < retry and taken ? concat_ws('/', run, r.repetition, retry - 1))
          order by r.repetition
          limit 1;$part$, $mended$
            and (retry = any (r.missed_attempts) or r.attempts <= retry
              and r.repetition >= coalesce(case when retry = 0 then (free ->> run)::integer end, 1))
            and not taken ? concat_ws('/', run, r.repetition, retry)
          order by
            case
              when r.attempts = retry or r.attempts < retry and taken ? concat_ws('/', run, r.repetition, retry - 1) then 1
              when r.attempts = 0 then 2
              when retry = any (r.missed_attempts) then 3
              else 4
            end,
            r.repetition
          limit 1;$mended$);
