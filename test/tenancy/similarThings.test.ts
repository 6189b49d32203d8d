import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'
import { sqlAs } from '../support/sqlAs.ts'

const WIDTH = 1536
const arc = useArc({ ARC_JOBS: 'off' })

const vectorAt = (angle: number) =>
  Array.from({ length: WIDTH }, (_, at) => (at === 0 ? Math.cos(angle) : at === 1 ? Math.sin(angle) : 0))

/** Of everything that a scene has. */
const WORDS =
  'The disk is full: write_disk, model, do owner_a owner_b stranger_a stranger_b stranger_c keeper_b keeper_c.'

const KINDS = ['failure', 'trajectory', 'scenario', 'config_version'] as const
type Kind = (typeof KINDS)[number]

const FIELDS: Readonly<Record<Kind, { field: string; type: string; key: string; node: string }>> = {
  failure: { field: 'similarFailures', type: 'SimilarFailuresTo', key: 'patternId', node: 'signature' },
  trajectory: {
    field: 'similarTrajectories',
    type: 'SimilarTrajectoriesTo',
    key: 'outcomeId',
    node: 'outcomeId',
  },
  scenario: { field: 'similarScenarios', type: 'SimilarScenariosTo', key: 'scenarioId', node: 'scenarioId' },
  config_version: {
    field: 'similarConfigVersions',
    type: 'SimilarConfigVersionsTo',
    key: 'versionId',
    node: 'versionId',
  },
}

interface Scene {
  tenant: Tenant
  simulationIds: string[]
  /** What the tenant has, by kind: as questions name it, and as it is stored with its vector. */
  keys: Record<Kind, string[]>
  subjects: Record<Kind, string[]>
}

/** So many simulations of a version each, with a scenario that fails in its own way, and vectors of a model for all of them. */
async function scene(name: string, count: number, model: string): Promise<Scene> {
  const tenant = arc.tenant()
  const made: Scene = {
    tenant,
    simulationIds: [],
    keys: { failure: [], trajectory: [], scenario: [], config_version: [] },
    subjects: { failure: [], trajectory: [], scenario: [], config_version: [] },
  }
  for (let at = 0; at < count; at++) {
    const letter = String.fromCharCode(97 + at)
    const scenarioId = `${name}_${letter}`
    const simulationId = await tenant.simulation([scenarioId])
    const { receipts } = await tenant.record([
      {
        simulationId,
        scenarioId,
        status: 'ERROR',
        error: `the disk of the ${name} ${letter}${letter}${letter} is full`,
        trajectory: { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'write_disk' } }] }] },
      },
    ])
    const { failurePatterns, simulation } = await tenant.data(
      `{ failurePatterns(filter: {simulationId: {eq: "${simulationId}"}}) { nodes { patternId signature } }
        simulation(simulationId: "${simulationId}") { configVersion { versionId } } }`,
    )
    const [pattern] = failurePatterns.nodes
    const { versionId } = simulation.configVersion
    const { outcomeId } = receipts[0]
    made.simulationIds.push(simulationId)
    for (const [kind, key, subject] of [
      ['failure', pattern.patternId, pattern.signature],
      ['trajectory', outcomeId, outcomeId],
      ['scenario', scenarioId, scenarioId],
      ['config_version', versionId, versionId],
    ] as const) {
      made.keys[kind].push(key)
      made.subjects[kind].push(subject)
    }
    const { recordEmbeddings } = await tenant.data(
      `mutation ($input: RecordEmbeddingsInput!) { recordEmbeddings(input: $input) { receipts { status } } }`,
      {
        input: {
          model,
          embeddings: KINDS.map((kind) => ({
            [FIELDS[kind].key]: made.keys[kind][at],
            vector: vectorAt(at / 10),
          })),
        },
      },
    )
    expect(recordEmbeddings.receipts.map(({ status }: any) => status)).toEqual(KINDS.map(() => 'STORED'))
  }
  return made
}

const questionOf = (kind: Kind) => {
  const { field, type, node } = FIELDS[kind]
  return `query ($to: ${type}!, $model: String, $first: Int = 10, $after: String) {
    found: ${field}(to: $to, model: $model, first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor }
      search { method model lexicalBecause } coverage { embedded things } nodes { similarity ${node} } } }`
}

async function found(
  { tenant }: Pick<Scene, 'tenant'>,
  kind: Kind,
  variables: object,
  role = 'app_user' as const,
) {
  const { data, errors } = await tenant.ask(questionOf(kind), variables, role)
  expect(errors).toBeUndefined()
  return data.found
}

const shown = (kind: Kind, { nodes }: any): string[] => nodes.map((node: any) => node[FIELDS[kind].node])

