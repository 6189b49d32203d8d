import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Arc, type Tenant, useArc } from '../support/arc.ts'
import { answerOf, EmbeddingEndpoint } from '../support/embeddingEndpoint.ts'

const WIDTH = 1536

/** A text's words, each in a dimension of its own by its letters: texts with the same words are near. */
function vectorOf(text: string): number[] {
  const vector = new Array<number>(WIDTH).fill(0)
  for (const word of text.toLowerCase().match(/[a-z]+/g) ?? []) {
    const at = [...word].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 997, 7)
    vector[at]! += 1
  }
  return vector
}

function cosine(one: readonly number[], other: readonly number[]): number {
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, each, at) => sum + each * b[at]!, 0)
  return dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other))
}

let failing = false
const endpoint = await EmbeddingEndpoint.start(({ body }) =>
  failing ? { status: 401, body: '{}' } : answerOf(body.input.map(vectorOf)),
)
afterAll(() => endpoint.close())

// The job would make vectors by itself.
const ENV = { ARC_EMBEDDINGS: endpoint.url, ARC_EMBEDDINGS_MODEL: 'words', ARC_JOBS: 'off' }
const arc = useArc(ENV)
const byResolvers = new Arc({ ...ENV, ARC_COMPILED_READS: 'off' })
const withoutModel = new Arc()
beforeAll(async () => {
  await byResolvers.start()
  await withoutModel.start()
})
afterAll(async () => {
  await byResolvers.stop()
  await withoutModel.stop()
})
beforeEach(() => {
  failing = false
})

const MODELS = {
  failure: 'openai:words failure#1',
  trajectory: 'openai:words trajectory#1',
  scenario: 'openai:words scenario#1',
  config_version: 'openai:words configuration#1',
}

async function embed(
  tenant: Tenant,
  kind: keyof typeof MODELS,
  vectors: readonly (readonly [subject: string, vector: readonly number[]])[],
  model: string = MODELS[kind],
): Promise<void> {
  await arc.sql('admin', (client) =>
    client.query(
      `insert into store.embeddings (user_id, kind, model, subject, embedding)
       select $1, $2, $3, v.subject, l2_normalize(v.vector::halfvec) from unnest($4::text[], $5::text[]) v(subject, vector)`,
      [
        tenant.tenantId,
        kind,
        model,
        vectors.map(([subject]) => subject),
        vectors.map(([, vector]) => `[${vector.join(',')}]`),
      ],
    ),
  )
}

/** As both roads answer, from one statement where they are compiled. */
async function asked(tenant: Tenant, query: string, variables: object = {}): Promise<any> {
  const token = await tenant.token()
  const one = await arc.post({ query, variables }, token)
  const other = await byResolvers.post({ query, variables }, token)
  expect([one.errors, other.errors]).toEqual([undefined, undefined])
  expect(other.data).toEqual(one.data)
  return one.data
}

const PLACES = ['kitchen', 'garden', 'cellar', 'attic', 'office', 'harbour', 'station', 'museum']
const THINGS = ['lamp', 'door', 'window', 'engine', 'basket', 'mirror']
/** 48 messages, of which each shares a word with some. */
const MESSAGES = PLACES.flatMap((place) =>
  THINGS.map((thing) => `No ${thing} was found in the ${place} today`),
)

interface Seen {
  tenant: Tenant
  simulationId: string
  /** By message. */
  signatures: Map<string, string>
  patternIds: Map<string, string>
  outcomeIds: Map<string, string>
}

/** A simulation that fails with each of the messages, so often. */
async function failed(tenant: Tenant, messages: readonly string[], repetitions = 1): Promise<Seen> {
  const scenarioIds = messages.map((_, at) => `s${at}`)
  const simulationId = await tenant.simulation(scenarioIds, { repetitions })
  const rows = messages.flatMap((error, at) =>
    Array.from({ length: repetitions }, (_, index) => ({
      simulationId,
      scenarioId: `s${at}`,
      repetition: index + 1,
      outcomeId: randomUUID(),
      status: 'ERROR',
      error,
    })),
  )
  expect((await tenant.record(rows)).storedCount).toBe(rows.length)
  const { failurePatterns } = await tenant.data(
    `query ($simulationId: UUID!) { failurePatterns(first: 500, filter: {simulationId: {eq: $simulationId}}) {
      nodes { patternId outcomeId signature errorMessage } } }`,
    { simulationId },
  )
  const by = (field: string) =>
    new Map<string, string>(failurePatterns.nodes.map((node: any) => [node.errorMessage, node[field]]))
  return {
    tenant,
    simulationId,
    signatures: by('signature'),
    patternIds: by('patternId'),
    outcomeIds: by('outcomeId'),
  }
}

