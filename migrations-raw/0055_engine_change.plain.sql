-- While `arc migrate --engine` copies outcomes, triggers tell it what changes meanwhile: a partition that is dropped would
-- not be told, so its rows are deleted.
call store.mend('store.drop_outcome_part(timestamptz,timestamptz)', $part$
    if to_regclass('store.' || name || month) is not null then$part$, $mended$
    if to_regnamespace('arc_engine') is null and to_regclass('store.' || name || month) is not null then$mended$);
