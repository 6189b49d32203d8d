import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { createPool } from '../../src/db/pool.ts'
import { inTenantTransaction } from '../../src/db/tenantTransaction.ts'
import { OutcomeQueue } from '../../src/evaluation/outcomes/outcomeQueue.ts'
import type { OutcomeReceipt } from '../../src/evaluation/outcomes/outcomes.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { REFUSED_MODEL } from '../support/globalSetup.ts'
import { raise, viewerOf } from '../support/sqlAs.ts'

const arc = useArc()

const SCENARIOS = Array.from({ length: 64 }, (_, index) => `s${index}`)

const REFUSED = {
  status: 'REJECTED',
  code: 'INVALID_VALUE',
  reason: 'The database does not accept this row.',
  path: [],
  differences: [],
  notes: [],
}

const modelOf = (isRefused: boolean) => (isRefused ? REFUSED_MODEL : 'm')

/** What is stored of the simulation's runs, and what its counters say. */
async function stateOf(tenant: Tenant, simulationId: string) {
  const { simulation } = await tenant.data(
    `query ($simulationId: UUID!) {
      simulation(simulationId: $simulationId) {
        succeededScenarios totalCostUsd eventSeq outcomes(first: 500) { totalCount nodes { scenarioId } }
      }
    }`,
    { simulationId },
  )
  const { outcomes, ...counters } = simulation
  expect(outcomes.nodes).toHaveLength(outcomes.totalCount)
  const stored: string[] = outcomes.nodes.map((node: { scenarioId: string }) => node.scenarioId)
  return { ...counters, stored: new Set(stored) }
}

describe('a row that only the database refuses', () => {
  const ingestions = (statements: string[]) =>
    statements.filter((statement) => statement.includes('ingestOutcomes')).length

  async function record(
    tenant: Tenant,
    simulationId: string,
    refused: boolean[],
    instead?: (statement: string) => string | undefined,
  ) {
    const outcomes = refused.map((isRefused, index) => ({
      simulationId,
      scenarioId: SCENARIOS[index],
      status: 'SUCCESS',
      costUsd: 0.5,
      model: modelOf(isRefused),
    }))
    let answer: Awaited<ReturnType<Tenant['record']>> | undefined
    const statements = await arc.statementsDuring(async () => {
      answer = await tenant.record(outcomes)
    }, instead)
    return { ...answer!, transactions: ingestions(statements) }
  }

  it.each([0, 21, 63])(
    'costs no other of its call (at %i of 64): halves are tried until it is alone',
    async (bad) => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(SCENARIOS)
      const refused = SCENARIOS.map((_, index) => index === bad)
      const { receipts, storedCount, errors, transactions } = await record(tenant, simulationId, refused)
      expect({ storedCount, errors }).toEqual({ storedCount: 63, errors: [] })
      expect(receipts.map(({ index }) => index)).toEqual(SCENARIOS.map((_, index) => index))
      for (const receipt of receipts) {
        const { index } = receipt
        const stored = { status: 'STORED', code: null, reason: null, path: null, differences: [], notes: [] }
        expect(receipt).toEqual(
          index === bad
            ? { index, outcomeId: null, ...REFUSED }
            : { index, outcomeId: expect.stringMatching(/^[0-9a-f-]{36}$/), ...stored },
        )
      }
      // The whole, and for each of 6 halvings the half that goes well and the one that does not.
      expect(transactions).toBe(1 + 2 * 6)
      expect(await stateOf(tenant, simulationId)).toEqual({
        succeededScenarios: 63,
        totalCostUsd: 31.5,
        // Started, and one for each half that went well.
        eventSeq: 1 + 6,
        stored: new Set(SCENARIOS.filter((_, index) => index !== bad)),
      })
    },
  )

  it('is refused each for itself, where there are several', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(SCENARIOS)
    const refused = [true, false, false, false, true]
    const { receipts, storedCount, transactions } = await record(tenant, simulationId, refused)
    expect(receipts.map(({ status }) => status)).toEqual([
      'REJECTED',
      'STORED',
      'STORED',
      'STORED',
      'REJECTED',
    ])
    expect(storedCount).toBe(3)
    // 5 → 2 + 3; 2 → 1 + 1; 3 → 1 + 2; 2 → 1 + 1.
    expect(transactions).toBe(9)
    expect((await record(tenant, simulationId, [true])).receipts).toMatchObject([REFUSED])
  })

  it.each(['22P02', '23505', '54001'])(
    'is looked for when the database says SQLSTATE %s',
    async (sqlState) => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(SCENARIOS)
      const raised = [sqlState]
      const { storedCount, transactions } = await record(tenant, simulationId, [false, false], (statement) =>
        statement.includes('ingestOutcomes') && raised.length > 0 ? raise(raised.pop()!) : undefined,
      )
      expect({ storedCount, transactions }).toEqual({ storedCount: 2, transactions: 3 })
    },
  )

  it.each([
    ['57014', 'UNAVAILABLE'],
    ['42501', 'FORBIDDEN'],
    ['XX000', 'INTERNAL_SERVER_ERROR'],
  ])('is not looked for when it says %s: no row is at fault', async (sqlState, code) => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(SCENARIOS)
    let codes: unknown
    const statements = await arc.statementsDuring(
      async () => {
        const { errors } = await tenant.ask(
          'mutation ($outcomes: [OutcomeInput!]!) { recordOutcomes(input: { outcomes: $outcomes }) { storedCount } }',
          { outcomes: ['s0', 's1'].map((scenarioId) => ({ simulationId, scenarioId, status: 'SUCCESS' })) },
        )
        codes = errors?.map(({ extensions }) => extensions.code)
      },
      (statement) => (statement.includes('ingestOutcomes') ? raise(sqlState) : undefined),
    )
    expect({ codes, transactions: ingestions(statements) }).toEqual({ codes: [code], transactions: 1 })
    expect((await stateOf(tenant, simulationId)).stored.size).toBe(0)
  })

  it('costs no other that was brought one by one at the same time', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(SCENARIOS)
    const pool = createPool({
      connectionString: arc.databaseUrl,
      max: 1,
      logger: pino({ level: 'silent' }),
    })
    const queue = new OutcomeQueue(
      (viewer) => (work) => inTenantTransaction(pool, viewer, 'read write', work),
      { all: 1_000, ofTenant: 1_000 },
    )
    let receipts: OutcomeReceipt[] = []
    const statements = await arc.statementsDuring(async () => {
      receipts = await Promise.all(
        SCENARIOS.slice(0, 20).map((scenarioId, index) =>
          queue.record(
            viewerOf(tenant),
            { simulationId, scenarioId, status: 'success', model: modelOf(index === 13) },
            100,
          ),
        ),
      )
    })
    await pool.end()
    expect(receipts.filter(({ status }) => status !== 'STORED')).toMatchObject([{ index: 13, ...REFUSED }])
    // They were one batch: 20 → 10 + 10; 10 → 5 + 5; 5 → 2 + 3; 3 → 1 + 2; 2 → 1 + 1.
    expect(ingestions(statements)).toBe(1 + 2 * 5)
    expect((await stateOf(tenant, simulationId)).stored.size).toBe(19)
  })
})
