import { describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()

/** No check looks at what a simulation costs in all: its sum is too large for the database with a second one of these. */
const FORTUNE = 999_999

interface Receipt {
  status: string
  code: string | null
  reason: string | null
}

const receipt = 'status code reason'

/** Each way in which outcomes arrive: rows of these costs, all at once, as one batch or as what becomes one. */
const DOORS: Record<string, (tenant: Tenant, simulationId: string, costs: number[]) => Promise<Receipt[]>> = {
  recordOutcomes: async (tenant, simulationId, costs) => {
    const outcomes = costs.map((costUsd, index) => ({
      simulationId,
      scenarioId: 'a',
      repetition: index + 1,
      status: 'SUCCESS',
      costUsd,
    }))
    return (await tenant.record(outcomes)).receipts
  },
  recordOutcome: (tenant, simulationId, costs) =>
    Promise.all(
      costs.map(async (costUsd, index) => {
        const { recordOutcome } = await tenant.data(
          `mutation ($outcome: OutcomeInput!) {
            recordOutcome(input: { outcome: $outcome }) { receipt { ${receipt} } errors { message } }
          }`,
          { outcome: { simulationId, scenarioId: 'a', repetition: index + 1, status: 'SUCCESS', costUsd } },
        )
        expect(recordOutcome.errors).toEqual([])
        return recordOutcome.receipt
      }),
    ),
  recordScenarioResults: async (tenant, simulationId, costs) => {
    const { recordScenarioResults } = await tenant.data(
      `mutation ($input: RecordScenarioResultsInput!) {
        recordScenarioResults(input: $input) { receipts { ${receipt} } errors { message } }
      }`,
      {
        input: {
          simulationId,
          results: costs.map((total_cost, index) => ({
            scenario: { id: `new_${index}`, task_prompt: 'Do it.' },
            trajectory: { status: 'success', token_usage: { total_cost } },
          })),
        },
      },
    )
    expect(recordScenarioResults.errors).toEqual([])
    return recordScenarioResults.receipts
  },
}

describe('a row that only the database refuses costs no other', () => {
  it.each(Object.entries(DOORS))('of %s', async (_, send) => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 10 })
    const costs = [1, FORTUNE - 10, 1, FORTUNE, 1, 1]
    const receipts = await send(tenant, simulationId, costs)
    const refused = receipts.filter(({ status }) => status !== 'STORED')
    expect(refused).toMatchObject([
      { status: 'REJECTED', code: 'INVALID_VALUE', reason: 'The database does not accept this row.' },
    ])
    const { outcomes, simulation } = await tenant.data(
      `query ($simulationId: UUID!) {
        outcomes { totalCount }
        simulation(simulationId: $simulationId) { completedScenarios totalCostUsd }
      }`,
      { simulationId },
    )
    expect(outcomes.totalCount).toBe(5)
    expect(simulation.completedScenarios).toBe(5)
    const stored = costs.filter((_, index) => receipts[index]!.status === 'STORED')
    expect(simulation.totalCostUsd).toBe(stored.reduce((sum, cost) => sum + cost))
  })

  it('nor does its scenario join the simulation', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const receipts = await DOORS.recordScenarioResults!(tenant, simulationId, [FORTUNE, 1, FORTUNE])
    expect(receipts.map(({ status }) => status)).toEqual(['STORED', 'REJECTED', 'REJECTED'])
    const { simulation, scenarios } = await tenant.data(
      `query ($simulationId: UUID!) {
        simulation(simulationId: $simulationId) { scenarioSet totalScenarios }
        scenarios { nodes { scenarioId } }
      }`,
      { simulationId },
    )
    expect(simulation).toEqual({ scenarioSet: ['a', 'new_0'], totalScenarios: 2 })
    expect(scenarios.nodes.map((node: { scenarioId: string }) => node.scenarioId).sort()).toEqual([
      'a',
      'new_0',
    ])
  })
})
