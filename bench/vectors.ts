import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { EmbeddingError, UnembeddableText } from '../src/embedding/embeddingProvider.ts'
import { MinilmProvider } from '../src/embedding/minilmProvider.ts'
import { storedModel } from '../src/embedding/texts/embeddedText.ts'
import { failureText } from '../src/embedding/texts/failureText.ts'
import { quantile } from './figures.ts'
import type { GraphQLConnections } from './graphqlConnections.ts'
import { LABELLED_FAILURES } from './labelledFailures.ts'

const WIDTH = 1536
/** Texts that the model reads: those that are labelled, and as many put together from parts of them. */
const TEXTS = 500
/** Rows of one statement. */
const SLICE = 500
/** Questions of each figure. */
const QUESTIONS = 100
const NEAREST = 10
const FEW = 1_000
const TENANTS = 50

interface Latency {
  p50Ms: number
  p95Ms: number
  p99Ms: number
}

export interface VectorsResult {
  rows: {
    what: string
    method: string
    /** Of the ten nearest by comparing all, how many are found: the mean, 0 to 1. */
    recall: number
    http: Latency
    database: Latency
    /** A statement written by hand on the table itself, by the same way. */
    bare: Latency
  }[]
  /** How long it took to make the index of the most. */
  indexSeconds: number
}

interface Tenant {
  tenantId: string
  arc: GraphQLConnections
}

interface Settings {
  admin: pg.Client
  connect(tenantId: string): Promise<GraphQLConnections>
  /** Vectors of the largest tenant, and of the fifty together. */
  most: number
  onStep(step: string): void
}

// By the model's name: the server need not have it.
const QUERY = `query ($patternId: UUID!, $model: String!) { similarFailures(to: {patternId: $patternId}, model: $model, first: ${NEAREST}) {
  search { method } nodes { similarity signature pattern { errorMessage } } } }`

interface Answered {
  similarFailures: { search: { method: string }; nodes: { signature: string }[] }
}

/** How well and how fast similar failures are found among few and many vectors. */
export async function measureVectors({ admin, connect, most, onStep }: Settings): Promise<VectorsResult> {
  const model = new MinilmProvider()
  const name = storedModel(model.model, failureText)
  onStep('the model reads')
  const random = seeded(42)
  const vectors = await vectorsOf(model, random)
  await model.close()
  const tenantOf = async (): Promise<Tenant> => {
    const tenantId = randomUUID()
    return { tenantId, arc: await connect(tenantId) }
  }
  const sizes = [FEW, Math.round(most * 0.4), most]
  // The server's job would make them meanwhile.
  await indexFrom(admin, 10_000_000)
  const tenants: { size: number; tenant: Tenant }[] = []
  for (const size of sizes) {
    onStep(`${size.toLocaleString('en')} vectors`)
    const tenant = await tenantOf()
    await fill(admin, tenant.tenantId, name, size, () => varied(vectors, random))
    tenants.push({ size, tenant })
  }
  onStep(`${TENANTS} tenants`)
  const each = await tenantOf()
  const ofEach = Math.round(most / TENANTS)
  await fill(admin, each.tenantId, name, ofEach, () => varied(vectors, random))
  for (let made = 1; made < TENANTS; made++)
    await fill(admin, randomUUID(), name, ofEach, () => varied(vectors, random))
  await admin.query('vacuum analyze store.embeddings')
  await admin.query('vacuum analyze failure_patterns')

  const rows: VectorsResult['rows'] = []
  const measured = async (what: string, tenant: Tenant) => {
    onStep(what)
    rows.push({ what, ...(await measure(admin, tenant, name)) })
  }
  const named = (size: number) => `${size.toLocaleString('en')} of one tenant`
  for (const { size, tenant } of tenants) await measured(named(size), tenant)
  await measured(`${(ofEach * TENANTS).toLocaleString('en')} of ${TENANTS} tenants`, each)
  onStep('indexes')
  const begun = performance.now()
  await indexFrom(admin, Math.max(10, Math.round(most / 2)))
  const indexSeconds = (performance.now() - begun) / 1_000
  await indexFrom(admin, Math.max(10, Math.round(most * 0.2)))
  for (const { size, tenant } of tenants.slice(1)) await measured(named(size), tenant)
  return { rows, indexSeconds }
}

/** Makes those indexes that are due from so many rows on, and drops the others. */
async function indexFrom(admin: pg.Client, rows: number): Promise<void> {
  await admin.query('update store.settings set embedding_index_rows = $1', [rows])
  let step: string | null
  do {
    const { rows: steps } = await admin.query<{ step: string | null }>('select index_embeddings() as step')
    step = steps[0]!.step
  } while (step !== null)
}