async function embedFailures({ tenant, signatures }: Seen, model = MODELS.failure): Promise<void> {
  const vectors = [...signatures].map(([message, signature]) => [signature, vectorOf(message)] as const)
  await embed(tenant, 'failure', vectors, model)
}

const QUERY = `query ($to: SimilarFailuresTo!, $first: Int, $after: String, $filter: FailurePatternFilter, $model: String, $each: SimilarFailureRow!) {
  similarFailures(to: $to, first: $first, after: $after, filter: $filter, model: $model, each: $each) {
    totalCount
    pageInfo { hasNextPage endCursor }
    search { method model lexicalBecause }
    coverage { embedded things }
    edges { cursor node { similarity signature patterns patternId resolutionSteps executionTime
      pattern { errorMessage } scenario { scenarioId } simulation { simulationId } outcome { outcomeId } } }
  }
}`

async function similar({ tenant }: Seen, to: object, more: object = {}): Promise<any> {
  return (await asked(tenant, QUERY, { to, each: 'FAILURE', ...more })).similarFailures
}

const messagesOf = (connection: any): string[] =>
  connection.edges.map(({ node }: any) => node.pattern.errorMessage)

/** The similarities of the nearest, as they should be. */
function nearest(message: string, among: readonly string[], count: number): number[] {
  return among
    .filter((other) => other !== message)
    .map((other) => cosine(vectorOf(message), vectorOf(other)))
    .sort((a, b) => b - a)
    .slice(0, count)
}

const similaritiesOf = (connection: any): number[] => connection.edges.map(({ node }: any) => node.similarity)
const rounded = (values: readonly number[]) => values.map((value) => Number(value.toFixed(2)))

const [FIRST] = MESSAGES as [string]

