import { expect, it } from 'vitest'
import { statementLabel } from '../../../src/db/statementLabel.ts'

it.each([
  ['/* page outcomes */ select 1', 'page outcomes'],
  ['  /* health */\n select 1', 'health'],
  ['SELECT "public"."outcomes"."outcome_id" FROM "public"."outcomes" WHERE 1=1', 'SELECT outcomes'],
  ['update store.jobs set due_at = now()', 'UPDATE jobs'],
  ['insert into scenarios values ($1)', 'INSERT scenarios'],
  ['COMMIT', 'COMMIT'],
  ['rollback', 'ROLLBACK'],
  ['listen arc_events', 'other'],
  [`/* it's "anything" ${'x'.repeat(100)} */ vacuum`, 'other'],
])('%s is called %s', (text, label) => {
  expect(statementLabel(text)).toBe(label)
})

it.each([
  'begin',
  'start transaction',
  'BEGIN ISOLATION LEVEL REPEATABLE READ',
  `select set_config('role', $1, true), $2`,
  'SET LOCAL x = 1',
])('%s only begins a transaction', (text) => expect(statementLabel(text)).toBeUndefined())