async function measure(
  admin: pg.Client,
  { tenantId, arc }: Tenant,
  model: string,
): Promise<Omit<VectorsResult['rows'][0], 'what'>> {
  await admin.query(`select set_config('app.user_id', $1, false)`, [tenantId])
  const { rows: questions } = await admin.query<{ pattern_id: string; subject: string; embedding: string }>(
    `select p.pattern_id, e.subject, e.embedding::text from store.embeddings e
     join failure_patterns p on p.user_id = e.user_id and p.signature = e.subject
     where e.user_id = $1 order by md5(e.subject) limit $2`,
    [tenantId, QUESTIONS],
  )
  const answers = new Map<string, string[]>()
  let method = ''
  const http = await latencyOf(questions, async ({ pattern_id: patternId, subject }) => {
    const { similarFailures } = await arc.ask<Answered>(QUERY, { patternId, model })
    method = similarFailures.search.method
    if (method === 'LEXICAL') throw new Error('vectors were not compared')
    answers.set(
      subject,
      similarFailures.nodes.map(({ signature }) => signature),
    )
  })
  const database = await latencyOf(questions, async ({ subject }) => {
    await admin.query(
      `select subject, similarity from similar_subjects('failure', $1, $2, null, null, null, ${NEAREST + 1}, null)`,
      [model, subject],
    )
  })
  const exact = method !== 'INDEX'
  const setting = (value: string) =>
    `set enable_sort = ${value}; set enable_bitmapscan = ${value}; set enable_seqscan = ${value}`
  if (!exact)
    await admin.query(`set hnsw.iterative_scan = strict_order; set hnsw.ef_search = 100; ${setting('off')}`)
  const bare = await latencyOf(questions, async ({ subject, embedding }) => {
    await admin.query(
      `select subject, 1 - (embedding <=> $1::halfvec) as similarity from store.embeddings
       where user_id = '${tenantId}' and kind = 'failure' and model = '${model}' and subject <> $2
         ${exact ? '' : `and md5(user_id::text || ' ' || kind || ' ' || model) = md5('${tenantId} failure ${model}')`}
       order by ${exact ? '(embedding <=> $1::halfvec) + 0' : 'embedding <=> $1::halfvec'} limit ${NEAREST}`,
      [embedding, subject],
    )
  })
  await admin.query(setting('on'))
  let found = 0
  for (const { subject, embedding } of questions) {
    const { rows } = await admin.query<{ subject: string }>(
      `select subject from store.nearest_of_all($1, 'failure', $2, $3::halfvec, $4, null, ${NEAREST})`,
      [tenantId, model, embedding, subject],
    )
    found += rows.filter((row) => answers.get(subject)!.includes(row.subject)).length
  }
  return { method, recall: found / (questions.length * NEAREST), http, database, bare }
}

/** One after the other, once all of it is in memory. */
async function latencyOf<Question>(
  questions: readonly Question[],
  ask: (question: Question) => Promise<void>,
): Promise<Latency> {
  for (const question of questions.slice(0, 10)) await ask(question)
  const times: number[] = []
  for (const question of questions) {
    const begun = performance.now()
    await ask(question)
    times.push(performance.now() - begun)
  }
  return { p50Ms: quantile(times, 0.5), p95Ms: quantile(times, 0.95), p99Ms: quantile(times, 0.99) }
}

/** Failures with their vectors, straight into the tables: one pattern each. */
async function fill(
  admin: pg.Client,
  tenantId: string,
  model: string,
  count: number,
  vector: () => string,
): Promise<void> {
  for (let made = 0; made < count; made += SLICE) {
    const vectors = Array.from({ length: Math.min(SLICE, count - made) }, vector)
    await admin.query(
      `with made as (
        select md5($1 || ' ' || $3 + v.place) as signature, v.vector from unnest($4::text[]) with ordinality v(vector, place)
      ), patterns as (
        insert into failure_patterns (user_id, pattern_id, outcome_id, simulation_id, execution_time, failure_type, failure_category,
          error_message, signature)
        select $1::uuid, uuid_v7(now()), uuid_v7(now()), $1::uuid, now(), 'unknown', 'unknown', 'Failure ' || signature, signature
        from made
      )
      insert into store.embeddings (user_id, kind, model, subject, embedding)
      select $1::uuid, 'failure', $2, signature, vector::halfvec(${WIDTH}) from made`,
      [tenantId, model, made, vectors],
    )
  }
}

/** Vectors of the labelled failures' texts, and of such that begin as one and end as another of the same cause. */
async function vectorsOf(provider: MinilmProvider, random: () => number): Promise<Float32Array[]> {
  const causes = Object.values(LABELLED_FAILURES)
  const pick = <Of>(list: readonly Of[]) => list[Math.floor(random() * list.length)]!
  const texts = causes.flat()
  while (texts.length < TEXTS) {
    const cause = pick(causes)
    const [begin, end] = [pick(cause).split(' '), pick(cause).split(' ')]
    texts.push(
      [
        ...begin.slice(0, Math.ceil(random() * begin.length)),
        ...end.slice(Math.floor(random() * end.length)),
      ].join(' '),
    )
  }
  const embedded = await provider.embed(
    texts.map((errorMessage) =>
      failureText.of({ failureType: 'unknown', failureCategory: 'unknown', errorMessage }),
    ),
  )
  return embedded.map((vector) => {
    if (vector instanceof UnembeddableText) throw new EmbeddingError(vector.reason, { isPassing: false })
    return vector.subarray(0, provider.dimensions!)
  })
}

/** A vector between two of them, moved as a third differs from a fourth: as texts do that say the same of something else. */
function varied(vectors: readonly Float32Array[], random: () => number): string {
  const pick = () => vectors[Math.floor(random() * vectors.length)]!
  const [one, other, from, to] = [pick(), pick(), pick(), pick()]
  const share = 0.55 * random()
  const step = 0.3 + 0.5 * random()
  const sum = one.map((value, at) => (1 - share) * value + share * other[at]! + step * (to[at]! - from[at]!))
  const length = Math.sqrt(sum.reduce((squares, value) => squares + value * value, 0))
  const numbers = Array.from(sum, (value) => (value / length).toFixed(5))
  return `[${[...numbers, ...new Array(WIDTH - numbers.length).fill('0')].join(',')}]`
}

/** Numerical Recipes' linear congruential generator: the same vectors in each run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