describe('similar failures', () => {
  let seen: Seen
  let other: Seen
  beforeAll(async () => {
    seen = await failed(arc.tenant(), MESSAGES, 2)
    await embedFailures(seen)
    // Has the same failures, and more that are nearer: nobody else may see them.
    other = await failed(arc.tenant(), [...MESSAGES, `${FIRST} again`])
    await embedFailures(other)
  })

  it('are the nearest by their vectors, each once, without the failure itself', async () => {
    const found = await similar(seen, { patternId: seen.patternIds.get(FIRST) }, { first: 10 })
    expect(found.search).toEqual({ method: 'EXACT', model: MODELS.failure, lexicalBecause: null })
    expect(found.coverage).toEqual({ embedded: 48, things: 48 })
    expect(found.totalCount).toBe(47)
    expect(found.pageInfo.hasNextPage).toBe(true)
    expect(rounded(similaritiesOf(found))).toEqual(rounded(nearest(FIRST, MESSAGES, 10)))
    expect(messagesOf(found)).not.toContain(FIRST)
    for (const { node } of found.edges) {
      expect(node.patterns).toBe(2)
      expect(node.simulation).toEqual({ simulationId: seen.simulationId })
      expect(node.scenario.scenarioId).toBe(`s${MESSAGES.indexOf(node.pattern.errorMessage)}`)
    }
  })

  it('are the same for a pattern, its outcome, and as a field of it', async () => {
    const patternId = seen.patternIds.get(FIRST)
    const found = await similar(seen, { patternId }, { first: 5 })
    expect(await similar(seen, { outcomeId: seen.outcomeIds.get(FIRST) }, { first: 5 })).toEqual(found)
    const { failurePattern } = await asked(
      seen.tenant,
      `query ($patternId: UUID!) { failurePattern(patternId: $patternId) { equalFailures
        similarFailures(first: 5) { totalCount search { method } nodes { patternId similarity } } } }`,
      { patternId },
    )
    expect(failurePattern).toEqual({
      equalFailures: 1,
      similarFailures: {
        totalCount: 47,
        search: { method: 'EXACT' },
        nodes: found.edges.map(({ node: { patternId, similarity } }: any) => ({ patternId, similarity })),
      },
    })
  })

  it('of all rows of a list are read in one statement', async () => {
    const query =
      '{ failurePatterns(first: 20) { nodes { patternId similarFailures(first: 3) { nodes { similarity } search { method } } } } }'
    const { failurePatterns } = await asked(seen.tenant, query)
    for (const { similarFailures } of failurePatterns.nodes) expect(similarFailures.nodes).toHaveLength(3)
    const statements = await arc.statementsDuring(() => seen.tenant.data(query))
    expect(statements.filter((text) => text.includes('similar_subjects'))).toHaveLength(1)
  })

  it('are found by a text, which the server’s model reads', async () => {
    const text = 'No anchor was found in the harbour'
    const found = await similar(seen, { text }, { first: 6 })
    expect(found.search).toEqual({ method: 'EXACT', model: MODELS.failure, lexicalBecause: null })
    expect(messagesOf(found).sort()).toEqual(MESSAGES.filter((message) => message.includes('harbour')).sort())
  })

  it('are found by a vector of the caller’s own', async () => {
    const found = await similar(
      seen,
      { embedding: { model: MODELS.failure, vector: vectorOf(FIRST) } },
      { first: 1 },
    )
    expect(messagesOf(found)).toEqual([FIRST])
    expect(similaritiesOf(found)[0]).toBeCloseTo(1, 3)
  })

  it('come in pages, which together are all of them', async () => {
    const to = { patternId: seen.patternIds.get(FIRST) }
    const all = await similar(seen, to, { first: 500 })
    expect(all.edges).toHaveLength(47)
    const edges: any[] = []
    let after: string | null = null
    do {
      const page: any = await similar(seen, to, { first: 9, after })
      edges.push(...page.edges)
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null
    } while (after)
    expect(edges).toEqual(all.edges)
  })

  it('are as many as are asked for under a filter', async () => {
    const inMuseum = MESSAGES.filter((message) => message.includes('museum'))
    const found = await similar(
      seen,
      { patternId: seen.patternIds.get(FIRST) },
      { first: 6, filter: { text: 'museum' } },
    )
    expect(messagesOf(found).sort()).toEqual(inMuseum.sort())
    expect(found.totalCount).toBe(6)
    expect(found.pageInfo.hasNextPage).toBe(false)
    expect(rounded(similaritiesOf(found))).toEqual(rounded(nearest(FIRST, inMuseum, 6)))
  })

  it('may be each pattern by itself', async () => {
    const found = await similar(
      seen,
      { patternId: seen.patternIds.get(FIRST) },
      { first: 10, each: 'PATTERN' },
    )
    expect(found.totalCount).toBe(94)
    expect(new Set(found.edges.map(({ node }: any) => node.patternId)).size).toBe(10)
    expect(new Set(messagesOf(found)).size).toBe(5)
  })

  it('are never those of a deleted simulation, nor compared with those of another model', async () => {
    const tenant = arc.tenant()
    const kept = await failed(tenant, MESSAGES.slice(0, 4))
    const gone = await failed(tenant, MESSAGES.slice(4, 10))
    await embedFailures(kept)
    await embedFailures(gone)
    await embedFailures(kept, 'my own#1')
    const { deleteSimulation } = await tenant.data(
      'mutation ($id: UUID!) { deleteSimulation(input: {simulationId: $id}) { errors { message } } }',
      { id: gone.simulationId },
    )
    expect(deleteSimulation.errors).toEqual([])
    const to = { patternId: kept.patternIds.get(FIRST) }
    const found = await similar(kept, to)
    expect(messagesOf(found).sort()).toEqual(MESSAGES.slice(1, 4).sort())
    expect(found.coverage).toEqual({ embedded: 4, things: 4 })
    expect((await similar(kept, to, { model: 'my own#1' })).search.model).toBe('my own#1')
    const none = await similar(kept, { patternId: gone.patternIds.get(MESSAGES[5]!) })
    expect([none.edges, none.search.lexicalBecause]).toEqual([[], 'NOT_FOUND'])
  })

  it('of another tenant’s failure are none', async () => {
    const found = await similar(seen, { patternId: other.patternIds.get(FIRST) })
    expect(found.edges).toEqual([])
    expect(found.search).toEqual({ method: 'LEXICAL', model: null, lexicalBecause: 'NOT_FOUND' })
  })

  it('show how equal failures were resolved, whatever the filter', async () => {
    const tenant = arc.tenant()
    const found = await failed(tenant, MESSAGES.slice(0, 3), 2)
    await embedFailures(found)
    await arc.sql('admin', async (client) => {
      await client.query('alter table failure_patterns no force row level security')
      await client.query(
        'update failure_patterns set resolution_steps = $1 where user_id = $2 and error_message = $3',
        ['Buy a door.', tenant.tenantId, MESSAGES[1]],
      )
      await client.query('alter table failure_patterns force row level security')
    })
    const { edges } = await similar(found, { patternId: found.patternIds.get(FIRST) })
    expect(edges.map(({ node }: any) => [node.pattern.errorMessage, node.resolutionSteps]).sort()).toEqual(
      [
        [MESSAGES[1], ['Buy a door.']],
        [MESSAGES[2], []],
      ].sort(),
    )
  })

  it.each([
    ['too short', [1, 2], '1536'],
    ['without a direction', new Array(WIDTH).fill(0), 'no direction'],
    ['too large', new Array(WIDTH).fill(1e9), 'below 65504'],
  ])('are refused for a vector that is %s', async (_, vector, words) => {
    const { errors } = await seen.tenant.ask(QUERY, {
      to: { embedding: { model: 'm', vector } },
      each: 'FAILURE',
    })
    expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT')
    expect(errors?.[0]?.message).toContain(words)
  })

  it.each(['app_readonly', 'app_admin', 'app_ingest'] as const)(
    'for %s are what its rights say',
    async (role) => {
      const to = { patternId: seen.patternIds.get(FIRST) }
      const { data, errors } = await seen.tenant.ask(QUERY, { to, first: 2, each: 'FAILURE' }, role)
      if (role === 'app_ingest') expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN')
      else expect(data.similarFailures.edges).toHaveLength(2)
    },
  )
})

