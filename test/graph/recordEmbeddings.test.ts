import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { ArcClient } from '../../src/client/arcClient.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { base64Of } from '../support/embeddingEndpoint.ts'

const arc = useArc()

const vector = (first: number, more = 0) =>
  Array.from({ length: 1536 }, (_, at) => (at === 0 ? first : at === 1 ? more : 0))

let tenant: Tenant
let simulationId: string
let things: { patternId: string; signature: string; outcomeId: string; scenarioId: string; versionId: string }
beforeAll(async () => {
  tenant = arc.tenant()
  simulationId = await tenant.simulation(['a'])
  await tenant.record([{ simulationId, scenarioId: 'a', status: 'ERROR', error: 'the disk is full' }])
  const { failurePatterns, simulation } = await tenant.data(
    `{ failurePatterns { nodes { patternId signature outcomeId } } simulation(simulationId: "${simulationId}") { configVersion { versionId } } }`,
  )
  things = { ...failurePatterns.nodes[0], scenarioId: 'a', versionId: simulation.configVersion.versionId }
})

async function record(
  embeddings: unknown[],
  { model = 'mine', as = tenant, role = 'app_user' as const } = {},
) {
  const { data, errors } = await as.ask(
    `mutation ($input: RecordEmbeddingsInput!) {
      recordEmbeddings(input: $input) { receipts { index subject status code reason path } errors { code message path } }
    }`,
    { input: { model, embeddings } },
    role,
  )
  expect(errors).toBeUndefined()
  return data.recordEmbeddings
}

const stored = async (model: string) =>
  (
    await arc.sql('admin', (client) =>
      client.query(
        `select kind, subject, embedding::text as vector, text_sha256 from store.embeddings where user_id = $1 and model = $2 order by kind, subject`,
        [tenant.tenantId, model],
      ),
    )
  ).rows

