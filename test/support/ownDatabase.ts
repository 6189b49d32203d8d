import { afterAll, beforeAll, inject } from 'vitest'
import { Arc } from './arc.ts'
import { makeMigratedDatabase } from './emptyDatabase.ts'

/** What the tests' common database has. */
export const EXTENSION_OF_THIS_RUN = inject('engine') === 'plain' ? undefined : 'timescaledb'

export interface OwnDatabase {
  url: string
  serviceUrl: string
  /** On it, one for each environment; without jobs unless that says otherwise. */
  servers: Arc[]
}

/**
 * For the tests of a file or a `describe`: a database that no server of another test is on. On the common one their jobs
 * do for every tenant what a test wants to see not done yet, or done by its own call. Filled when the tests begin.
 */
export function useOwnDatabase(
  extension: 'timescaledb' | undefined,
  environments: readonly NodeJS.ProcessEnv[] = [{}],
): OwnDatabase {
  const own = { servers: [] as Arc[] } as OwnDatabase
  let drop: (() => Promise<unknown>) | undefined
  beforeAll(async () => {
    const { drop: dropDatabase, ...database } = await makeMigratedDatabase(extension)
    drop = dropDatabase
    Object.assign(own, database)
    for (const environment of environments) {
      const server = new Arc({ ARC_JOBS: 'off', ...environment }, undefined, own)
      await server.start()
      own.servers.push(server)
    }
  })
  afterAll(async () => {
    for (const server of own.servers) await server.stop()
    await drop?.()
  })
  return own
}