describe('without vectors', () => {
  it.each([
    ['NOT_YET_EMBEDDED', async (seen: Seen) => similar(seen, { patternId: seen.patternIds.get(FIRST) })],
    ['NOTHING_TO_COMPARE', async (seen: Seen) => similar(seen, { text: FIRST })],
    [
      'PROVIDER_FAILED',
      async (seen: Seen) => {
        failing = true
        return similar(seen, { text: FIRST })
      },
    ],
    ['NO_PROVIDER', async (seen: Seen) => similar(seen, { text: FIRST }, { model: 'another' })],
    [
      'NO_PROVIDER',
      async (seen: Seen) => {
        const body = {
          query: QUERY,
          variables: { to: { patternId: seen.patternIds.get(FIRST) }, each: 'FAILURE' },
        }
        return (await withoutModel.post(body, await seen.tenant.token())).data.similarFailures
      },
    ],
  ])('words are compared and %s is named', async (because, find) => {
    const seen = await failed(arc.tenant(), MESSAGES.slice(0, 12))
    const found = await find(seen)
    expect(found.search).toEqual({ method: 'LEXICAL', model: null, lexicalBecause: because })
    expect(found.coverage).toEqual({ embedded: 0, things: 12 })
    const messages = messagesOf(found).filter((message) => message !== FIRST)
    expect(messages).toHaveLength(11)
    // Those that share the thing or the place come before those that share neither.
    const shared = (message: string) => message.includes('lamp') || message.includes('kitchen')
    expect(messages.slice(0, 6).every(shared)).toBe(true)
    expect(messages.slice(6).some(shared)).toBe(false)
    for (const similarity of similaritiesOf(found)) {
      expect(similarity).toBeGreaterThan(0)
      expect(similarity).toBeLessThanOrEqual(1)
    }
  })

  it('are as many as are asked for under a filter, by words too', async () => {
    const seen = await failed(arc.tenant(), MESSAGES)
    const found = await similar(
      seen,
      { text: FIRST },
      { first: 6, filter: { text: 'museum' }, model: 'another' },
    )
    expect(found.search.method).toBe('LEXICAL')
    expect(messagesOf(found).sort()).toEqual(MESSAGES.filter((message) => message.includes('museum')).sort())
  })

  it('only the last attempt of a run is found, and no digits are', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { maxRetries: 3 })
    const trajectory = {
      messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'open_door' } }] }],
    }
    const { receipts } = await tenant.record(
      [0, 1].map((retryCount) => ({
        simulationId,
        scenarioId: 'a',
        retryCount,
        status: 'ERROR',
        error: `Door 4711 is stuck`,
        trajectory,
      })),
    )
    const of = async (text: string) => {
      const { similarTrajectories } = await asked(
        tenant,
        'query ($text: String!) { similarTrajectories(to: {text: $text}, first: 5, model: "another") { nodes { outcomeId } } }',
        { text },
      )
      return similarTrajectories.nodes
    }
    expect(await of('open_door')).toEqual([{ outcomeId: receipts[1].outcomeId }])
    expect(
      (await similar({ tenant } as Seen, { text: 'What is stuck?' }, { model: 'another' })).edges,
    ).toHaveLength(1)
    expect((await similar({ tenant } as Seen, { text: '4711' }, { model: 'another' })).edges).toEqual([])
  })

  it('a text that says nothing finds nothing', async () => {
    const seen = await failed(arc.tenant(), MESSAGES.slice(0, 2))
    await embedFailures(seen)
    const { edges, search } = await similar(seen, { text: '  ' })
    expect([edges, search.lexicalBecause]).toEqual([[], 'NOT_EMBEDDABLE'])
  })

  it('whatever stands in a text is only words', async () => {
    const seen = await failed(arc.tenant(), ["It's \\ 'a' | b & !c:* (d) <-> e", 'Nothing of it'])
    const { edges } = await similar(seen, { text: "it's \\'a' | b & !c:* \\" }, { model: 'none' })
    expect(edges.length).toBeLessThanOrEqual(2)
  })
})

