import {
  type GraphQLNamedOutputType,
  type GraphQLOutputType,
  getNamedType,
  isLeafType,
  isRequiredArgument,
} from 'graphql'
import { beforeAll, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { useArc } from '../support/arc.ts'
import { everyConnection } from '../support/everyConnection.ts'
import { ManyRows } from '../support/manyRows.ts'
import { fieldsOf } from '../support/schemaRoutes.ts'
import { WHOLE_LIST } from '../support/sums.ts'

const arc = useArc({ ARC_MAX_COST: '1000000000' })
let rows: ManyRows

beforeAll(async () => {
  rows = new ManyRows(arc)
  await rows.fill()
  await rows.simulations(20, 20)
})

const statementsOf = async (query: string, variables = {}) =>
  (await arc.statementsDuring(() => rows.tenant.data(query, variables))).length

it('a page of simulations with versions and 20 outcomes each costs the same for 1, 5 and 20 of them', async () => {
  const page = (first: number) => `{ simulations(first: ${first}) { totalCount nodes {
    simulationName
    configVersion { model configuration { name latestVersion { versionNumber } } }
    outcomes(first: 20) { totalCount nodes { status scenario { name } } }
  } } }`
  const { simulations } = await rows.tenant.data(page(20))
  expect(simulations.nodes.map(({ outcomes }: any) => outcomes.nodes.length)).toEqual(Array(20).fill(20))
  const costs = [await statementsOf(page(1)), await statementsOf(page(5)), await statementsOf(page(20))]
  expect(new Set(costs).size).toBe(1)
  expect(costs[0]).toBeLessThanOrEqual(13)
})

/** What hangs on the rows of a list: each field that shows objects, with all their leaves. */
const hangings = everyConnection()
  .filter(({ parent }) => parent === 'Query')
  .flatMap(({ field: list, node }) =>
    fieldsOf(schema.getType(node) as never)
      .filter(({ type }) => !isLeafType(getNamedType(type)))
      .map((field) => ({ list, node, field: field.name, selection: leavesOf(field.type) })),
  )

function leavesOf(type: GraphQLOutputType): string {
  const named = getNamedType(type)
  const isPage = named.name.endsWith('Connection')
  const shown = isPage
    ? (schema.getType(named.name.replace(/Connection$/, '')) as GraphQLNamedOutputType)
    : named
  const leaves = fieldsOf(shown)
    .filter((field) => isLeafType(getNamedType(field.type)) && !field.args.some(isRequiredArgument))
    .map(({ name }) => name)
    .join(' ')
  return isPage ? `(first: 20) { totalCount nodes { ${leaves} } }` : `{ __typename ${leaves} }`
}

it.each(hangings)(
  '$list with $field costs the same for few rows and many',
  async ({ list, node, field, selection }) => {
    const page = (first: number) =>
      `query ($filter: ${node}Filter) { ${list}(first: ${first}, filter: $filter) { nodes { ${field} ${selection} } } }`
    const filter = WHOLE_LIST[list]
    const few = await statementsOf(page(2), { filter })
    const { nodes } = (await rows.tenant.data(page(500), { filter }))[list]
    expect(nodes.length).toBeGreaterThan(3)
    // Where the few have none there are no rows to be read; an outcome takes three statements for all of them: for their
    // keys, which tell the times, for their rows, and for their trajectories.
    expect(await statementsOf(page(500), { filter })).toBeLessThanOrEqual(few + 3)
  },
)
