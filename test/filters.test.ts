import {
  type GraphQLInputObjectType,
  type GraphQLObjectType,
  getNamedType,
  isInputObjectType,
  isNonNullType,
} from 'graphql'
import { beforeAll, describe, expect, it } from 'vitest'
import { schema } from '../src/graphql/schema.ts'
import { useArc } from './arc.ts'
import { everyConnection, parentWithMostRows } from './everyConnection.ts'
import { ManyRows } from './manyRows.ts'
import { WHOLE_LIST } from './sums.ts'

/** What a list can be narrowed by. */
interface Narrowing {
  /** The type of the rows. */
  node: string
  field: string
  /** The type of the conditions. */
  conditions: string
  operators: string[]
  /** Whether the rows' field of that name may be null; undefined where they have none. */
  mayBeMissing: boolean | undefined
}

const connections = everyConnection()
const narrowings: Narrowing[] = [...new Set(connections.map(({ node }) => node))].flatMap((node) => {
  const fields = (schema.getType(node) as GraphQLObjectType).getFields()
  const filter = schema.getType(`${node}Filter`) as GraphQLInputObjectType
  return Object.values(filter.getFields()).map(({ name, type }) => {
    const conditions = getNamedType(type)
    return {
      node,
      field: name,
      conditions: conditions.name,
      operators: isInputObjectType(conditions) ? Object.keys(conditions.getFields()) : [],
      mayBeMissing: fields[name] && !isNonNullType(fields[name].type),
    }
  })
})

describe('a filter', () => {
  it('calls what rows are narrowed by as the rows do', () => {
    const others = narrowings
      .filter(({ mayBeMissing }) => mayBeMissing === undefined)
      .map(({ node, field }) => `${node}.${field}`)
    expect(others.sort()).toEqual([
      'ApiKey.isRevoked',
      // Of what a row belongs to or is made of.
      'Configuration.model',
      'ErrorRate.executionTime',
      'FailurePattern.search',
      'FailurePattern.text',
      'Outcome.difficultyLevel',
      'Outcome.tags',
      'Scenario.search',
      'Scenario.text',
      'Simulation.configId',
      'Simulation.configVersionId',
      'Simulation.model',
      'Simulation.scenarioId',
      'SystemPerformance.createdAt',
      'ToolAnalytics.configId',
      'ToolAnalytics.configVersionId',
      'ToolAnalytics.executionTime',
      'ToolAnalytics.scenarioId',
      'ToolAnalytics.simulationId',
    ])
  })

  it('has conditions of one shape, but for searches and what is true or false', () => {
    const bare = narrowings.filter(({ operators }) => operators.length === 0)
    expect(new Set(bare.map(({ field, conditions }) => `${field}: ${conditions}`))).toEqual(
      new Set([
        'applied: Boolean',
        'isActive: Boolean',
        'isRevoked: Boolean',
        'search: String',
        'text: String',
      ]),
    )
  })

  it('asks whether a value is missing where it may be, and only there', () => {
    for (const { node, field, operators, conditions, mayBeMissing } of narrowings) {
      if (conditions === 'JsonPathFilter' || operators.length === 0) continue
      expect([node, field, operators.includes('isNull')]).toEqual([node, field, mayBeMissing ?? false])
    }
  })
})

describe('what is missing', () => {
  const arc = useArc({ ARC_MAX_COST: '1000000000' })
  let rows: ManyRows
  beforeAll(async () => {
    rows = new ManyRows(arc)
    await rows.fill()
  })

  /** A value that fits, and the conditions that it fulfils. */
  const fitting = (operators: string[], value: unknown) =>
    operators.includes('gte') ? { gte: value } : { in: [value] }

  const missing = connections.flatMap((connection) =>
    narrowings
      .filter(({ node, operators }) => node === connection.node && operators.includes('isNull'))
      .map(({ field, operators }) => ({ ...connection, narrowed: field, operators })),
  )

  it.each(missing)('is found by $narrowed in $name', async (connection) => {
    const { field, node, parent, narrowed, operators } = connection
    const parentId = await parentWithMostRows(rows.tenant, connection)
    const page = `page: ${field}(first: 500, filter: $filter) { totalCount nodes { value: ${narrowed} } }`
    const valuesOf = async (conditions: object): Promise<unknown[]> => {
      const data = await rows.tenant.data(
        `query (${parentId ? '$parentId: ID!, ' : ''}$filter: ${node}Filter) {
          ${parentId ? `node(id: $parentId) { ... on ${parent} { ${page} } }` : page}
        }`,
        { parentId, filter: { ...WHOLE_LIST[field], [narrowed]: conditions } },
      )
      const { totalCount, nodes } = data.page ?? data.node.page
      expect(totalCount).toBe(nodes.length)
      return nodes.map(({ value }: { value: unknown }) => value)
    }
    const all = await valuesOf({})
    const there = all.filter((value) => value !== null)
    expect(await valuesOf({ isNull: null })).toEqual(all)
    expect(await valuesOf({ isNull: true })).toEqual(all.filter((value) => value === null))
    expect(await valuesOf({ isNull: false })).toEqual(there)

    const value = there[0] ?? (operators.includes('gt') && operators.includes('eq') ? 0 : undefined)
    if (value === undefined) return
    const conditions = fitting(operators, value)
    const found = await valuesOf(conditions)
    expect(found).not.toContain(null)
    expect(await valuesOf({ ...conditions, isNull: false })).toEqual(found)
    expect(await valuesOf({ ...conditions, isNull: true })).toEqual([])
    if (operators.includes('contains')) {
      const within = { contains: String(value).slice(1, 3) }
      expect(await valuesOf({ ...within, isNull: false })).toEqual(await valuesOf(within))
      expect(await valuesOf({ ...within, isNull: true })).toEqual([])
    }
  })

  it('is there and is not there in some of the lists', async () => {
    const { outcomes } = await rows.tenant.data('{ outcomes(first: 500) { nodes { reliabilityScore } } }')
    const scores = outcomes.nodes.map(({ reliabilityScore }: any) => reliabilityScore)
    expect(scores).toContain(null)
    expect(scores).toContain(0.5)
  })
})
