import type pg from 'pg'
import { type OutcomeRow, validateOutcome } from '../src/evaluation/outcomes/outcomeValidation.ts'
import { derivedUuid } from '../src/uuid.ts'
import type { SentOutcome } from './workload.ts'

/** Bytes of one CopyData message. */
const CHUNK_BYTES = 64 * 1024

const COLUMNS = [
  'simulation_id',
  'outcome_id',
  'scenario_id',
  'repetition',
  'execution_time',
  'status',
  'reliability_score',
  'execution_time_ms',
  'tokens_used',
  'prompt_tokens',
  'completion_tokens',
  'cost_usd',
  'model',
  'modal_call_id',
  'sandbox_id',
  'error_code',
  'error_category',
  'retry_count',
  'step_count',
  'metrics',
] as const satisfies readonly (keyof OutcomeRow)[]

/** What fills the tables that Arc's ingestion ends in, past everything that leads there. */
export interface Copies {
  outcomes: Buffer[]
  trajectories: Buffer[]
}

/** In one transaction; how many outcomes there were. */
export async function copyOutcomes(client: pg.ClientBase, copies: Copies): Promise<number> {
  await client.query('begin')
  const rows = await copyIn(
    client,
    `copy store.outcomes (user_id, config_version_id, event_seq, used_tools, ${COLUMNS.join(', ')}) from stdin`,
    copies.outcomes,
  )
  await copyIn(
    client,
    'copy store.trajectories (user_id, outcome_id, execution_time, trajectory) from stdin',
    copies.trajectories,
  )
  await client.query('commit')
  return rows
}

/** The rows that Arc stores for these outcomes of a version's simulations, in COPY's text format. */
export function copiesOf(tenantId: string, versionId: string, outcomes: readonly SentOutcome[]): Copies {
  const now = new Date()
  const rows = new Lines()
  const trajectories = new Lines()
  for (const outcome of outcomes) {
    const { row } = validateOutcome(
      {
        ...outcome,
        status: outcome.status.toLowerCase() as Lowercase<SentOutcome['status']>,
        executionTime: new Date(outcome.executionTime),
      },
      now,
    )
    const stored = { ...row, outcome_id: row.outcome_id ?? idOf(row) }
    const values = [tenantId, versionId, 1, usedTools(row), ...COLUMNS.map((column) => stored[column])]
    rows.add(values)
    trajectories.add([tenantId, stored.outcome_id, stored.execution_time, stored.trajectory])
  }
  return { outcomes: rows.chunks(), trajectories: trajectories.chunks() }
}

/** Lines of COPY's text format, in chunks. */
class Lines {
  readonly #chunks: Buffer[] = []
  #lines: string[] = []
  #length = 0

  add(values: readonly unknown[]): void {
    const line = `${values.map(fieldOf).join('\t')}\n`
    this.#lines.push(line)
    this.#length += line.length
    if (this.#length >= CHUNK_BYTES) this.#flush()
  }

  chunks(): Buffer[] {
    if (this.#length > 0) this.#flush()
    return this.#chunks
  }

  #flush(): void {
    this.#chunks.push(Buffer.from(this.#lines.join('')))
    this.#lines = []
    this.#length = 0
  }
}

/** As the database derives them: the ids of a simulation begin as its own does, and lie together in an index. */
function idOf({ simulation_id, scenario_id, repetition, retry_count }: OutcomeRow): string {
  const derived = derivedUuid([simulation_id, scenario_id, repetition, retry_count].join('/'))
  return simulation_id.slice(0, 14) + derived.slice(14)
}

/** As PostgreSQL writes an array of rows; null where there are none. */
function usedTools({ tools }: OutcomeRow): string | null {
  const rows = tools.map((tool) => {
    const errors = tool.error_types && `{${tool.error_types.map(quoted)}}`
    const { tool_name, call_count, avg_duration_ms, success_rate, tool_sequence, total_cost_usd } = tool
    const sequence = tool_sequence === undefined ? undefined : JSON.stringify(tool_sequence)
    const values = [tool_name, call_count, avg_duration_ms, success_rate, sequence, total_cost_usd, errors]
    return quoted(`(${values.map((value) => (value === undefined ? '' : quoted(String(value))))})`)
  })
  return rows.length === 0 ? null : `{${rows}}`
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function fieldOf(value: unknown): string {
  if (value === null) return '\\N'
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character]!)
}

/** What of pg's connection is not in its types. */
interface CopyConnection {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** COPY … FROM STDIN as pg's client runs it: any object that can be submitted and takes the answers. */
class CopyIn {
  readonly #statement: string
  readonly #chunks: readonly Buffer[]
  readonly #done: (error: Error | null, rows: number) => void
  #rows = 0

  constructor(
    statement: string,
    chunks: readonly Buffer[],
    done: (error: Error | null, rows: number) => void,
  ) {
    this.#statement = statement
    this.#chunks = chunks
    this.#done = done
  }

  submit(connection: unknown): void {
    ;(connection as CopyConnection).query(this.#statement)
  }

  handleCopyInResponse(connection: CopyConnection): void {
    for (const chunk of this.#chunks) connection.sendCopyFromChunk(chunk)
    connection.endCopyFrom()
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#rows = Number(text.replace('COPY ', ''))
  }

  handleReadyForQuery(): void {
    this.#done(null, this.#rows)
  }

  handleError(error: Error): void {
    this.#done(error, 0)
  }
}

/** Copies the chunks in one transaction and returns how many rows they had. */
export function copyIn(client: pg.ClientBase, statement: string, chunks: readonly Buffer[]): Promise<number> {
  return new Promise((resolve, reject) => {
    client.query(new CopyIn(statement, chunks, (error, rows) => (error ? reject(error) : resolve(rows))))
  })
}
