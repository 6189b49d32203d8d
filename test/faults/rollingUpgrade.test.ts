import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { migrate } from '../../src/db/admin/migrator.ts'
import { Arc } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { ENGINES, makeMigratedDatabase } from '../support/emptyDatabase.ts'

/** What a migration of the next version may bring: columns, an index, a view with one column more. */
const NEXT = `
alter table public.simulations add column of_the_next_version text;
alter table public.scenarios add column of_the_next_version text;
alter table public.configurations add column of_the_next_version text;
alter table store.outcomes add column of_the_next_version text;
create index next_version on public.simulations (user_id, of_the_next_version);
`

function nextVersion(): string {
  const folder = mkdtempSync(join(tmpdir(), 'arc-next-'))
  cleanUp(async () => rmSync(folder, { recursive: true }))
  cpSync('migrations-raw', folder, { recursive: true })
  writeFileSync(join(folder, '9999_next_version.sql'), NEXT)
  return folder
}

describe.each(ENGINES)('a database of $dump that the next version migrates', ({ extension }) => {
  it('is served on by the servers that run; one of this version no longer starts on it', async () => {
    const database = await makeMigratedDatabase(extension)
    cleanUp(database.drop)
    const arc = new Arc({ DATABASE_URL: database.serviceUrl })
    await arc.start()
    cleanUp(() => arc.stop())
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 1_000 })
    let repetition = 0
    const record = async () => {
      const outcome = {
        simulationId,
        scenarioId: 'a',
        repetition: ++repetition,
        status: 'ERROR',
        error: 'boom',
      }
      expect((await tenant.record([outcome])).storedCount).toBe(1)
    }
    const readings = [
      '{ simulations { nodes { simulationId status outcomes { totalCount nodes { outcomeId status trajectory } } } } }',
      '{ scenarios { nodes { scenarioId taskPrompt } } configurations { nodes { name versions { nodes { rawYaml } } } } }',
      '{ failurePatterns { totalCount nodes { errorMessage } } errorRates { nodes { runs } } }',
    ]
    const readAll = () => Promise.all(readings.map((reading) => tenant.data(reading)))
    await record()
    const before = await readAll()
    // Often enough that the database keeps the statements.
    for (let round = 0; round < 12; round++) expect(await readAll()).toEqual(before)

    let migrated = false
    const migration = migrate(database.url, nextVersion()).finally(() => {
      migrated = true
    })
    while (!migrated) await record()
    expect((await migration).applied).toEqual(['9999_next_version.sql'])
    const after = await readAll()
    for (let round = 0; round < 12; round++) expect(await readAll()).toEqual(after)
    expect(after[2].failurePatterns.totalCount).toBe(repetition)
    await record()

    const another = new Arc({ DATABASE_URL: database.serviceUrl })
    await expect(another.start()).rejects.toThrow('a newer Arc migrated it')
  })
})
