import { describe, expect, it } from 'vitest'
import { type Arc, useArc } from '../support/arc.ts'

const arc = useArc({ ARC_COMPILED_READS: 'on' })
const byResolvers = useArc({ ARC_COMPILED_READS: 'off' })

/** By one statement and by resolvers. */
async function answers(query: string, variables: object, tenant = arc.tenant()) {
  const token = await tenant.token()
  return Promise.all(
    [arc, byResolvers].map(async (server: Arc) => {
      const { status, data, errors } = await server.post({ query, variables }, token)
      return { status, data, errors }
    }),
  )
}

describe('a null in place of a default', () => {
  it('is refused at its field, whose neighbours are shown', async () => {
    const [ours, theirs] = await answers(
      `query ($repetition: Int = 1) {
        simulationScenario(simulationId: "00000000-0000-7000-8000-000000000000", scenarioId: "a", repetition: $repetition) { id }
        scenario(scenarioId: "a") { scenarioId }
      }`,
      { repetition: null },
    )
    expect(ours).toMatchObject({
      status: 200,
      data: { simulationScenario: null, scenario: null },
      errors: [{ path: ['simulationScenario'], extensions: { code: 'BAD_USER_INPUT' } }],
    })
    expect(ours).toEqual(theirs)
  })

  it.each([
    'query ($of: Boolean = true) { scenarios @include(if: $of) { totalCount } }',
    'query ($of: Boolean = true) { scenarios { totalCount @skip(if: $of) } }',
    'query ($of: Boolean = true) { scenarios { nodes { name @skip(if: $of) } } }',
    'query ($of: OrderDirection = DESC) { scenarios(orderBy: { field: NAME, direction: $of }) { totalCount } }',
    'query ($of: TimeGrain = DAY) { simulations { nodes { performance(grain: $of) { from } } } }',
  ])('is refused alike: %s', async (query) => {
    const tenant = arc.tenant()
    await tenant.simulation(['a'])
    const [ours, theirs] = await answers(query, { of: null }, tenant)
    expect(theirs!.errors).toHaveLength(1)
    expect(ours).toEqual(theirs)
  })
})

it('a global id is found whatever the case of its letters', async () => {
  const tenant = arc.tenant()
  const simulationId = await tenant.simulation(['a'])
  const ids = [
    `Simulation:${simulationId}`,
    `Simulation:${simulationId.toUpperCase()}`,
    `SimulationScenario:["${simulationId.toUpperCase()}","a","1"]`,
  ].map((text) => Buffer.from(text).toString('base64'))
  const [ours, theirs] = await answers(
    'query ($ids: [ID!]!, $id: ID!) { nodes(ids: $ids) { __typename id } node(id: $id) { id } }',
    { ids, id: ids[1] },
    tenant,
  )
  expect(ours).toEqual(theirs)
  expect(ours!.data.nodes.map(({ __typename }: { __typename: string }) => __typename)).toEqual([
    'Simulation',
    'Simulation',
    'SimulationScenario',
  ])
})