describe('an index', () => {
  let seen: Seen
  const settings = (rows: number) =>
    arc.sql('admin', (client) => client.query('update store.settings set embedding_index_rows = $1', [rows]))
  /** What the job does, until it has nothing to do. */
  async function upkeep(): Promise<void> {
    const steps: string[] = []
    await arc.sql('service', async (client) => {
      let step: string | null
      do {
        const { rows } = await client.query('select index_embeddings() as step')
        step = rows[0].step
        if (step !== null) steps.push(step)
      } while (step !== null && steps.length < 100)
    })
  }
  const hasIndex = async () =>
    arc.sql('admin', async (client) => {
      const { rows } = await client.query('select store.has_embedding_index($1, $2, $3) as has', [
        seen.tenant.tenantId,
        'failure',
        MODELS.failure,
      ])
      return rows[0].has as boolean
    })
  beforeAll(async () => {
    seen = await failed(arc.tenant(), MESSAGES, 2)
    await embedFailures(seen)
    await settings(40)
    await upkeep()
  })
  afterAll(async () => {
    await settings(10_000)
    await upkeep()
    expect(await hasIndex()).toBe(false)
  })

  it('finds what comparing all of them finds, and is named', async () => {
    expect(await hasIndex()).toBe(true)
    for (const message of MESSAGES.slice(0, 5)) {
      const found = await similar(seen, { patternId: seen.patternIds.get(message) }, { first: 10 })
      expect(found.search).toEqual({ method: 'INDEX', model: MODELS.failure, lexicalBecause: null })
      expect(rounded(similaritiesOf(found))).toEqual(rounded(nearest(message, MESSAGES, 10)))
    }
  })

  it('gives as many as there are, and compares all where a filter or a place in the list leaves few', async () => {
    const to = { patternId: seen.patternIds.get(FIRST) }
    expect((await similar(seen, to, { first: 500 })).edges).toHaveLength(47)
    const filter = { text: 'museum' }
    const few = await similar(seen, to, { first: 6, filter })
    expect([few.edges.length, few.search.method]).toEqual([6, 'EXACT'])
    const many = await similar(seen, to, { first: 6, filter: { failureType: { contains: '' } } })
    expect([many.edges.length, many.search.method]).toEqual([6, 'INDEX'])
    const { pageInfo, edges } = await similar(seen, to, { first: 20 })
    const next = await similar(seen, to, { first: 27, after: pageInfo.endCursor })
    expect(next.search.method).toBe('EXACT')
    expect(new Set([...messagesOf({ edges }), ...messagesOf(next)]).size).toBe(47)
  })

  it('is planned as one', async () => {
    const plan = await arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query(
        'set local enable_sort = off; set local enable_seqscan = off; set local enable_bitmapscan = off',
      )
      const { rows } = await client.query(
        `explain select subject from store.embeddings
         where md5(user_id::text || ' ' || kind || ' ' || model) = md5('${seen.tenant.tenantId} failure ${MODELS.failure}')
         order by embedding <=> $1::halfvec limit 5`,
        [`[${vectorOf(FIRST).join(',')}]`],
      )
      await client.query('rollback')
      return rows.map((row) => row['QUERY PLAN']).join('\n')
    })
    expect(plan).toMatch(/Index Scan using embeddings_like_[0-9a-f]{32}/)
  })

  it('says to whoever reads how it is defined nothing of whose it is', async () => {
    const { rows } = await arc.sql('service', (client) =>
      client.query(
        `select string_agg(pg_get_indexdef(oid), ' ') as said from pg_class where relname like 'embeddings\\_like\\_%'`,
      ),
    )
    expect(rows[0].said).toMatch(/embeddings_like_/)
    expect(rows[0].said).not.toContain(seen.tenant.tenantId)
    expect(rows[0].said).not.toContain('openai:words')
  })

  it('shows nothing of a simulation that is deleted, and still as many as are asked for', async () => {
    const tenant = seen.tenant
    const near = await failed(tenant, [`${FIRST} once`, `${FIRST} twice`])
    await embedFailures(near)
    const to = { patternId: seen.patternIds.get(FIRST) }
    expect(messagesOf(await similar(seen, to, { first: 2 })).sort()).toEqual([
      `${FIRST} once`,
      `${FIRST} twice`,
    ])
    await tenant.data(
      'mutation ($id: UUID!) { deleteSimulation(input: {simulationId: $id}) { errors { message } } }',
      {
        id: near.simulationId,
      },
    )
    const found = await similar(seen, to, { first: 10 })
    expect(found.search.method).toBe('INDEX')
    expect(rounded(similaritiesOf(found))).toEqual(rounded(nearest(FIRST, MESSAGES, 10)))
  })
})

