import type { Logger } from 'pino'
import sql from 'sql-template-tag'
import type { ArcPool } from './pool.ts'
import { queryOwn } from './transaction.ts'

/** They become more by one a day at most. */
const LOOK_MS = 3_600_000

/** How many chunks or partitions outcomes lie in, which decides how they are read: see reads/byTime.ts. */
export class OutcomeParts {
  /** Whether they are more than a statement is planned over. */
  areMany = false
  readonly #pool: ArcPool
  readonly #most: number
  readonly #logger: Logger
  #timer: NodeJS.Timeout | undefined

  /** `most`: over how many a statement is planned. */
  constructor(pool: ArcPool, most: number, logger: Logger) {
    this.#pool = pool
    this.#most = most
    this.#logger = logger
  }

  /** Counts them, and from then on by itself. */
  async start(): Promise<void> {
    await this.#count()
    this.#timer = setInterval(() => {
      this.#count().catch((error: unknown) =>
        this.#logger.warn({ err: error }, 'the parts of outcomes could not be counted'),
      )
    }, LOOK_MS)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #count(): Promise<void> {
    const [row] = await queryOwn<{ parts: number }>(
      this.#pool,
      sql`/* outcomeParts */
      select count(*)::int as parts from pg_inherits i join pg_class c on c.oid = i.inhparent
      join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'store' and c.relname = 'outcomes'`,
    )
    this.areMany = row!.parts > this.#most
  }
}
