import { describe, expect, it } from 'vitest'
import { parseExactly, stringifyExactly } from '../../src/exactNumbers.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { GraphQLSocket } from '../support/graphqlWs.ts'
import { summedUp } from '../support/tenantRows.ts'

const arc = useArc()

/** What JavaScript, and so this test, would change: it stays text here. */
const NUMBERS =
  '{"id":9007199254740993,"start_time_unix_nano":1732827384123456789,"p":0.12345678901234567891}'

/** An answer with the digits that it has; what the database wrote has spaces where JavaScript puts none. */
async function textOf(tenant: Tenant, body: string): Promise<string> {
  const response = await fetch(arc.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await tenant.token()}` },
    body,
  })
  return stringifyExactly(parseExactly(await response.text()))
}

describe('JSON keeps the digits of its numbers', () => {
  it('in trajectories, metrics, metadata and answers of scenarios, however they are read', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const outcome = `{"simulationId":"${simulationId}","scenarioId":"a","status":"SUCCESS","reliabilityScore":0.10000000000000000555,"trajectory":{"t":${NUMBERS},"steps":[${NUMBERS}]},"metrics":${NUMBERS}}`
    const recorded = await textOf(
      tenant,
      `{"query":"mutation ($outcomes: [OutcomeInput!]!) { recordOutcomes(input: { outcomes: $outcomes }) { receipts { status reason notes } } }","variables":{"outcomes":[${outcome}]}}`,
    )
    expect(JSON.parse(recorded).data.recordOutcomes.receipts).toEqual([
      { status: 'STORED', reason: null, notes: [] },
    ])
    await textOf(
      tenant,
      `{"query":"mutation ($s: [ScenarioInput!]!) { upsertScenarios(input: { scenarios: $s }) { receipts { status } } }","variables":{"s":[{"scenarioId":"a","groundTruth":${NUMBERS},"metadata":${NUMBERS}}]}}`,
    )
    const query = `{ outcomes { nodes { reliabilityScore metrics trajectory trajectoryPath(path: ["t", "id"]) trajectorySteps { nodes { content } } } }
      scenario(scenarioId: "a") { groundTruth metadata } }`
    const answer = await textOf(tenant, JSON.stringify({ query }))
    // jsonb has its own order of keys and no other.
    for (const digits of ['9007199254740993', '1732827384123456789', '0.12345678901234567891']) {
      expect(answer.split(digits).length - 1, `${digits} in ${answer}`).toBe(digits.startsWith('90') ? 7 : 6)
    }
    expect(answer).toContain('"reliabilityScore":0.1,')
    // The same again, as it was read, is the same.
    const again = await textOf(
      tenant,
      `{"query":"mutation ($outcomes: [OutcomeInput!]!) { recordOutcomes(input: { outcomes: $outcomes }) { receipts { status } } }","variables":{"outcomes":[${outcome}]}}`,
    )
    expect(again).toContain('DUPLICATE')
    const other = await textOf(
      tenant,
      `{"query":"mutation ($outcomes: [OutcomeInput!]!) { recordOutcomes(input: { outcomes: $outcomes }) { receipts { status differences } } }","variables":{"outcomes":[${outcome.replaceAll('9007199254740993', '9007199254740992')}]}}`,
    )
    expect(other).toContain('"status":"CONFLICT","differences":["metrics","trajectory"]')
  })

  it('in sums of costs', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    await tenant.record([
      { simulationId, scenarioId: 'a', status: 'SUCCESS', costUsd: 100_000 },
      { simulationId, scenarioId: 'b', status: 'SUCCESS', costUsd: 1e-12 },
    ])
    const query = `{
      simulations { nodes { totalCostUsd performance { summary { costUsd } } } }
      systemPerformance(filter: { createdAt: { gte: "2020-01-01T00:00:00Z" } }) { nodes { totalCostUsd } }
    }`
    await summedUp(arc, tenant)
    const answer = await textOf(tenant, JSON.stringify({ query }))
    expect(answer.split(':100000.000000000001').length - 1, answer).toBe(3)
  })

  it('in cursors: costs that JavaScript takes for one have places of their own', async () => {
    const tenant = arc.tenant()
    for (const more of [1e-12, 2e-12, 3e-12]) {
      const simulationId = await tenant.simulation(['a', 'b'])
      const tools = (totalCostUsd: number) => [
        { toolName: `t${more}`, callCount: 1, successRate: 1, totalCostUsd },
      ]
      await tenant.record([
        { simulationId, scenarioId: 'a', status: 'SUCCESS', costUsd: 100_000, toolUsage: tools(100_000) },
        { simulationId, scenarioId: 'b', status: 'SUCCESS', costUsd: more, toolUsage: tools(more) },
      ])
    }
    for (const [list, key] of [
      ['simulations', 'simulationId'],
      ['toolAnalytics', 'toolName'],
    ] as const) {
      for (const direction of ['ASC', 'DESC']) {
        const seen: string[] = []
        let after: string | null = null
        do {
          const data: any = await tenant.data(
            `query ($after: String) {
              page: ${list}(first: 1, after: $after, orderBy: { field: TOTAL_COST_USD, direction: ${direction} }) {
                nodes { ${key} } pageInfo { hasNextPage endCursor }
              }
            }`,
            { after },
          )
          seen.push(data.page.nodes[0][key])
          after = data.page.pageInfo.hasNextPage ? data.page.pageInfo.endCursor : null
        } while (after !== null && seen.length < 10)
        expect(new Set(seen).size, `${list} ${direction}: ${seen}`).toBe(3)
        expect(seen).toHaveLength(3)
      }
    }
  })

  it('in the document itself, over a WebSocket, and in what a filter asks for', async () => {
    const tenant = arc.tenant()
    const { versionId } = await tenant.configVersion()
    await tenant.scenarios('a')
    const started = await textOf(
      tenant,
      JSON.stringify({
        query: `mutation { startSimulation(input: { configVersionId: "${versionId}", scenarioIds: ["a"], metadata: { id: 9007199254740993, list: [{ p: 0.12345678901234567891 }] } }) { simulation { metadata } errors { message } } }`,
      }),
    )
    expect(started).toContain('"id":9007199254740993')
    expect(started).toContain('"p":0.12345678901234567891')
    for (const [id, found] of [
      ['9007199254740993', 1],
      ['9007199254740992', 0],
    ] as const) {
      const answer = await textOf(
        tenant,
        `{"query":"query ($f: SimulationFilter) { simulations(filter: $f) { totalCount } }","variables":{"f":{"metadata":[{"path":["id"],"eq":${id}}]}}}`,
      )
      expect(JSON.parse(answer).data.simulations.totalCount, id).toBe(found)
    }
    const socket = new GraphQLSocket(arc.webSocketUrl, { authorization: `Bearer ${await tenant.token()}` })
    const { value } = await socket.results('{ simulations { nodes { metadata } } }', {}).next()
    // This client reads it as JavaScript does: what it was sent is the nearest number, and no text.
    expect(value.data.simulations.nodes[0].metadata.id).toBe(Number('9007199254740993'))
    await socket.close()
  })

  it('and where a type wants a number it is one: it is taken, or refused as what was sent', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const answer = await textOf(
      tenant,
      `{"query":"mutation ($o: [OutcomeInput!]!) { recordOutcomes(input: { outcomes: $o }) { receipts { status reason } } }","variables":{"o":[{"simulationId":"${simulationId}","scenarioId":"a","status":"SUCCESS","costUsd":0.12345678901234567891},{"simulationId":"${simulationId}","scenarioId":"b","status":"SUCCESS","tokensUsed":9007199254740993}]}}`,
    )
    const [taken, refused] = JSON.parse(answer).data.recordOutcomes.receipts
    expect(taken.status).toBe('STORED')
    expect(refused).toMatchObject({ status: 'REJECTED', reason: expect.stringContaining('9007199254740992') })
    expect(answer).not.toContain('\\u0000')
  })

  it('in what a sandbox reports: the id of its scenario and its score; what has to be a text is none', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['9007199254740993', 'b'])
    const mutation =
      'mutation ($i: RecordScenarioResultsInput!) { recordScenarioResults(input: $i) { receipts { status reason } errors { message } } }'
    const step = '{"tool":9007199254740993,"error":9007199254740993}'
    const results = [
      `{"scenario_id":9007199254740993,"status":"success","reliability_score":0.10000000000000000555,"trajectory":{"steps":[${step}]}}`,
      '{"scenario_id":"b","status":"success","model":9007199254740993}',
    ]
    const answer = await textOf(
      tenant,
      `{"query":"${mutation}","variables":{"i":{"simulationId":"${simulationId}","results":[${results}]}}}`,
    )
    expect(JSON.parse(answer).data.recordScenarioResults).toEqual({
      receipts: [
        { status: 'STORED', reason: null },
        { status: 'REJECTED', reason: expect.stringContaining('model is 9007199254740992, but must be') },
      ],
      errors: [],
    })
    const stored = await textOf(
      tenant,
      '{"query":"{ outcomes { nodes { scenarioId reliabilityScore toolUsage { nodes { toolName } } trajectory } } }"}',
    )
    expect(stored).toContain(
      '"scenarioId":"9007199254740993","reliabilityScore":0.1,"toolUsage":{"nodes":[]}',
    )
    expect(stored).toContain('"tool":9007199254740993')
    expect(stored).not.toContain('\\u0000')
  })
})

it('a number with more places than PostgreSQL has costs no other row', async () => {
  const tenant = arc.tenant()
  const ask = async (query: string, variables: string) =>
    JSON.parse(await textOf(tenant, `{"query":${JSON.stringify(query)},"variables":${variables}}`))
  const upsert =
    'mutation ($s: [ScenarioInput!]!) { upsertScenarios(input: { scenarios: $s }) { receipts { status } } }'
  const numbers = ['1'.repeat(131_073), `0.${'1'.repeat(16_384)}`, `0.${'1'.repeat(16_000)}e-399`]
  for (const [index, number] of [...numbers, '1'.repeat(15_000), `0.${'1'.repeat(14_990)}e-400`].entries()) {
    const scenarios = `[{"scenarioId":"s${index}","taskPrompt":"a","groundTruth":${number}},{"scenarioId":"other${index}","taskPrompt":"a"}]`
    expect(await ask(upsert, `{"s":${scenarios}}`)).toMatchObject({
      data: { upsertScenarios: { receipts: [{ status: 'STORED' }, { status: 'STORED' }] } },
    })
    const stored = await textOf(
      tenant,
      `{"query":"{ scenario(scenarioId: \\"s${index}\\") { groundTruth } }"}`,
    )
    expect(stored).toContain(index < 3 ? `"groundTruth":"${number}"` : '"groundTruth":')
  }
  expect(
    await ask(
      'query ($f: [JsonPathFilter!]) { simulations(filter: { metadata: $f }) { totalCount } }',
      `{"f":[{"path":["a"],"eq":[${numbers}]}]}`,
    ),
  ).toMatchObject({ data: { simulations: { totalCount: 0 } } })
})

it('a number that would be written with more than 400 zeros is a text, where it is stored and where it is asked for', async () => {
  const tenant = arc.tenant()
  const ask = async (query: string, variables: string) =>
    JSON.parse(await textOf(tenant, `{"query":${JSON.stringify(query)},"variables":${variables}}`)).data
  await ask(
    'mutation ($s: [ScenarioInput!]!) { upsertScenarios(input: { scenarios: $s }) { receipts { status } } }',
    '{"s":[{"scenarioId":"a","taskPrompt":"a"}]}',
  )
  const simulationId = await tenant.simulation(['a'], {})
  const { recordOutcomes } = await ask(
    'mutation ($o: [OutcomeInput!]!) { recordOutcomes(input: { outcomes: $o }) { receipts { status notes } } }',
    `{"o":[{"simulationId":"${simulationId}","scenarioId":"a","status":"SUCCESS","trajectory":{"far":[1e131071,1e400]}}]}`,
  )
  expect(recordOutcomes.receipts).toEqual([
    {
      status: 'STORED',
      notes: ['number with an exponent beyond ±400 stored as text in trajectory (1 place)'],
    },
  ])
  const answer = await textOf(
    tenant,
    '{"query":"{ outcomes { nodes { trajectoryPath(path: [\\"far\\"]) } } }"}',
  )
  expect(answer).toContain(`["1e131071",1${'0'.repeat(400)}]`)
  const { describeSimulation } = await ask(
    'mutation ($i: DescribeSimulationInput!) { describeSimulation(input: $i) { errors { code } } }',
    `{"i":{"simulationId":"${simulationId}","metadata":{"far":1e131071}}}`,
  )
  expect(describeSimulation.errors).toEqual([])
  const { simulations } = await ask(
    'query ($f: [JsonPathFilter!]) { simulations(filter: { metadata: $f }) { totalCount } }',
    '{"f":[{"path":["far"],"eq":1e131071}]}',
  )
  expect(simulations.totalCount).toBe(1)
})

it('a whole number is a number, and not what JavaScript would make one of', async () => {
  const tenant = arc.tenant()
  await tenant.simulation(['a'])
  const seqsAfter = async (value: string) =>
    JSON.parse(
      await textOf(
        tenant,
        `{"query":"query ($a: SafeInt!) { changes(afterSeq: $a) { seq } }","variables":{"a":${value}}}`,
      ),
    )
  for (const value of ['0', '0.0', '0e0', '-0'])
    expect(await seqsAfter(value), value).toMatchObject({ data: { changes: [{ seq: 1 }] } })
  for (const value of ['""', '" "', '"0"', 'true', '[]', '[0]', '{}', '0.5'])
    expect(await seqsAfter(value), value).toMatchObject({
      errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
    })
})
