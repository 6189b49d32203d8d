import type pg from 'pg'
import type { Logger } from 'pino'
import sql from 'sql-template-tag'
import { statementLabel } from '../db/statementLabel.ts'
import { queryOwn } from '../db/transaction.ts'

/** What the database spent on statements of one name since its figures began. */
export interface StatementFigure {
  statement: string
  calls: number
  seconds: number
  rows: number
}

/** Those on which it spent the most; what is left is one more. */
const TOP = 30
const REST = 'others'

/** The view reads a file with the texts of all statements of the whole server. */
const KEPT_MS = 60_000

/** The statements that the database spends its time on, as pg_stat_statements counts them, where the login may read that. */
export class StatementFigures {
  readonly #pool: pg.Pool
  readonly #logger: Logger
  #kept: { until: number; figures: Promise<StatementFigure[]> } | undefined

  constructor(pool: pg.Pool, logger: Logger) {
    this.#pool = pool
    this.#logger = logger
  }

  /** Of the last minute; none where they cannot be read. */
  async top(): Promise<StatementFigure[]> {
    const now = performance.now()
    if (!this.#kept || this.#kept.until < now) {
      const figures = read(this.#pool).catch(({ message }: Error) => {
        this.#logger.warn({ reason: message }, 'pg_stat_statements could not be read')
        return []
      })
      this.#kept = { until: now + KEPT_MS, figures }
    }
    return this.#kept.figures
  }
}

async function read(pool: pg.Pool): Promise<StatementFigure[]> {
  if (!(await isReadable(pool))) return []
  // Only of Arc's own roles: what else has the name of a statement in a comment may be any person's words.
  const rows = await queryOwn<{ query: string; calls: number; seconds: number; rows: number }>(
    pool,
    sql`/* topStatements */
    select query, sum(calls)::float8 as calls, sum(total_exec_time)::float8 / 1000 as seconds, sum(rows)::float8 as rows
    from pg_stat_statements
    where dbid = (select oid from pg_database where datname = current_database())
      and userid in (
        select oid from pg_roles
        where rolname in (session_user, 'app_user', 'app_readonly', 'app_admin', 'app_ingest'))
    group by query`,
  )
  const byName = new Map<string, StatementFigure>()
  for (const { query, calls, seconds, rows: count } of rows)
    add(byName, statementLabel(query) ?? 'begin', { calls, seconds, rows: count })
  const sorted = [...byName.values()].sort((a, b) => b.seconds - a.seconds)
  const top = new Map(sorted.slice(0, TOP).map((figure) => [figure.statement, figure]))
  for (const figure of sorted.slice(TOP)) add(top, REST, figure)
  return [...top.values()]
}

function add(
  figures: Map<string, StatementFigure>,
  statement: string,
  { calls, seconds, rows }: Omit<StatementFigure, 'statement'>,
): void {
  const known = figures.get(statement) ?? { statement, calls: 0, seconds: 0, rows: 0 }
  figures.set(statement, {
    statement,
    calls: known.calls + calls,
    seconds: known.seconds + seconds,
    rows: known.rows + rows,
  })
}

/** The extension is there, its view is where Arc looks for tables, and the login sees other roles' statements. */
async function isReadable(pool: pg.Pool): Promise<boolean> {
  const [row] = await queryOwn<{ readable: boolean }>(
    pool,
    sql`/* hasStatementFigures */
    select coalesce(
      has_table_privilege(to_regclass('pg_stat_statements'), 'select')
        and pg_has_role(session_user, 'pg_read_all_stats', 'usage'), false) as readable`,
  )
  return row!.readable
}
