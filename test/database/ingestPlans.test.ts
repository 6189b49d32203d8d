import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tenantSettings } from '../../src/db/tenantTransaction.ts'
import { Arc } from '../support/arc.ts'
import { ENGINES, makeMigratedDatabase, on } from '../support/emptyDatabase.ts'
import { recordStatements } from '../support/recordedStatements.ts'
import { viewerOf } from '../support/sqlAs.ts'

describe.each(ENGINES)('where the tables were small when the session planned, on $dump,', ({ extension }) => {
  let drop: () => Promise<unknown>
  let arc: Arc
  let serviceUrl: string
  let url: string
  beforeAll(async () => {
    const database = await makeMigratedDatabase(extension)
    ;({ serviceUrl, url } = database)
    arc = new Arc({ DATABASE_URL: serviceUrl })
    await arc.start()
    drop = async () => {
      await arc.stop()
      await database.drop()
    }
  }, 60_000)
  afterAll(() => drop())

  it('a batch looks up its own runs and ids, and not each of its rows among all that there are', async () => {
    const tenant = arc.tenant()
    const few = await tenant.simulation(['s0'], { repetitions: 12 })
    // Of a table that was never looked at, the planner expects some pages at least.
    await on(url, (admin) => admin.query('analyze'))
    for (let repetition = 1; repetition <= 12; repetition++)
      await tenant.record([{ simulationId: few, scenarioId: 's0', repetition, status: 'SUCCESS' }])
    const scenarioIds = Array.from({ length: 40 }, (_, index) => `s${index}`)
    const [known, other] = [
      await tenant.simulation(scenarioIds, { repetitions: 50 }),
      await tenant.simulation(scenarioIds, { repetitions: 50 }),
    ]
    const outcomes = scenarioIds.map((scenarioId) => ({
      simulationId: known,
      scenarioId,
      repetition: 7,
      status: 'SUCCESS',
    }))
    const statements = await recordStatements(() => tenant.record(outcomes))
    const { text, values } = statements.find((statement) => statement.text.includes('ingestOutcomes'))!
    // The embedded database has one session, whoever connects to it.
    await on(serviceUrl, async (client) => {
      await client.query('begin')
      for (const [name, value] of tenantSettings(viewerOf(tenant), 'read write'))
        await client.query('select set_config($1, $2, true)', [name, value])
      const read = async () => {
        const { rows } = await client.query(
          `select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::int as read from pg_stat_xact_user_tables
          where relname in ('simulations_scenarios', 'outcome_keys')`,
        )
        return rows[0].read
      }
      const before = await read()
      const { rows } = await client.query(text, [(values[0] as string).replaceAll(known, other)])
      expect(rows.map(({ receipt }) => receipt)).toEqual(scenarioIds.map(() => 'STORED'))
      // Each of its 40 rows with all 4,000 runs would be 160,000, and with the ids of the 52 outcomes 2,080.
      expect((await read()) - before).toBeLessThan(1_000)
      await client.query('commit')
    })
  })
})
