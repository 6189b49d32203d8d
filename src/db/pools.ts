import type pg from 'pg'
import { createPool, dropIdleWithUnanswered, type PoolSettings } from './pool.ts'
import { keepsSessions, StatementNames } from './statementNames.ts'

/**
 * The process's connections, by what they are for: nobody who writes waits behind those who read, and Arc itself (keys,
 * jobs, health) waits behind neither.
 */
export interface Pools {
  reading: pg.Pool
  writing: pg.Pool
  own: pg.Pool
  /** For statements of `reading` that come again; undefined where its connections cannot keep them. */
  names?: StatementNames
}

/** Two jobs may hold a connection for long. */
const OWN = 3

/** How many stay open at rest. */
const WARM = { reading: 4, writing: 2, own: 1 }

/** Three pools of which the first and the last have `size` connections together, and the second half as many again. */
export function createPools({
  size,
  ...settings
}: Omit<PoolSettings, 'max' | 'min'> & { size: number }): Pools {
  const pool = (use: keyof typeof WARM, max: number) => createPool({ ...settings, max, min: WARM[use] })
  const pools = {
    reading: pool('reading', Math.max(1, size - OWN)),
    writing: pool('writing', Math.ceil(size / 2)),
    own: pool('own', OWN),
  }
  dropIdleWithUnanswered(Object.values(pools))
  return pools
}

/** Opens what stays open at rest. */
export async function warmUp(pools: Pools): Promise<void> {
  const { reading, writing, own } = pools
  await Promise.all(
    [reading, writing, own].map(async (pool) => {
      const clients = await Promise.all(Array.from({ length: pool.options.min ?? 0 }, () => pool.connect()))
      for (const client of clients) client.release()
    }),
  )
  if (await keepsSessions(reading)) pools.names = new StatementNames()
}

export async function endPools({ reading, writing, own }: Pools): Promise<void> {
  await Promise.all([reading, writing, own].map((pool) => pool.end()))
}
