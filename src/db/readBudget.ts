import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { Refusal } from '../refusal.ts'

/** What one operation may read. */
export interface ReadLimits {
  /** Bytes of rows, as they come from the database. */
  bytes: number
  /** What they take in memory, in bytes. */
  memory: number
}

/** Takes so many bytes of what the operations of a tenant may have in memory together. @throws Refusal RATE_LIMITED */
type TakeShare = (bytes: number) => void

/** What one operation may still read. */
export class ReadBudget {
  readonly #limits: ReadLimits
  readonly #takeShare: TakeShare
  #bytes = 0
  #memory = 0
  #refusal: Refusal | undefined

  constructor(limits: ReadLimits, takeShare: TakeShare) {
    this.#limits = limits
    this.#takeShare = takeShare
  }

  get bytesLeft(): number {
    return this.#limits.bytes - this.#bytes
  }

  /** Why nothing more may be read, once more was than allowed. */
  get refusal(): Refusal | undefined {
    return this.#refusal
  }

  take(bytes: number, memory: number): void {
    this.#bytes += bytes
    this.#memory += memory
    try {
      if (this.#bytes > this.#limits.bytes) throw this.tooManyBytes()
      if (this.#memory > this.#limits.memory)
        throw new Refusal(
          'TOO_LARGE',
          `The operation reads rows that take more than ${this.#limits.memory} bytes of memory (ARC_MAX_ROW_BYTES_PER_TENANT): request fewer rows or fields.`,
        )
      this.#takeShare(memory)
    } catch (error) {
      this.#refusal ??= error as Refusal
    }
  }

  tooManyBytes(): Refusal {
    return new Refusal(
      'TOO_LARGE',
      `The operation reads more than ${this.#limits.bytes} bytes (ARC_MAX_READ_BYTES): request fewer rows or fields.`,
    )
  }
}

/** What a value takes besides its text, more or less: as a field of a row, or in the tree that JSON is made into. */
const VALUE_BYTES = 64

/** About what a row takes in memory: a list of empty objects is many times as large as its text. */
function memoryOf(length: number, fields: readonly (string | null)[]): number {
  let values = fields.length
  for (const field of fields) if (field?.startsWith('[') || field?.startsWith('{')) values += valuesIn(field)
  return length + VALUE_BYTES * values
}

/** Commas and brackets; those in texts are counted as well. */
function valuesIn(json: string): number {
  let values = 0
  // Most JSON is texts, through which this is many times as fast as character by character.
  for (const sign of [',', '[', '{'])
    for (let at = json.indexOf(sign); at >= 0; at = json.indexOf(sign, at + 1)) values++
  return values
}

interface Claim {
  budget: ReadBudget
  /** Whether JSON in the rows becomes a tree here. */
  isParsed: boolean
}

const claims = new Map<string, Claim>()

/**
 * From here on the rows of a connection count for the budget, until the pool has it back. Prisma does not say which
 * connection it took: it is the one on which `select` selects the given text as its last column.
 */
export async function countRowsFor<Result>(
  budget: ReadBudget,
  select: (claim: string) => Promise<Result>,
  isParsed = true,
): Promise<Result> {
  const claim = randomUUID()
  claims.set(claim, { budget, isParsed })
  try {
    return await select(claim)
  } finally {
    claims.delete(claim)
  }
}

/**
 * Makes connections break off when they have read what their budget allows. Row by row, because a page may be larger
 * than memory, and by hanging up, because all that was asked for at once would still come.
 */
export function breakOffBeyondBudgets(pool: pg.Pool): void {
  const budgets = new WeakMap<pg.PoolClient, Claim>()
  pool.on('connect', (client) => {
    const { connection } = client as unknown as pg.Client
    // Before what reads the row: one that is too much is not even looked into.
    connection.prependListener(
      'dataRow',
      ({ length, fields }: { length: number; fields: (string | null)[] }) => {
        const claim = budgets.get(client)
        if (claim) {
          const { budget, isParsed } = claim
          if (!budget.refusal) budget.take(length, isParsed ? memoryOf(length, fields) : length)
          if (budget.refusal) {
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
