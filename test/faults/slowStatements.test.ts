import { randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'

const arc = useArc({ ARC_DATABASE_SECONDS: '3' })

const QUERIES = [
  '{ scenarios { totalCount } }',
  '{ configurations { totalCount } scenarios { totalCount } more: scenarios { totalCount } }',
  '{ viewer { tenantId } configurations { totalCount } scenarios { totalCount } }',
  'mutation { upsertScenarios(input: { scenarios: [{ scenarioId: "a", taskPrompt: "Do it." }] }) { errors { code } } }',
]

it.skipIf(arc.onPGlite)(
  'what takes too long the database ends by itself: no session goes on with it',
  async () => {
    const tenant = arc.tenant()
    const askAll = () => Promise.all(QUERIES.map((query) => tenant.ask(query)))
    // On connections that keep their sessions, too.
    for (let time = 0; time < 5; time++) await askAll()
    await arc.sql('admin', async (admin) => {
      const key = randomInt(2 ** 31)
      await admin.query('select pg_advisory_lock($1)', [key])
      await arc.statementsDuring(
        async () => {
          for (const { errors } of await askAll())
            expect(errors?.map(({ extensions }) => extensions.code)).toContain('UNAVAILABLE')
        },
        (statement) =>
          /\bscenarios\b/.test(statement) ? `select pg_advisory_xact_lock_shared(${key})::text` : undefined,
      )
      const { rows } = await admin.query(
        'select pid from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid))',
      )
      expect(rows).toEqual([])
    })
    for (const { errors } of await askAll()) expect(errors).toBeUndefined()
  },
)
