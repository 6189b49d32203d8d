import { describe, expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'

const arc = useArc()

const RECEIPTS = 'index status code path reason'

/** What one row can have wrong for GraphQL itself, and where. */
const FAULTS: [what: string, fault: object, path: string[], reason: RegExp][] = [
  ['a number beyond 32 bits', { tokensUsed: 3_000_000_000 }, ['tokensUsed'], /3000000000/],
  ['a number that is text', { tokensUsed: '12' }, ['tokensUsed'], /"12"/],
  [
    'a time without a zone',
    { executionTime: '2026-11-22T09:30:00' },
    ['executionTime'],
    /2026-11-22T09:30:00/,
  ],
  ['a status that there is none', { status: 'PASSED' }, ['status'], /PASSED/],
  ['nothing where something must be', { scenarioId: null }, ['scenarioId'], /null/],
  ['a field that there is none', { duration: 1 }, [], /duration/],
  ['an id that is none', { simulationId: 'x' }, ['simulationId'], /x/],
  [
    'a fault further inside',
    { toolUsage: [{ toolName: 'a', callCount: 1.5, successRate: 1 }] },
    ['toolUsage', '0', 'callCount'],
    /1.5/,
  ],
]

describe('a row that GraphQL cannot read', () => {
  it.each(FAULTS)('for %s costs no other, and its receipt says why', async (_, fault, path, reason) => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const outcomes = ['a', 'x', 'b'].map((scenarioId) => ({ simulationId, scenarioId, status: 'SUCCESS' }))
    outcomes[1] = { ...outcomes[1]!, ...fault }
    for (const [query, variables] of [
      [
        `mutation ($rows: [OutcomeInput!]!) { recordOutcomes(input: { outcomes: $rows }) { receipts { ${RECEIPTS} } errors { message } } }`,
        { rows: outcomes },
      ],
      [
        `mutation ($input: RecordOutcomesInput!) { recordOutcomes(input: $input) { receipts { ${RECEIPTS} } errors { message } } }`,
        { input: { outcomes } },
      ],
    ] as const) {
      const { recordOutcomes } = await tenant.data(query, variables)
      expect(recordOutcomes.errors).toEqual([])
      const stored = { status: expect.stringMatching('STORED|DUPLICATE'), code: null }
      expect(recordOutcomes.receipts).toMatchObject([
        { index: 0, ...stored },
        { index: 1, status: 'REJECTED', code: 'INVALID_VALUE', path },
        { index: 2, ...stored },
      ])
      expect(recordOutcomes.receipts[1].reason).toMatch(reason)
      expect(recordOutcomes.receipts[1].reason).not.toMatch(/Did you mean/)
    }
  })

  it('is a receipt of every mutation that takes rows', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const { receipts: stored } = await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS' }])
    const [{ outcomeId }] = stored
    const data = await tenant.data(
      `mutation ($scenarios: [ScenarioInput!]!, $amendments: [OutcomeAmendmentInput!]!, $results: [JSONObject!]!, $simulationId: UUID!) {
        upsertScenarios(input: { scenarios: $scenarios }) { receipts { ${RECEIPTS} } }
        amendOutcomes(input: { amendments: $amendments }) { receipts { ${RECEIPTS} } }
        recordScenarioResults(input: { simulationId: $simulationId, results: $results }) { receipts { ${RECEIPTS} } }
      }`,
      {
        simulationId,
        scenarios: [
          { scenarioId: 'b', taskPrompt: 7 },
          { scenarioId: 'b', taskPrompt: 'Do it.' },
        ],
        amendments: [null, { outcomeId, reliabilityScore: 1 }],
        results: ['no object', { scenario: { id: 'b' }, trajectory: { status: 'ok' } }, 7],
      },
    )
    const refused = { status: 'REJECTED', code: 'INVALID_VALUE' }
    expect(data.upsertScenarios.receipts).toMatchObject([refused, { status: 'STORED' }])
    expect(data.amendOutcomes.receipts).toMatchObject([refused, { status: 'AMENDED' }])
    expect(data.recordScenarioResults.receipts).toMatchObject([refused, { status: 'STORED' }, refused])
  })

  it('is all that the call has: nothing is stored, each says why', async () => {
    const tenant = arc.tenant()
    const { upsertScenarios } = await tenant.data(
      `mutation ($scenarios: [ScenarioInput!]!) { upsertScenarios(input: { scenarios: $scenarios }) { receipts { ${RECEIPTS} } errors { code } } }`,
      { scenarios: [{ taskPrompt: {} }, { taskPrompt: [] }] },
    )
    expect(upsertScenarios.errors).toEqual([])
    expect(upsertScenarios.receipts).toMatchObject([
      { index: 0, status: 'REJECTED' },
      { index: 1, status: 'REJECTED' },
    ])
  })

  it.each([
    ['a number beyond 32 bits', 'status: SUCCESS, tokensUsed: 3000000000', '3000000000'],
    [
      'a time without a zone',
      'status: SUCCESS, executionTime: "2026-11-22T09:30:00"',
      '"2026-11-22T09:30:00"',
    ],
    ['a status that there is none', 'status: PASSED', 'PASSED'],
  ])('in the document itself has it refused whole, at line and column, for %s', async (_, fields, fault) => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    const row = `{ simulationId: $simulationId, scenarioId: "b", ${fields} }`
    const { data, errors } = await tenant.ask(
      `mutation ($simulationId: UUID!) {
        recordOutcomes(input: { outcomes: [
          { simulationId: $simulationId, scenarioId: "a", status: SUCCESS }
${row}
        ] }) { receipts { status } }
      }`,
      { simulationId },
    )
    expect(data).toBeUndefined()
    expect(errors).toMatchObject([
      {
        message: expect.stringContaining(fault.replaceAll('"', '')),
        locations: [{ line: 4, column: row.indexOf(fault) + 1 }],
        extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
      },
    ])
    const { outcomes } = await tenant.data('{ outcomes { totalCount } }')
    expect(outcomes.totalCount).toBe(0)
  })

  it('of a call whose other arguments are wrong changes nothing: the call is refused', async () => {
    const { data, errors } = await arc.tenant().ask(
      `mutation ($simulationId: UUID!, $results: [JSONObject!]!) {
        recordScenarioResults(input: { simulationId: $simulationId, results: $results }) { receipts { status } }
      }`,
      { simulationId: 'x', results: [7] },
    )
    expect([data, errors?.map(({ extensions }) => extensions.code)]).toEqual([undefined, ['BAD_USER_INPUT']])
  })
})

