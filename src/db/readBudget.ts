import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { Refusal } from '../refusal.ts'

/** How many bytes of rows one operation may still read, as they come from the database: in memory they are some times as much. */
export class ReadBudget {
  readonly limit: number
  #left: number

  constructor(limit: number) {
    this.limit = limit
    this.#left = limit
  }

  /** Below 0 once more was read than allowed. */
  get left(): number {
    return this.#left
  }

  take(bytes: number): void {
    this.#left -= bytes
  }

  refusal(): Refusal {
    return new Refusal(
      'TOO_LARGE',
      `The operation reads more than ${this.limit} bytes (ARC_MAX_READ_BYTES): request fewer rows or fields.`,
    )
  }
}

const claims = new Map<string, ReadBudget>()

/**
 * From here on the rows of a connection count for the budget, until the pool has it back. Prisma does not say which
 * connection it took: it is the one on which `select` selects the given text as its last column.
 */
export async function countRowsFor(
  budget: ReadBudget,
  select: (claim: string) => Promise<unknown>,
): Promise<void> {
  const claim = randomUUID()
  claims.set(claim, budget)
  try {
    await select(claim)
  } finally {
    claims.delete(claim)
  }
}

/**
 * Makes connections break off when they have read what their budget allows. Row by row, because a page may be larger
 * than memory, and by hanging up, because all that was asked for at once would still come.
 */
export function breakOffBeyondBudgets(pool: pg.Pool): void {
  const budgets = new WeakMap<pg.PoolClient, ReadBudget>()
  pool.on('connect', (client) => {
    const { connection } = client as unknown as pg.Client
    // Before what reads the row: one that is too much is not even looked into.
    connection.prependListener(
      'dataRow',
      ({ length, fields }: { length: number; fields: (string | null)[] }) => {
        const budget = budgets.get(client)
        if (budget) {
          budget.take(length)
          if (budget.left < 0) {
            fields.fill(null)
            connection.stream.destroy(new Error('an operation read more than allowed'))
          }
        } else if (claims.size > 0) {
          const claimed = claims.get(fields.at(-1) ?? '')
          if (claimed) budgets.set(client, claimed)
        }
      },
    )
  })
  pool.on('release', (_, client) => budgets.delete(client))
}
