import { describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()

const at = (day: number) => new Date(Date.UTC(2026, 0, day)).toISOString()

async function timesOf(tenant: Tenant, simulationId: string) {
  const { simulation } = await tenant.data(
    'query ($id: UUID!) { simulation(simulationId: $id) { firstOutcomeAt lastOutcomeAt } }',
    { id: simulationId },
  )
  return [simulation.firstOutcomeAt, simulation.lastOutcomeAt]
}

describe('the times of a simulation’s first and last outcome', () => {
  it('are those of all attempts that were stored, in whatever order they came', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b', 'c'])
    expect(await timesOf(tenant, simulationId)).toEqual([null, null])
    const outcome = (scenarioId: string, day: number, more: object = {}) => ({
      simulationId,
      scenarioId,
      status: 'ERROR',
      executionTime: at(day),
      ...more,
    })
    for (const [outcomes, statuses, times] of [
      [[outcome('a', 10)], ['STORED'], [10, 10]],
      [
        [outcome('b', 12), outcome('b', 8, { retryCount: 1 })],
        ['STORED', 'STORED'],
        [8, 12],
      ],
      // One that a later attempt came before, and one again.
      [[outcome('c', 11, { retryCount: 1 })], ['STORED'], [8, 12]],
      [[outcome('c', 5)], ['STORED'], [5, 12]],
      [[outcome('a', 10)], ['DUPLICATE'], [5, 12]],
      [
        [outcome('nobody', 1), outcome('a', 30, { retryCount: 99 })],
        ['REJECTED', 'REJECTED'],
        [5, 12],
      ],
    ] as const) {
      const { receipts } = await tenant.record([...outcomes])
      expect(receipts.map(({ status }) => status)).toEqual(statuses)
      expect(await timesOf(tenant, simulationId)).toEqual(times.map(at))
    }
  })

  it('are those of all writers at once', async () => {
    const tenant = arc.tenant()
    const days = Array.from({ length: 12 }, (_, index) => index + 1)
    const simulationId = await tenant.simulation(days.map((day) => `s${day}`))
    await Promise.all(
      days.map((day) =>
        tenant.record([{ simulationId, scenarioId: `s${day}`, status: 'SUCCESS', executionTime: at(day) }]),
      ),
    )
    expect(await timesOf(tenant, simulationId)).toEqual([at(1), at(12)])
  })

  it('find simulations, and order them', async () => {
    const tenant = arc.tenant()
    const ids: string[] = []
    for (const day of [3, 1, 2]) {
      const simulationId = await tenant.simulation(['a'])
      await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS', executionTime: at(day) }])
      ids.push(simulationId)
    }
    const { ordered, found } = await tenant.data(
      `query ($at: DateTime!) {
        ordered: simulations(orderBy: { field: LAST_OUTCOME_AT, direction: ASC }) { nodes { simulationId } }
        found: simulations(filter: { firstOutcomeAt: { gt: $at } }) { nodes { simulationId } }
      }`,
      { at: at(2) },
    )
    expect(ordered.nodes.map((node: any) => node.simulationId)).toEqual([ids[1], ids[2], ids[0]])
    expect(found.nodes).toEqual([{ simulationId: ids[0] }])
  })
})