it('a scenario’s name that is too long is cut between characters, and the result is stored', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a'])
  const name = `${'x'.repeat(199)}😀 and more`
  const { recordScenarioResults, upsertScenarios } = await tenant.data(
    `mutation ($input: RecordScenarioResultsInput!, $scenarios: [ScenarioInput!]!) {
      recordScenarioResults(input: $input) { receipts { status notes reason } }
      upsertScenarios(input: { scenarios: $scenarios }) { receipts { status } }
    }`,
    {
      input: {
        simulationId,
        results: [{ scenario: { id: 'b', name, task_prompt: 'Do it.' }, trajectory: { status: 'ok' } }],
      },
      scenarios: [
        { externalId: name, taskPrompt: 'Do it.' },
        { scenarioId: 'good', taskPrompt: 'Do it.' },
      ],
    },
  )
  expect(recordScenarioResults.receipts).toEqual([
    { status: 'STORED', notes: ['scenario.name cut from 209 to 200 characters'], reason: null },
  ])
  expect(upsertScenarios.receipts).toEqual([{ status: 'STORED' }, { status: 'STORED' }])
  const { scenario } = await tenant.data('{ scenario(scenarioId: "b") { name } }')
  expect(scenario.name).toBe(`${'x'.repeat(199)}😀`)
})
