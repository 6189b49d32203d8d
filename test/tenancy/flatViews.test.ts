import { describe, expect, it } from 'vitest'
import { ROLES } from '../../src/viewer.ts'
import { useArc } from '../support/arc.ts'
import { DENIED, sqlAs } from '../support/sqlAs.ts'

// The views over the store are no barriers, so a condition may be evaluated on rows of others before the tenant's filter
// drops them (docs/decisions/0011). That is safe as long as nobody brings a function of his own, and none of Arc's own
// conditions fails on any row (test/exhaustive/everyCondition.test.ts) or has an effect.

const arc = useArc()

describe('an application role', () => {
  it.each(ROLES)('%s creates nothing that could stand in a condition or before a table', async (role) => {
    await sqlAs(arc, role, arc.tenant(), async (run) => {
      for (const statement of [
        'create function pg_temp.spy(text) returns boolean language sql return true',
        'create function public.spy(text) returns boolean language sql return true',
        'create procedure pg_temp.spy() language sql as $$ select 1 $$',
        'create aggregate pg_temp.spy(text) (sfunc = textcat, stype = text)',
        'create operator pg_temp.=== (leftarg = text, rightarg = text, function = texteq)',
        'create type pg_temp.spied as (a text)',
        'create domain pg_temp.spied as text check (value is null)',
        'create temp table outcomes ()',
        'create temp table outcomes as select 1',
        'select 1 into temp outcomes',
        'create temp view outcomes as select 1',
        'create temp sequence spied',
        'create table public.spied ()',
        'create materialized view public.spied as select 1',
        'create schema spied',
        'create cast (text as boolean) without function',
        'create event trigger spied on ddl_command_start execute function public.spy()',
        'alter function public.current_user_id() leakproof',
        'alter view public.outcomes set (check_option = local)',
      ]) {
        const { code, message } = await run(statement)
        expect(code, `${statement}: ${message}`).toBe(DENIED)
      }
    })
  })
})