describe('recordEmbeddings', () => {
  it('stores a vector of each kind of thing, with length 1, once', async () => {
    const { patternId, signature, ...others } = things
    const rows = [{ patternId }, ...Object.entries(others).map(([key, value]) => ({ [key]: value }))]
    const given = rows.map((row, at) => ({ ...row, vector: vector(3, 4 * at) }))
    const { receipts } = await record(given)
    expect(receipts).toEqual(
      [signature, ...Object.values(others)].map((subject, index) => ({
        index,
        subject,
        status: 'STORED',
        code: null,
        reason: null,
        path: null,
      })),
    )
    const found = await stored('mine')
    expect(found.map(({ kind, subject, text_sha256 }) => [kind, subject, text_sha256])).toEqual([
      ['config_version', things.versionId, null],
      ['failure', signature, null],
      ['scenario', 'a', null],
      ['trajectory', things.outcomeId, null],
    ])
    expect(found[1].vector).toMatch(/^\[1,0,0,/)
    expect(found[3].vector).toMatch(/^\[0\.6\d*,0\.(8|79)\d*,0,/)
    // As bytes, by the other name of the failure, and another direction.
    const again = await record([
      { signature, vectorBase64: base64Of(vector(7)) },
      { outcomeId: things.outcomeId, vector: vector(0, 1) },
      { outcomeId: things.outcomeId, vector: vector(0, 2) },
    ])
    expect(again.receipts.map(({ status }: { status: string }) => status)).toEqual([
      'UNCHANGED',
      'REPLACED',
      'UNCHANGED',
    ])
    expect(
      (await record([{ scenarioId: 'a', vector: vector(1) }], { model: 'other' })).receipts[0].status,
    ).toBe('STORED')
    expect(await stored('mine')).toHaveLength(4)
  })

  it('stores the same vector of several things of a kind with each', async () => {
    await tenant.scenarios('c', 'd')
    const rows = (first: number, ...ids: string[]) =>
      ids.map((scenarioId) => ({ scenarioId, vector: vector(first) }))
    const statuses = async (given: object[]) =>
      (await record(given, { model: 'equal' })).receipts.map(({ status }: { status: string }) => status)
    expect(await statuses(rows(1, 'a', 'c'))).toEqual(['STORED', 'STORED'])
    expect(await statuses([...rows(1, 'd', 'a'), ...rows(-1, 'c')])).toEqual([
      'STORED',
      'UNCHANGED',
      'REPLACED',
    ])
    expect((await stored('equal')).map(({ subject, vector: [, sign] }) => subject + sign)).toEqual([
      'a1',
      'c-',
      'd1',
    ])
  })

  it('says of each that it cannot store why, and stores the others', async () => {
    const good = vector(1)
    const other = arc.tenant()
    await other.scenarios('b')
    const cases: [object, code: string, path: string, reason: RegExp][] = [
      [
        { scenarioId: 'a', vector: [1, 2, 3] },
        'INVALID_VALUE',
        'vector',
        /has 3 numbers, but must have 1536/,
      ],
      [{ scenarioId: 'a', vectorBase64: base64Of([1]) }, 'INVALID_VALUE', 'vectorBase64', /has 1 numbers/],
      [{ scenarioId: 'a', vectorBase64: 'AAA=' }, 'INVALID_VALUE', 'vectorBase64', /not 32-bit floats/],
      [{ scenarioId: 'a', vectorBase64: 'nö' }, 'INVALID_VALUE', 'vectorBase64', /not 32-bit floats/],
      [
        { scenarioId: 'a', vectorBase64: base64Of([...good.slice(1), Number.NaN]) },
        'INVALID_VALUE',
        'vectorBase64',
        /not finite/,
      ],
      [
        { scenarioId: 'a', vector: ['x', ...good.slice(1)] },
        'INVALID_VALUE',
        'vector',
        /Float cannot represent/,
      ],
      [{ scenarioId: 'a', vector: vector(0) }, 'INVALID_VALUE', 'vector', /no direction/],
      [{ scenarioId: 'a', vector: vector(1e300, 1e300) }, 'INVALID_VALUE', 'vector', /no direction/],
      [{ scenarioId: 'a' }, 'INVALID_VALUE', 'vector', /as vector or as vectorBase64/],
      [
        { scenarioId: 'a', vector: good, vectorBase64: base64Of(good) },
        'INVALID_VALUE',
        'vector',
        /as vector or as/,
      ],
      [{ vector: good }, 'INVALID_VALUE', 'patternId', /exactly one of/],
      [
        { scenarioId: 'a', outcomeId: things.outcomeId, vector: good },
        'INVALID_VALUE',
        'scenarioId',
        /exactly one of/,
      ],
      [
        { patternId: randomUUID(), vector: good },
        'SOURCE_NOT_FOUND',
        'patternId',
        /no failure with patternId/,
      ],
      [
        { signature: 'none', vector: good },
        'SOURCE_NOT_FOUND',
        'signature',
        /no failure with signature none/,
      ],
      [{ outcomeId: randomUUID(), vector: good }, 'OUTCOME_NOT_FOUND', 'outcomeId', /no outcome/],
      [
        { versionId: randomUUID(), vector: good },
        'CONFIG_VERSION_NOT_FOUND',
        'versionId',
        /no configuration version/,
      ],
      // Of another tenant.
      [
        { scenarioId: 'b', vector: good },
        'SCENARIO_NOT_FOUND',
        'scenarioId',
        /no scenario with scenarioId b/,
      ],
    ]
    const { receipts } = await record([...cases.map(([row]) => row), { scenarioId: 'a', vector: good }], {
      model: 'picky',
    })
    for (const [index, [, code, path, reason]] of cases.entries()) {
      expect(receipts[index]).toMatchObject({ index, status: 'REJECTED', subject: null, code })
      expect(receipts[index].reason).toMatch(reason)
      expect(receipts[index].path[0]).toBe(path)
    }
    expect(receipts.at(-1)).toMatchObject({ index: cases.length, status: 'STORED' })
    expect(await stored('picky')).toHaveLength(1)
  })

  it.each([
    ['minilm:all-MiniLM-L6-v2#1 failure#1', 'INVALID_VALUE'],
    ['OpenAI:mine', 'INVALID_VALUE'],
    ['', 'INVALID_VALUE'],
    ['m'.repeat(201), 'INVALID_VALUE'],
  ])('refuses %j for a model', async (model, code) => {
    const { receipts, errors } = await record([{ scenarioId: 'a', vector: vector(1) }], { model })
    expect(receipts).toEqual([])
    expect(errors).toMatchObject([{ code, path: ['model'] }])
  })

  it('takes 1 to 500, knows nothing of what is deleted, and is not for readers', async () => {
    expect((await record([])).errors).toMatchObject([{ code: 'INVALID_VALUE', path: ['embeddings'] }])
    const many = Array.from({ length: 501 }, () => ({ scenarioId: 'a', vector: [1] }))
    expect((await record(many)).errors).toMatchObject([{ code: 'TOO_MANY_ROWS', path: ['embeddings'] }])
    const question =
      'mutation { recordEmbeddings(input: { model: "m", embeddings: [{ scenarioId: "a", vectorBase64: "' +
      base64Of(vector(1)) +
      '" }] }) { errors { code } } }'
    expect((await tenant.ask(question, {}, 'app_readonly')).errors).toMatchObject([
      { extensions: { code: 'FORBIDDEN' } },
    ])
    const { deleteSimulation } = await tenant.data(
      `mutation { deleteSimulation(input: { simulationId: "${simulationId}" }) { deletion { deletionId } } }`,
    )
    const { receipts } = await record(
      [{ signature: things.signature }, { outcomeId: things.outcomeId }].map((row) => ({
        ...row,
        vector: vector(2),
      })),
      { model: 'late' },
    )
    expect(receipts.map(({ code }: { code: string }) => code)).toEqual([
      'SOURCE_NOT_FOUND',
      'OUTCOME_NOT_FOUND',
    ])
    await tenant.data(`mutation ($id: UUID!) { undelete(input: { deletionId: $id }) { errors { code } } }`, {
      id: deleteSimulation.deletion.deletionId,
    })
  })

  it('is a call of the client, which sends bytes, by the runner’s role too', async () => {
    const client = new ArcClient({ url: arc.url, token: await tenant.token('app_ingest') })
    const receipts = await client.recordEmbeddings('by client', [
      { scenarioId: 'a', vector: Float32Array.from(vector(1, 1)) },
      { scenarioId: 'nowhere', vector: vector(1) },
    ])
    expect(receipts.map(({ status, code }) => [status, code])).toEqual([
      ['STORED', null],
      ['REJECTED', 'SCENARIO_NOT_FOUND'],
    ])
    expect((await stored('by client'))[0].vector).toMatch(/^\[0\.70\d+,0\.70\d+,0/)
  })
})