let owner: Scene
let stranger: Scene
beforeAll(async () => {
  owner = await scene('owner', 4, 'secret of the owner')
  stranger = await scene('stranger', 3, 'shared name')
  // Of the same model as the stranger's, and nearer to whatever is asked.
  for (const kind of KINDS) {
    const embeddings = owner.keys[kind].map((key) => ({ [FIELDS[kind].key]: key, vector: vectorAt(0) }))
    await owner.tenant.data(
      `mutation ($input: RecordEmbeddingsInput!) { recordEmbeddings(input: $input) { receipts { status } } }`,
      { input: { model: 'shared name', embeddings } },
    )
  }
})

describe.each(KINDS)('what is like a %s', (kind) => {
  const { key } = FIELDS[kind]

  it.each(['app_user', 'app_readonly', 'app_admin'] as const)(
    'is the same for %s by another tenant’s key as by one that nobody has',
    async (role) => {
      const unknown = kind === 'scenario' ? 'nobody_has_this' : randomUUID()
      for (const model of ['secret of the owner', 'shared name', undefined]) {
        const [theirs, nobodys] = await Promise.all(
          [owner.keys[kind][0], unknown].map((id) =>
            found(stranger, kind, { to: { [key]: id }, model }, role as never),
          ),
        )
        expect(theirs).toEqual(nobodys)
        expect(theirs.nodes).toEqual([])
      }
    },
  )

  it('is one’s own by a vector, whatever the model is called', async () => {
    const vector = vectorAt(0)
    const own = await found(stranger, kind, { to: { embedding: { model: 'shared name', vector } } })
    expect(own.search).toEqual({ method: 'EXACT', model: 'shared name', lexicalBecause: null })
    expect(shown(kind, own)).toEqual(stranger.subjects[kind])
    const theirs = await found(stranger, kind, {
      to: { embedding: { model: 'secret of the owner', vector } },
    })
    expect(theirs.search).toMatchObject({ method: 'LEXICAL', lexicalBecause: 'NOTHING_TO_COMPARE' })
    expect(theirs.coverage).toEqual({ embedded: 0, things: 3 })
    expect(stranger.subjects[kind]).toEqual(expect.arrayContaining(shown(kind, theirs)))
  })

  it('behind another tenant’s cursor is one’s own', async () => {
    const variables = { to: { embedding: { model: 'shared name', vector: vectorAt(0) } }, first: 1 }
    const { pageInfo } = await found(owner, kind, variables)
    expect(pageInfo.endCursor).toEqual(expect.any(String))
    const { nodes } = await found(stranger, kind, { ...variables, first: 10, after: pageInfo.endCursor })
    expect(stranger.subjects[kind]).toEqual(expect.arrayContaining(shown(kind, { nodes })))
  })

  it.each(['app_user', 'app_readonly', 'app_admin'] as const)(
    'is one’s own in the SQL of %s',
    async (role) => {
      await sqlAs(arc, role, stranger.tenant, async (run) => {
        const vector = `[${vectorAt(0).join(',')}]`
        const subject = owner.subjects[kind][0]
        const all = [...owner.subjects[kind], ...stranger.subjects[kind]]
        for (const [given, said, because, among] of [
          [vector, null, null, null],
          [vector, null, null, all],
          [null, WORDS, 'no_provider', null],
          [null, WORDS, 'no_provider', all],
          [null, null, null, null],
          [null, null, 'no_provider', all],
        ]) {
          for (const most of [20, null]) {
            const { rows, message } = await run(
              `select subject from similar_subjects($1, 'shared name', $2, $3, $4, $5, $6, $7)`,
              [kind, given || said ? null : subject, given, said, because, most, among],
            )
            expect(message).toBe('')
            const subjects = rows.map((row) => row.subject)
            expect(stranger.subjects[kind]).toEqual(expect.arrayContaining(subjects))
            if (given || said) expect(subjects).toHaveLength(3)
          }
        }
        const { rows } = await run('select user_id, model from embeddings where kind = $1', [kind])
        expect(rows).toEqual(Array(3).fill({ user_id: stranger.tenant.tenantId, model: 'shared name' }))
      })
    },
  )

  it('is as many as are asked for beside what is deleted', async () => {
    const own = await scene('keeper', 3, 'mine')
    const question = { to: { embedding: { model: 'mine', vector: vectorAt(0) } } }
    expect(shown(kind, await found(own, kind, question))).toEqual(own.subjects[kind])
    const [simulationId] = own.simulationIds
    const { simulation } = await own.tenant.data(
      `{ simulation(simulationId: "${simulationId}") { configVersion { configuration { configId } } } }`,
    )
    const [what, name, id] = {
      failure: ['Simulation', 'simulationId', simulationId],
      trajectory: ['Simulation', 'simulationId', simulationId],
      scenario: ['Scenario', 'scenarioId', own.keys.scenario[0]],
      config_version: ['Configuration', 'configId', simulation.configVersion.configuration.configId],
    }[kind]
    const remove = async (kindOf: string, input: object) => {
      const { done } = await own.tenant.data(
        `mutation ($input: Delete${kindOf}Input!) { done: delete${kindOf}(input: $input) { errors { message } } }`,
        { input },
      )
      expect(done.errors).toEqual([])
    }
    if (kind === 'scenario') await remove('Simulation', { simulationId })
    await remove(what!, { [name!]: id })
    const kept = own.subjects[kind].slice(1)
    const left = shown(kind, await found(own, kind, question))
    expect(left).toEqual(kept)
    await sqlAs(arc, 'app_user', own.tenant, async (run) => {
      for (const because of [null, 'no_provider']) {
        const { rows } = await run(
          `select subject from similar_subjects($1, 'mine', null, $2, $3, $4, $5, null)`,
          [kind, `[${vectorAt(0).join(',')}]`, WORDS, because, left.length],
        )
        expect(rows.map(({ subject }) => subject).sort()).toEqual([...left].sort())
      }
    })
  })
})

