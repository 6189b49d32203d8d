import { describe, expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'

const arc = useArc()

describe('the statement that is kept for an operation', () => {
  it('has the ids that are asked for this time, wherever variables have them', async () => {
    const tenant = arc.tenant()
    const ids = [await tenant.simulation(['a']), await tenant.simulation(['b'])]
    const query = `query ($eq: UUID!, $filter: SimulationFilter) {
      simulation(simulationId: $eq) { simulationId }
      simulations(filter: $filter) { nodes { simulationId } }
    }`
    for (const id of ids)
      expect(await tenant.data(query, { eq: id, filter: { simulationId: { eq: id } } })).toEqual({
        simulation: { simulationId: id },
        simulations: { nodes: [{ simulationId: id }] },
      })
  })

  it('has the ids inside of JSON that the document writes', async () => {
    const tenant = arc.tenant()
    const { versionId } = await tenant.configVersion()
    const ids = [await tenant.simulation(['a'], { metadata: { of: { id: versionId } } })]
    const query = `query ($id: UUID!) {
      simulations(filter: { metadata: [{ path: ["of"], eq: { id: $id } }] }) { nodes { simulationId } }
    }`
    for (let time = 0; time < 2; time++)
      expect(await tenant.data(query, { id: versionId })).toEqual({
        simulations: { nodes: [{ simulationId: ids[0] }] },
      })
  })

  it('leaves ids of the document as they are', async () => {
    const tenant = arc.tenant()
    const id = await tenant.simulation(['a'])
    const query = `query ($id: UUID!) {
      simulation(simulationId: $id) { simulationId }
      simulations(filter: { simulationId: { eq: "ffffffff-ffff-ffff-ffff-000000000000" } }) { totalCount }
    }`
    expect(await tenant.data(query, { id })).toEqual({
      simulation: { simulationId: id },
      simulations: { totalCount: 0 },
    })
  })
})
