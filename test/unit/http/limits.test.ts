import {
  type DocumentNode,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  getOperationAST,
  isCompositeType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  parse,
  type SelectionNode,
  visit,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/config.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { checkShape } from '../../../src/http/limits/documentShape.ts'
import { estimateCost } from '../../../src/http/limits/operationCost.ts'

const { limits } = readConfig({}).exposure

/** Each of its fragments uses the next one twice: written out, the last one stands there 2 to the `levels` times. */
function doubling(levels: number): DocumentNode {
  const fragments = Array.from(
    { length: levels },
    (_, level) => `fragment f${level} on Simulation {
      one: configVersion { simulations { nodes { ...f${level + 1} } } }
      two: configVersion { simulations { nodes { ...f${level + 1} } } }
    }`,
  )
  return parse(
    `{ simulations { nodes { ...f0 } } } ${fragments.join(' ')} fragment f${levels} on Simulation { status }`,
  )
}

/** How many selection sets the document has, and how often `look` looked into one. */
function looksInto(document: DocumentNode, look: () => void): { sets: number; looks: number } {
  let sets = 0
  let looks = 0
  visit(document, {
    SelectionSet(node) {
      sets += 1
      const { selections } = node
      Object.defineProperty(node, 'selections', {
        get(): readonly SelectionNode[] {
          looks += 1
          return selections
        },
      })
    },
  })
  looks = 0
  look()
  return { sets, looks }
}

describe('fragments that use each other twice over are looked into once each:', () => {
  it('the shape of a document', () => {
    const document = doubling(12)
    const { sets, looks } = looksInto(document, () => {
      expect(() => checkShape(document, limits)).toThrow(/nested 39 levels deep/)
    })
    expect(looks).toBe(sets)
  })

  it('the cost of an operation', () => {
    const document = doubling(12)
    const { sets, looks } = looksInto(document, () => {
      const { cost } = estimateCost(schema, document, getOperationAST(document)!, {})
      expect(cost).toBeGreaterThan(2 ** 12)
    })
    expect(looks).toBe(sets)
  })
})

describe('lists of objects cost what they may be long:', () => {
  const lists = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__'))
    .flatMap((type) =>
      Object.values((type as GraphQLObjectType).getFields()).map((field) => ({ type, field })),
    )
    .filter(({ field }) => isCompositeType(getNamedType(field.type)))
  const isList = ({ field }: (typeof lists)[number]) => isListType(getNullableType(field.type))
  const isSized = ({ field }: (typeof lists)[number]) =>
    field.extensions.page === true || field.args.some(({ name }) => name === 'first')

  /** On a type that no operation begins with: only what the list costs is asked. */
  function costOf({ type, field }: (typeof lists)[number], size: string): number {
    const rows = isList({ type, field }) ? '{ __typename }' : '{ nodes { __typename } }'
    const others = field.args.filter(isRequiredArgument).map(({ name }) => `${name}: []`)
    const given = [...others, size].join(' ')
    const document = parse(`{ ... on ${type} { ${field.name}${given ? `(${given})` : ''} ${rows} } }`)
    return estimateCost(schema, document, getOperationAST(document)!, {}).cost
  }

  it.each(lists.filter(isSized).map((list) => [`${list.type}.${list.field.name}`, list] as const))(
    '%s, as its arguments say',
    (_, list) => {
      expect(costOf(list, 'first: 407') - costOf(list, 'first: 7')).toBe(400)
      const first = list.field.args.find(({ name }) => name === 'first')!
      const byDefault = costOf(list, `first: ${first.defaultValue ?? 20}`)
      expect(costOf(list, '')).toBe(byDefault)
      if (list.field.args.some(({ name }) => name === 'last'))
        expect(costOf(list, 'last: 407')).toBe(costOf(list, 'first: 407'))
    },
  )

  it('compared simulations, as many as are given', () => {
    const costOfPairs = (count: number) => {
      const id = '"01a22c01-f859-7920-817c-8d9c0721be77"'
      const candidates = Array.from({ length: count }, () => id)
      const document = parse(
        `{ compareSimulations(baseline: ${id}, candidates: [${candidates}]) { scenarios(first: 5) { nodes { scenarioId } } } }`,
      )
      return estimateCost(schema, document, getOperationAST(document)!, {}).cost
    }
    expect(costOfPairs(1)).toBeGreaterThan(200)
    expect(costOfPairs(7)).toBe(7 * costOfPairs(1))
  })

  /** What stands in an answer as it was read, with nothing to be read below it. */
  const isPlain = (type: GraphQLObjectType): boolean =>
    Object.values(type.getFields()).every(({ type, args, name }) => {
      const named = getNamedType(type)
      // What is needed follows from what was read.
      return (
        (args.length === 0 || name === 'needed') &&
        (isLeafType(named) || (isObjectType(named) && isPlain(named)))
      )
    })

  it.each(
    lists
      .filter((list) => isList(list) && !isSized(list) && !/(Connection|Edge)$/.test(String(list.type)))
      .filter(({ field }) => !field.args.some(({ name }) => name === 'ids' || name === 'candidates'))
      // One or two for each of six rules: what hangs on ten is counted.
      .filter(({ type }) => type.name !== 'GenerateRecommendationsPayload')
      .map((list) => [`${list.type}.${list.field.name}`, list] as const),
  )('%s, of which nothing is said, has nothing below it', (_, { field }) => {
    const type = getNamedType(field.type)
    expect(isObjectType(type) && isPlain(type)).toBe(true)
  })
})

describe('what filters cost, and how large they may be', () => {
  const costOf = (query: string, variables: Record<string, unknown> = {}) => {
    const document = parse(query)
    return estimateCost(schema, document, getOperationAST(document)!, variables).cost
  }
  const PAGE = 21

  it.each<[name: string, filter: string, cost: number]>([
    ['nothing', '{}', 0],
    ['a text that is exactly so', '{ scenarioId: { eq: "a" } }', 0],
    ['a text that others contain', '{ scenarioId: { contains: "a" }, text: "b", search: "c" }', 30],
    [
      'each entry of a list',
      '{ scenarioId: { in: ["a", "b", "c"] }, tags: { hasSome: ["d"], hasEvery: "e" } }',
      5,
    ],
    [
      'null, as if it were missing',
      '{ scenarioId: { in: null, contains: null }, tags: null, text: null }',
      0,
    ],
  ])('%s', (_, filter, cost) => {
    expect(costOf(`{ scenarios(filter: ${filter}) { nodes { name } } }`)).toBe(PAGE + cost)
  })

  it('each path of a tree, and as often as its list is read', () => {
    const paths = (count: number) => Array.from({ length: count }, () => '{ path: ["a"], contains: "b" }')
    const filter = `{ metadata: [${paths(3)}] }`
    expect(costOf(`{ simulations(filter: ${filter}) { nodes { status } } }`)).toBe(PAGE + 3 * 60)
    expect(
      costOf(`{ configVersions(first: 10) { nodes { simulations(filter: ${filter}) { totalCount } } } }`),
    ).toBe(1 + 10 * (1 + 3 * 60 + 1 + 10))
  })

  it('is the same in variables, at any depth, with their defaults', () => {
    const nodes = '{ nodes { name } }'
    for (const [query, variables] of [
      [
        `query ($f: ScenarioFilter) { scenarios(filter: $f) ${nodes} }`,
        { f: { scenarioId: { in: ['a', 'b'] } } },
      ],
      [
        `query ($s: StringFilter) { scenarios(filter: { scenarioId: $s }) ${nodes} }`,
        { s: { in: ['a', 'b'] } },
      ],
      [`query ($l: [String!]) { scenarios(filter: { scenarioId: { in: $l } }) ${nodes} }`, { l: ['a', 'b'] }],
      [`query ($a: String!) { scenarios(filter: { scenarioId: { in: [$a, "b"] } }) ${nodes} }`, { a: 'a' }],
      [`query ($l: [String!] = ["a", "b"]) { scenarios(filter: { scenarioId: { in: $l } }) ${nodes} }`, {}],
    ] as [string, Record<string, unknown>][])
      expect({ query, cost: costOf(query, variables) }).toEqual({ query, cost: PAGE + 2 })
  })

  const TEXT = 'filter.scenarioId.contains'
  it.each<[path: string, field: string, argument: string, value: (size: number) => unknown, limit: number]>([
    [TEXT, 'scenarios', 'ScenarioFilter', (size) => ({ scenarioId: { contains: '😀'.repeat(size) } }), 1_000],
    [
      'filter.scenarioId.eq',
      'scenarios',
      'ScenarioFilter',
      (size) => ({ scenarioId: { eq: 'a'.repeat(size) } }),
      1_000,
    ],
    ['filter.text', 'scenarios', 'ScenarioFilter', (size) => ({ text: 'a'.repeat(size) }), 1_000],
    ['filter.search', 'scenarios', 'ScenarioFilter', (size) => ({ search: 'a'.repeat(size) }), 1_000],
    [
      'filter.tags.hasSome',
      'scenarios',
      'ScenarioFilter',
      (size) => ({ tags: { hasSome: Array(size).fill('a') } }),
      100,
    ],
    [
      'filter.tags.hasEvery',
      'scenarios',
      'ScenarioFilter',
      (size) => ({ tags: { hasEvery: Array(size).fill('a') } }),
      100,
    ],
    [
      'filter.scenarioId.in.0',
      'scenarios',
      'ScenarioFilter',
      (size) => ({ scenarioId: { in: ['a'.repeat(size)] } }),
      1_000,
    ],
    [
      'filter.status.in',
      'simulations',
      'SimulationFilter',
      (size) => ({ status: { in: Array(size).fill('RUNNING') } }),
      100,
    ],
    [
      'filter.metadata',
      'simulations',
      'SimulationFilter',
      (size) => ({ metadata: Array(size).fill({ path: ['a'] }) }),
      20,
    ],
    [
      'filter.metadata.0.in',
      'simulations',
      'SimulationFilter',
      (size) => ({ metadata: [{ path: ['a'], in: Array(size).fill(1) }] }),
      100,
    ],
    [
      'filter.metadata.0.contains',
      'simulations',
      'SimulationFilter',
      (size) => ({ metadata: [{ path: ['a'], contains: 'a'.repeat(size) }] }),
      1_000,
    ],
  ])('of %s', (path, field, type, value, limit) => {
    const query = `query ($f: ${type}) { ${field}(filter: $f) { totalCount } }`
    expect(costOf(query, { f: value(limit) })).toBeGreaterThan(0)
    expect(() => costOf(query, { f: value(limit + 1) })).toThrow(
      new RegExp(`^${path} has ${limit + 1} (entries|characters); ${limit} is the limit`),
    )
  })

  it('of ids and cursors', () => {
    const nodes = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }'
    expect(costOf(nodes, { ids: Array(500).fill('a') })).toBe(500)
    expect(() => costOf(nodes, { ids: Array(501).fill('a') })).toThrow(
      /^ids has 501 entries; 500 is the limit/,
    )
    const after = 'query ($after: String) { simulations(after: $after) { totalCount } }'
    expect(() => costOf(after, { after: 'a'.repeat(2_049) })).toThrow(/^after has 2049 characters/)
  })
})