describe('other things', () => {
  it('trajectories by the outcome, a text or under a filter', async () => {
    const seen = await failed(arc.tenant(), MESSAGES.slice(0, 12))
    const did = [...seen.outcomeIds].map(([message, outcomeId]) => [outcomeId, vectorOf(message)] as const)
    await embed(seen.tenant, 'trajectory', did)
    const query = `query ($to: SimilarTrajectoriesTo!, $filter: OutcomeFilter, $outcomeId: UUID!) {
      similarTrajectories(to: $to, first: 4, filter: $filter) { totalCount search { method model lexicalBecause }
        coverage { embedded } nodes { similarity outcome { outcomeId scenarioId } } }
      outcome(outcomeId: $outcomeId) { similarTrajectories(first: 4, filter: $filter) { totalCount nodes { similarity outcomeId } } } }`
    const outcomeId = seen.outcomeIds.get(FIRST)!
    const found = await asked(seen.tenant, query, { to: { outcomeId }, outcomeId })
    expect(found.similarTrajectories.search).toEqual({
      method: 'EXACT',
      model: MODELS.trajectory,
      lexicalBecause: null,
    })
    expect(rounded(found.similarTrajectories.nodes.map(({ similarity }: any) => similarity))).toEqual(
      rounded(nearest(FIRST, MESSAGES.slice(0, 12), 4)),
    )
    expect(found.outcome.similarTrajectories.nodes).toEqual(
      found.similarTrajectories.nodes.map(({ similarity, outcome: { outcomeId } }: any) => ({
        similarity,
        outcomeId,
      })),
    )
    const filtered = await asked(seen.tenant, query, {
      to: { text: FIRST },
      outcomeId,
      filter: { scenarioId: { eq: 's7' } },
    })
    expect(filtered.similarTrajectories.nodes.map(({ outcome }: any) => outcome.scenarioId)).toEqual(['s7'])
    const none = await asked(seen.tenant, query, { to: { outcomeId: randomUUID() }, outcomeId })
    expect(none.similarTrajectories).toMatchObject({ nodes: [], search: { lexicalBecause: 'NOT_FOUND' } })
  })

  it('scenarios by one, a text, and by words without vectors', async () => {
    const tenant = arc.tenant()
    await tenant.data(
      'mutation ($scenarios: [ScenarioInput!]!) { upsertScenarios(input: {scenarios: $scenarios}) { errors { message } } }',
      { scenarios: MESSAGES.slice(0, 12).map((taskPrompt, at) => ({ scenarioId: `s${at}`, taskPrompt })) },
    )
    const query = `query ($to: SimilarScenariosTo!) { similarScenarios(to: $to, first: 3) {
        totalCount search { method lexicalBecause } nodes { similarity scenario { taskPrompt } } }
      scenario(scenarioId: "s0") { similarScenarios(first: 3) { nodes { similarity scenarioId } } } }`
    const words = (await asked(tenant, query, { to: { scenarioId: 's0' } })).similarScenarios
    expect(words.search).toEqual({ method: 'LEXICAL', lexicalBecause: 'NOT_YET_EMBEDDED' })
    expect(words.nodes).toHaveLength(3)
    await embed(
      tenant,
      'scenario',
      MESSAGES.slice(0, 12).map((message, at) => [`s${at}`, vectorOf(message)] as const),
    )
    const { similarScenarios, scenario } = await asked(tenant, query, { to: { scenarioId: 's0' } })
    expect(similarScenarios.search.method).toBe('EXACT')
    expect(similarScenarios.totalCount).toBe(11)
    expect(rounded(similarScenarios.nodes.map(({ similarity }: any) => similarity))).toEqual(
      rounded(nearest(FIRST, MESSAGES.slice(0, 12), 3)),
    )
    expect(scenario.similarScenarios.nodes.map(({ similarity }: any) => similarity)).toEqual(
      similarScenarios.nodes.map(({ similarity }: any) => similarity),
    )
    const byText = await asked(tenant, query, { to: { text: 'garden mirror' } })
    expect(byText.similarScenarios.nodes[0].scenario.taskPrompt).toBe(
      'No mirror was found in the garden today',
    )
  })

  it('configuration versions by one, a YAML that is not stored, and what is none is refused', async () => {
    const tenant = arc.tenant()
    const yamlOf = (prompt: string) => `model: gpt-4\nprompt: ${prompt}\n`
    const versions = await Promise.all(
      THINGS.map((thing) => tenant.configVersion(`agent ${thing}`, yamlOf(`look for a ${thing}`))),
    )
    const query = `query ($to: SimilarConfigVersionsTo!) { similarConfigVersions(to: $to, first: 4) {
      search { method lexicalBecause } nodes { similarity version { rawYaml configuration { name } } } } }`
    const to = { versionId: versions[0]!.versionId }
    const words = (await asked(tenant, query, { to })).similarConfigVersions
    expect(words.search).toEqual({ method: 'LEXICAL', lexicalBecause: 'NOT_YET_EMBEDDED' })
    expect(words.nodes).toHaveLength(4)
    await embed(
      tenant,
      'config_version',
      versions.map(
        ({ versionId }, at) => [versionId, vectorOf(`model gpt prompt look for a ${THINGS[at]}`)] as const,
      ),
    )
    expect((await asked(tenant, query, { to })).similarConfigVersions.nodes).toHaveLength(4)
    const byYaml = await asked(tenant, query, { to: { yaml: yamlOf('look for a basket') } })
    expect(byYaml.similarConfigVersions.search.method).toBe('EXACT')
    expect(byYaml.similarConfigVersions.nodes[0].version.configuration.name).toBe('agent basket')
    const under = await asked(
      tenant,
      'query ($id: UUID!) { configVersion(versionId: $id) { similarConfigVersions(first: 2) { nodes { similarity versionId } } } }',
      { id: versions[0]!.versionId },
    )
    expect(under.configVersion.similarConfigVersions.nodes).toHaveLength(2)
    const { errors } = await tenant.ask(query, { to: { yaml: 'a: [' } })
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'YAML_INVALID', input: ['to', 'yaml'] })
  })
})
