import { pino } from 'pino'
import { expect, inject, it, vi } from 'vitest'
import { createPool } from '../../src/db/pool.ts'
import { StatementFigures } from '../../src/observe/statementFigures.ts'
import { Arc } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { makeMigratedDatabase, query } from '../support/emptyDatabase.ts'
import { figuresAt } from '../support/prometheusText.ts'
import { SOON } from '../support/soon.ts'

const serverUrl = inject('serverUrl')
const logger = pino({ level: 'silent' })

/** The library has to be loaded when the server starts, which the embedded database's cannot. */
const isLoaded =
  serverUrl !== null &&
  (
    await query<{ loaded: boolean }>(
      serverUrl,
      `select current_setting('shared_preload_libraries') ~ 'pg_stat_statements' as loaded`,
    )
  )[0]!.loaded
if (!isLoaded) console.log('pg_stat_statements is not loaded here: its figures are not tested.')

async function figuresOf(serviceUrl: string) {
  const pool = createPool({ connectionString: serviceUrl, max: 1, logger })
  try {
    const figures = new StatementFigures(pool, logger)
    const top = await figures.top()
    // Whoever asks often does not make the database read its file each time.
    expect(await figures.top()).toBe(top)
    return top
  } finally {
    await pool.end()
  }
}

it('there are none without the extension', async () => {
  const { serviceUrl, drop } = await makeMigratedDatabase()
  cleanUp(drop)
  expect(await figuresOf(serviceUrl)).toEqual([])
})

it.skipIf(!isLoaded)(
  'statements are counted by their names, once the login may read them',
  async () => {
    const { url, serviceUrl, drop } = await makeMigratedDatabase()
    cleanUp(drop)
    await query(url, 'create extension pg_stat_statements')
    // Of others it would see no more than that there are some.
    expect(await figuresOf(serviceUrl)).toEqual([])
    await query(url, `grant pg_read_all_stats to ${new URL(serviceUrl).username}`)

    const arc = new Arc({ DATABASE_URL: serviceUrl, ARC_METRICS_PORT: '0' })
    await arc.start()
    try {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { maxRetries: 100 })
      let retryCount = 0
      // The view holds so many statements of the whole server, and forgets those that come seldom.
      const ingested = await vi.waitFor(async () => {
        await tenant.record([{ simulationId, scenarioId: 'a', retryCount: retryCount++, status: 'SUCCESS' }])
        // A person's words, by a login that is no role of Arc's.
        await query(url, '/* hunter2 */ select count(*), 17 from public.scenarios')
        const figures = await figuresOf(serviceUrl)
        expect(figures.length).toBeGreaterThan(0)
        expect(figures.length).toBeLessThanOrEqual(31)
        expect(figures.map(({ statement }) => statement)).not.toContain('hunter2')
        return figures.find(({ statement }) => statement === 'ingestOutcomes') ?? expect.fail('not yet')
      }, SOON)
      expect(ingested.calls).toBeGreaterThan(0)
      expect(ingested.rows).toBe(ingested.calls)
      expect(ingested.seconds).toBeGreaterThan(0)
      const exported = [...(await figuresAt(arc.metricsUrl)).keys()]
      for (const figure of ['calls', 'seconds', 'rows'])
        expect(exported.filter((name) => name.startsWith(`arc_statement_${figure}_total{`))).not.toEqual([])
    } finally {
      await arc.stop()
    }
  },
  60_000,
)
