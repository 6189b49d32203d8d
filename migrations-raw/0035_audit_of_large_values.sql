-- A request of 100 bytes wrote tens of megabytes into the audit log: each change of a row copies it twice, with all that is
-- large in it, whether it changed or not. What did not change is in the row itself, or in the entry of its next change.
call store.mend('store.audit()', $part$
  after jsonb;$part$, $mended$
  after jsonb;
  unchanged text[];$mended$);
call store.mend('store.audit()', $part$
    if before = after then return null; end if;$part$, $mended$
    if before = after then return null; end if;
    -- Before what is asked of each value: most rows have nothing that is large.
    if pg_column_size(before) > 10000 then
      unchanged := array(
        select b.key from jsonb_each(before) b where pg_column_size(b.value) > 1000 and b.value = after -> b.key);
      before := before - unchanged;
      after := after - unchanged;
    end if;$mended$);
-- It only grows, and holds 100,000 keys at most: whoever adds one to them would have all of them copied.
call store.mend('store.audit()', $part$'diff_yaml', 'change_summary']$part$, $mended$'diff_yaml', 'change_summary', 'scenario_set']$mended$);

call store.pin_settings();
