import type { OutcomeParts } from './outcomeParts.ts'
import type { ArcPool, PoolSettings } from './pool.ts'
import { createPool, dropIdleWithUnanswered } from './pool.ts'
import { Replica } from './replica.ts'
import { keepsSessions, StatementNames } from './statementNames.ts'

/**
 * The process's connections, by what they are for: nobody who writes waits behind those who read, and Arc itself (keys,
 * jobs, health) waits behind neither.
 */
export interface Pools {
  reading: ArcPool
  writing: ArcPool
  own: ArcPool
  /** For statements of `reading` that come again; undefined where its connections cannot keep them. */
  names?: StatementNames
  /** Where queries may go; undefined where there is none. */
  replica?: Replica
  /** What is known of how outcomes lie in the database; undefined until that was looked at. */
  parts?: OutcomeParts
}

/** Two jobs may hold a connection for long. */
const OWN = 3

/** How many are opened before anybody needs them. */
const WARM = { reading: 4, writing: 2, own: 1 }

/**
 * Three pools which together keep `size` connections open, and have `burst` more for a rush; each has one at least. Of those
 * beyond its own a third is for writing, and of the others half.
 */
export function createPools({
  size,
  burst,
  ...settings
}: Omit<PoolSettings, 'max' | 'min'> & { size: number; burst: number }): Pools {
  const pool = (min: number, more: number) => createPool({ ...settings, min, max: min + more })
  const forWriting = Math.max(1, Math.floor((size - OWN) / 3))
  const pools = {
    reading: pool(Math.max(1, size - OWN - forWriting), Math.ceil(burst / 2)),
    writing: pool(forWriting, Math.floor(burst / 2)),
    own: pool(OWN, 0),
  }
  dropIdleWithUnanswered(Object.values(pools))
  return pools
}

/** A standby for as many readers as the primary has; `mostLagMs`: how far behind it may be. */
export async function addReplica(
  pools: Pools,
  { mostLagMs, ...settings }: Omit<PoolSettings, 'max' | 'min'> & { mostLagMs: number },
): Promise<void> {
  const { min, max } = pools.reading.options
  const pool = createPool({ ...settings, min: min ?? 0, max, isReplica: true })
  pools.replica = new Replica(pool, pools.own, mostLagMs, settings.logger)
  await pools.replica.start()
}

/** Opens what is needed soon. */
export async function warmUp(pools: Pools): Promise<void> {
  const { reading, writing, own } = pools
  await Promise.all(
    Object.entries({ reading, writing, own }).map(async ([use, pool]) => {
      const count = Math.min(WARM[use as keyof typeof WARM], pool.options.max)
      const clients = await Promise.all(Array.from({ length: count }, () => pool.connect()))
      for (const client of clients) client.release()
    }),
  )
  if (await keepsSessions(reading)) pools.names = new StatementNames()
}

export async function endPools({ reading, writing, own, replica, parts }: Pools): Promise<void> {
  parts?.stop()
  await replica?.stop()
  await Promise.all([reading, writing, own].map((pool) => pool.end()))
}
