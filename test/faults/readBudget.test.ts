import { randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { useArcBehindProxy } from '../support/databaseProxy.ts'

const ROWS = 60
const ROW_BYTES = 100_000
const BUDGET = 3.5 * ROW_BYTES
/** What one reading from a socket brings at most, and what comes before the rows. */
const SLACK = 64 * 1024 + 10_000

const { arc, proxy } = await useArcBehindProxy({ ARC_MAX_READ_BYTES: String(BUDGET) })

const tenant = arc.tenant()
beforeAll(async () => {
  const scenarios = Array.from({ length: ROWS }, (_, index) => ({
    scenarioId: `s${index}`,
    taskPrompt: 'x'.repeat(ROW_BYTES),
  }))
  const { upsertScenarios } = await tenant.data(
    'mutation ($scenarios: [ScenarioInput!]!) { upsertScenarios(input: { scenarios: $scenarios }) { errors { code } } }',
    { scenarios },
  )
  expect(upsertScenarios.errors).toEqual([])
})

const PROMPTS = (first: number) =>
  `scenarios(first: ${first}, orderBy: { field: CREATED_AT, direction: ASC }) { nodes { taskPrompt } }`

async function ask(query: string) {
  let answer: any
  const bytes = await arc.bytesDuring(async () => {
    answer = await tenant.ask(query)
  })
  const codes: string[] | undefined = answer.errors?.map(({ extensions }: any) => extensions.code)
  return { isRead: answer.data !== null, codes, bytes }
}

async function expectBrokenOff(query: string): Promise<void> {
  const { isRead, codes, bytes } = await ask(query)
  expect({ isRead, codes }).toEqual({ isRead: false, codes: ['TOO_LARGE'] })
  expect(bytes).toBeLessThan(BUDGET + 2 * ROW_BYTES + SLACK)
}

describe('an operation that reads more than it may', () => {
  it('is counted in the bytes that come', async () => {
    const { codes, bytes } = await ask(`{ ${PROMPTS(2)} }`)
    expect(codes).toBeUndefined()
    expect(bytes).toBeGreaterThan(2 * ROW_BYTES)
    expect(bytes).toBeLessThan(2 * ROW_BYTES + SLACK)
  })

  it('hangs up: of a list of 6 MB no more comes than its budget and a row', async () => {
    await expectBrokenOff(`{ ${PROMPTS(ROWS)} }`)
  })

  it('hangs up on all that it has asked for at once', async () => {
    const lists = Array.from({ length: 30 }, (_, index) => `list${index}: ${PROMPTS(2)}`)
    await expectBrokenOff(`{ ${lists.join(' ')} }`)
  })

  it('is not begun again by resolvers', async () => {
    const other = arc.tenant()
    await other.data(
      'mutation ($prompt: String!) { upsertScenarios(input: { scenarios: [{ scenarioId: "a", taskPrompt: $prompt }] }) { errors { code } } }',
      { prompt: 'x'.repeat(ROW_BYTES) },
    )
    const lists = Array.from({ length: 4 }, (_, index) => `list${index}: ${PROMPTS(1)}`)
    for (let time = 0; time < 12; time++) {
      const { errors } = await other.ask(`{ ${lists.join(' ')} }`)
      expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['TOO_LARGE'])
    }
    const { metrics } = await other.data('{ metrics { resolvedFields { reason } } }')
    expect(metrics.resolvedFields).not.toContainEqual({ reason: 'DATABASE' })
  })

  it('leaves a pool that serves as before, and to each later operation a budget of its own', async () => {
    // More often than the pool has connections.
    for (let time = 0; time < 12; time++) await expectBrokenOff(`{ ${PROMPTS(4)} }`)
    await tenant.expectConnectionsGivenBack()
    const answers = await Promise.all(Array.from({ length: 12 }, () => tenant.ask(`{ ${PROMPTS(2)} }`)))
    for (const { data, errors } of answers) {
      expect(errors).toBeUndefined()
      expect(data.scenarios.nodes).toHaveLength(2)
    }
    await tenant.expectConnectionsGivenBack()
    const { health } = await tenant.data('{ health { poolStats { capacity total } } }')
    const { capacity, total } = health.poolStats
    expect(total).toBeLessThanOrEqual(capacity)
  })

  // PGlite serves one transaction at a time.
  it.skipIf(arc.onPGlite)('does nothing to another tenant’s that is under way', async () => {
    const other = arc.tenant()
    await other.scenarios('a', 'b')
    const holding = proxy.hold('held back')
    const asking = other.ask(`{
      before: configurations { totalCount }
      scenarios { nodes { scenarioId } totalCount }
      held: scenarios(filter: { name: { eq: "held back" } }) { totalCount }
    }`)
    const held = await holding
    try {
      await expectBrokenOff(`{ ${PROMPTS(ROWS)} }`)
    } finally {
      held.forward()
    }
    const { data, errors } = await asking
    expect({ data, errors }).toEqual({
      data: {
        before: { totalCount: 0 },
        scenarios: { nodes: [{ scenarioId: 'b' }, { scenarioId: 'a' }], totalCount: 2 },
        held: { totalCount: 0 },
      },
      errors: undefined,
    })
  })
})

describe('trajectories that are larger than what an operation may read', () => {
  it('do not come beyond that', async () => {
    const simulationId = await tenant.simulation(['a', 'b'])
    // Random, so that it is as large where it is stored.
    const trajectory = () => ({ messages: [randomBytes(1.5 * ROW_BYTES).toString('base64')] })
    const { storedCount } = await tenant.record(
      ['a', 'b'].map((scenarioId) => ({
        simulationId,
        scenarioId,
        status: 'SUCCESS',
        trajectory: trajectory(),
      })),
    )
    expect(storedCount).toBe(2)
    const trajectories = (first: number) => `outcomes(first: ${first}) { nodes { trajectory } }`

    const one = await ask(`{ ${trajectories(1)} }`)
    expect({ isRead: one.isRead, codes: one.codes }).toEqual({ isRead: true, codes: undefined })
    expect(one.bytes).toBeGreaterThan(2 * ROW_BYTES)
    const both = await ask(`{ ${trajectories(2)} }`)
    expect({ isRead: both.isRead, codes: both.codes }).toEqual({ isRead: false, codes: ['TOO_LARGE'] })
    expect(both.bytes).toBeLessThan(BUDGET + SLACK)
    // What else was read leaves less for them.
    const beside = await ask(`{ ${PROMPTS(2)} ${trajectories(1)} }`)
    expect({ isRead: beside.isRead, codes: beside.codes }).toEqual({ isRead: false, codes: ['TOO_LARGE'] })
    expect(beside.bytes).toBeLessThan(BUDGET + ROW_BYTES + SLACK)
  })
})
