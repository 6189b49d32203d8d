import {
  type GraphQLNamedOutputType,
  type GraphQLOutputType,
  getNamedType,
  isLeafType,
  isRequiredArgument,
} from 'graphql'
import { beforeAll, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { Arc, useArc } from '../support/arc.ts'
import { everyConnection } from '../support/everyConnection.ts'
import { ManyRows } from '../support/manyRows.ts'
import { fieldsOf } from '../support/schemaRoutes.ts'
import { WHOLE_LIST } from '../support/sums.ts'
import { measuredUp } from '../support/tenantRows.ts'

const SETTINGS = { ARC_MAX_COST: '1000000000' }
/** What jobs ask is no statement of an operation. */
const WITHOUT_JOBS = { ...SETTINGS, ARC_JOBS: 'off' }
/** Here each list is read by its resolver; there by the one statement of its root field. */
const arc = useArc({ ...WITHOUT_JOBS, ARC_COMPILED_READS: 'off' })
const compiling = useArc(WITHOUT_JOBS)
let rows: ManyRows

beforeAll(async () => {
  const filling = new Arc(SETTINGS)
  await filling.start()
  rows = new ManyRows(filling)
  await rows.fill()
  await rows.families(20, 20)
  await measuredUp(filling, rows.tenant)
  await filling.stop()
})

/** The answer, and how many statements it took. */
async function asked(query: string, variables = {}, of = arc): Promise<{ data: any; statements: string[] }> {
  let data: any
  const token = await rows.tenant.token()
  const statements = await of.statementsDuring(async () => {
    const answer = await of.post({ query, variables }, token)
    expect(answer.errors).toBeUndefined()
    data = answer.data
  })
  return { data, statements }
}

/** What a compiled field of the root takes: one statement, in one packet with the settings and, until a connection has shown its session, BEGIN and COMMIT. */
function expectOneStatement(statements: readonly string[]): void {
  expect(statements.filter((text) => text.includes('/* answer */'))).toHaveLength(1)
  expect(statements.length).toBeLessThanOrEqual(4)
}

it('a page of simulations with versions and 20 outcomes each costs the same for 1, 5 and 20 of them', async () => {
  const page = (first: number) => `{ simulations(first: ${first}) { totalCount nodes {
    simulationName
    configVersion { model configuration { name latestVersion { versionNumber } } }
    outcomes(first: 20) { totalCount nodes { status scenario { name } } }
  } } }`
  const pages = [await asked(page(1)), await asked(page(5)), await asked(page(20))]
  const { nodes } = pages[2]!.data.simulations
  expect(nodes.map(({ outcomes }: any) => outcomes.nodes.length)).toEqual(Array(20).fill(20))
  expect(pages.map(({ statements }) => statements.length)).toEqual([14, 14, 14])
  const compiled = await asked(page(20), {}, compiling)
  expect(compiled.data).toEqual(pages[2]!.data)
  expectOneStatement(compiled.statements)
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
    // Until now, while it runs.
    .filter((name) => name !== 'runtimeMs' && name !== 'asOf')
    .join(' ')
  return isPage ? `(first: 20) { totalCount nodes { ${leaves} } }` : `{ __typename ${leaves} }`
}

/** Whether a row has something in the field: an object, or a list or page that is not empty. */
const shows = (field: string) => (node: any) => {
  const value = node[field]
  return (value?.nodes ?? value)?.length !== 0 && value !== null
}

it.each(hangings)(
  '$list with $field costs the same for the first row that has one and for all',
  async ({ list, node, field, selection }) => {
    const page = (first: number) =>
      `query ($filter: ${node}Filter) { ${list}(first: ${first}, filter: $filter) { nodes { ${field} ${selection} } } }`
    const filter = WHOLE_LIST[list]
    const all = await asked(page(500), { filter })
    const { nodes } = all.data[list]
    // Give ManyRows more of them: what is read row by row shows from the second on.
    expect(nodes.filter(shows(field)).length).toBeGreaterThan(1)
    const one = await asked(page(1 + nodes.findIndex(shows(field))), { filter })
    const told = all.statements.map((statement) => statement.slice(0, 80)).join('\n')
    expect(all.statements.length, told).toBe(one.statements.length)
    const compiled = await asked(page(500), { filter }, compiling)
    expect(compiled.data).toEqual(all.data)
    expectOneStatement(compiled.statements)
  },
  // Without vectors each trajectory's words are compared with all others'.
  120_000,
)
