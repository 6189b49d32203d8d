import { expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()

/** A list of 20 rows, and what brings it two more: one at either end. */
interface GrowingList {
  page(args: object): Promise<any>
  grow(): Promise<unknown>
}

const ARGS = '$first: Int, $after: String, $last: Int, $before: String, $direction: OrderDirection!'
const listOf = (field: string, key: string, order: string, filter = '') =>
  `${field}(first: $first, after: $after, last: $last, before: $before, orderBy: { field: ${order}, direction: $direction }${filter}) {
    edges { node { key: ${key} } } pageInfo { startCursor endCursor }
  }`

/** The outcomes of one simulation in the order of their times. */
async function growingOutcomes(
  tenant: Tenant,
  pageOf: (simulationId: string, args: object) => Promise<any>,
): Promise<GrowingList> {
  const simulationId = await tenant.simulation(['a'], { repetitions: 100 })
  let [first, last] = [50, 49]
  const record = (repetition: number) => ({
    simulationId,
    scenarioId: 'a',
    repetition,
    status: 'SUCCESS',
    executionTime: new Date(Date.UTC(2026, 2, 1, 0, repetition)),
  })
  const grow = () => tenant.record([record(--first), record(++last)])
  for (let pair = 0; pair < 10; pair++) await grow()
  return { page: (args) => pageOf(simulationId, args), grow }
}

/** The ways by which a list is read: by Prisma, in SQL below a parent, in SQL where Prisma has no words for a condition. */
const GROWING: Record<string, (tenant: Tenant) => Promise<GrowingList>> = {
  'at the root': (tenant) =>
    growingOutcomes(tenant, async (_, args) => {
      const query = `query (${ARGS}) { ${listOf('outcomes', 'outcomeId', 'EXECUTION_TIME')} }`
      return (await tenant.data(query, args)).outcomes
    }),
  'below a parent': (tenant) =>
    growingOutcomes(tenant, async (simulationId, args) => {
      const query = `query (${ARGS}, $id: UUID!) {
        simulation(simulationId: $id) { ${listOf('outcomes', 'outcomeId', 'EXECUTION_TIME')} }
      }`
      return (await tenant.data(query, { ...args, id: simulationId })).simulation.outcomes
    }),
  'beside a search': async (tenant) => {
    let [first, last] = [50, 49]
    const scenario = (number: number) => ({
      scenarioId: `s${number}`,
      taskPrompt: 'Find the cheapest flight.',
    })
    const grow = () =>
      tenant.data(
        'mutation ($scenarios: [ScenarioInput!]!) { upsertScenarios(input: { scenarios: $scenarios }) { errors { code } } }',
        { scenarios: [scenario(--first), scenario(++last)] },
      )
    for (let pair = 0; pair < 10; pair++) await grow()
    const query = `query (${ARGS}) {
      ${listOf('scenarios', 'scenarioId', 'SCENARIO_ID', ', filter: { search: "flights" }')}
    }`
    return { grow, page: async (args) => (await tenant.data(query, args)).scenarios }
  },
}

it.each(Object.entries(GROWING))(
  'a list stays stable while rows arrive at either end (%s)',
  async (_, listIn) => {
    for (const direction of ['ASC', 'DESC']) {
      for (const fromEnd of [false, true]) {
        const { page, grow } = await listIn(arc.tenant())
        const keysOf = ({ edges }: any): string[] => edges.map(({ node }: any) => node.key)
        const there = keysOf(await page({ first: 100, direction }))
        expect(there).toHaveLength(20)
        const first = await page({ direction, ...(fromEnd ? { last: 7 } : { first: 7 }) })
        // By its number the next page would show a row twice, or leave one out.
        await grow()
        const { startCursor, endCursor } = first.pageInfo
        const second = await page({
          direction,
          ...(fromEnd ? { last: 7, before: startCursor } : { first: 7, after: endCursor }),
        })
        const shown = [keysOf(first), keysOf(second)]
        expect({ direction, fromEnd, shown }).toEqual({
          direction,
          fromEnd,
          shown: fromEnd ? [there.slice(13), there.slice(6, 13)] : [there.slice(0, 7), there.slice(7, 14)],
        })
      }
    }
  },
)
