import type { Sql } from 'sql-template-tag'
import { createPool } from '../../src/db/pool.ts'
import { ownQueryOn } from '../../src/jobs/embeddingStore.ts'
import { groupFailuresByMeaning } from '../../src/jobs/failureGroups.ts'
import { createLogger } from '../../src/observe/logger.ts'
import type { Arc, Tenant } from './arc.ts'

/** The model whose groups are calibrated from the start. */
export const CALIBRATED = 'minilm:all-MiniLM-L6-v2#1 failure#1'

/** As pgvector reads it: these numbers, of length 1, filled up with zeros. */
function vectorText(values: readonly number[]): string {
  const length = Math.hypot(...values)
  return JSON.stringify([...values.map((value) => value / length), ...Array(1536 - values.length).fill(0)])
}

/** Vectors in a plane, by their angle in degrees: the similarity of two is the cosine between them. */
export const at = (degrees: number) => [
  Math.cos((degrees * Math.PI) / 180),
  Math.sin((degrees * Math.PI) / 180),
]

/** Gives failures vectors by their signatures, or takes them away. */
export async function giveVectors(
  arc: Arc,
  { tenantId }: Pick<Tenant, 'tenantId'>,
  vectors: Readonly<Record<string, readonly number[] | null>>,
  model = CALIBRATED,
): Promise<void> {
  await arc.sql('admin', async (client) => {
    for (const [signature, values] of Object.entries(vectors)) {
      if (values === null)
        await client.query(
          `delete from store.embeddings where user_id = $1 and kind = 'failure' and model = $2 and subject = $3`,
          [tenantId, model, signature],
        )
      else
        await client.query(
          `insert into store.embeddings (user_id, kind, model, subject, embedding) values ($1, 'failure', $2, $3, $4)
          on conflict (user_id, kind, model, subject) do update set embedding = excluded.embedding`,
          [tenantId, model, signature, vectorText(values)],
        )
    }
  })
}

/** What the job does, on this server. `before`: what happens before each of its statements. */
export async function groupNow(
  arc: Arc,
  coreSize?: number,
  before: (statement: Sql) => unknown = () => {},
): Promise<void> {
  const logger = createLogger('silent')
  const pool = createPool({ connectionString: arc.databaseUrl, max: 1, logger })
  const query = ownQueryOn(pool)
  try {
    await groupFailuresByMeaning(coreSize).run({
      query: async (statement) => {
        await before(statement)
        return query(statement)
      },
      signal: new AbortController().signal,
      logger,
    })
  } finally {
    await pool.end()
  }
}