describe('a question', () => {
  const ask = (to: object, more: object = {}) =>
    stranger.tenant.ask(questionOf('failure'), { to, ...more }, 'app_readonly')

  it.each([
    ['1535 numbers', new Array(WIDTH - 1).fill(1), 'BAD_USER_INPUT'],
    ['1537 numbers', new Array(WIDTH + 1).fill(1), 'LIMIT_EXCEEDED'],
    ['no numbers', [], 'BAD_USER_INPUT'],
    ['zeros', new Array(WIDTH).fill(0), 'BAD_USER_INPUT'],
    ['what half a float has as zero', new Array(WIDTH).fill(1e-9), 'BAD_USER_INPUT'],
    ['a number beyond half a float', [...vectorAt(0).slice(1), 65_504], 'BAD_USER_INPUT'],
    ['texts', new Array(WIDTH).fill('NaN'), 'BAD_USER_INPUT'],
    ['nulls', new Array(WIDTH).fill(null), 'BAD_USER_INPUT'],
  ])('with a vector of %s is refused', async (_, vector, code) => {
    const { errors } = await ask({ embedding: { model: 'shared name', vector } })
    expect(errors?.[0]?.extensions.code).toBe(code)
  })

  it('with a number that no JSON has is refused', async () => {
    for (const number of ['1e999', '-1e999', 'NaN', 'Infinity']) {
      const vector = `[${number}${',0'.repeat(WIDTH - 1)}]`
      const body = `{"query": ${JSON.stringify(questionOf('failure'))}, "variables": {"to": {"embedding": {"model": "m", "vector": ${vector}}}}}`
      const response = await fetch(arc.url, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await stranger.tenant.token()}`,
          'content-type': 'application/json',
          accept: 'application/json',
        },
        body,
      })
      const { errors } = (await response.json()) as any
      expect(errors[0].extensions.code, number).toMatch(/^BAD_/)
    }
  })

  it.each([1e-50, 5e-324, 1e-45, -1e-40, 65_503.99])(
    'with %d among its numbers is answered',
    async (number) => {
      const vector = [1, number, ...new Array(WIDTH - 2).fill(0)]
      const { data, errors } = await ask({ embedding: { model: 'shared name', vector } })
      expect(errors).toBeUndefined()
      expect(data.found.nodes).toHaveLength(3)
    },
  )

  it.each([
    '\u0000',
    'a\u0000b',
    '\ud800',
    "'; drop table x; --",
    '%s %L $1',
    '\\',
    '\u202e',
    'x'.repeat(2_000),
  ])('with the text or the model %j is answered or refused', async (text) => {
    for (const variables of [
      { to: { text } },
      { to: { text: 'disk' }, model: text },
      { to: { embedding: { model: text, vector: vectorAt(0) } } },
    ]) {
      const { data, errors } = await stranger.tenant.ask(questionOf('failure'), variables)
      if (errors) expect(['BAD_USER_INPUT', 'LIMIT_EXCEEDED']).toContain(errors[0]?.extensions.code)
      else expect(stranger.subjects.failure).toEqual(expect.arrayContaining(shown('failure', data.found)))
    }
  })

  it('for more than a page, or again and again in one operation, is refused', async () => {
    const one = await ask({ text: 'disk' }, { first: 1000 })
    expect(one.errors?.[0]?.extensions.code).toBe('LIMIT_EXCEEDED')
    const many = Array.from(
      { length: 1_000 },
      (_, at) => `f${at}: similarFailures(to: {text: "${at}"}, first: 100) { nodes { similarity } }`,
    )
    const { errors } = await stranger.tenant.ask(`{ ${many.join(' ')} }`)
    expect(errors).toHaveLength(1)
  })
})
