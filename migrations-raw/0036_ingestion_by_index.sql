-- Each session keeps the plan of a function's statement, also from when the tables were so small that reading all of them was
-- the quickest: then each row of a batch was compared with all runs, until somebody analysed the table.
alter function public.ingest_outcomes(jsonb) set enable_seqscan = off;
alter function public.amend_outcomes(jsonb) set enable_seqscan = off;
