import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
} from 'graphql'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseExactly } from '../../src/exactNumbers.ts'
import { schema } from '../../src/graphql/schema.ts'
import { Arc, useArc } from '../support/arc.ts'
import {
  type Connection,
  everyConnection,
  ofParent,
  parentWithMostRows,
  wayTo,
} from '../support/everyConnection.ts'
import { addHardRows, HARD_TEXTS } from '../support/hardRows.ts'
import { fulfils, type Narrowed } from '../support/plainFilter.ts'
import { SUM_KEYS, WHOLE_LIST } from '../support/sums.ts'

const SETTINGS = { ARC_MAX_COST: '1000000000', ARC_MAX_ALIASES: '1000', ARC_MAX_BREADTH: '1000' }
const arc = useArc({ ...SETTINGS, ARC_COMPILED_READS: 'on' })
const byResolvers = new Arc({ ...SETTINGS, ARC_COMPILED_READS: 'off' })
const tenant = arc.tenant()
let token: string
beforeAll(async () => {
  await byResolvers.start()
  await addHardRows(arc, tenant)
  token = await tenant.token()
}, 60_000)
afterAll(() => byResolvers.stop())

type Row = Record<string, any>

interface Told {
  /** What is asked of a row to know what its field is a condition on. */
  selection: string
  of(row: Row): Narrowed
}

const value = (selection: string, of: (row: Row) => unknown): Told => ({
  selection,
  of: (row) => ({ is: 'value', of: of(row) }),
})
const VERSION = 'simulation { configVersion { versionId configId } }'
const ofOutcome = {
  configVersionId: value(VERSION, ({ simulation }) => simulation.configVersion.versionId),
  scenarioId: value('outcome { scenarioId }', ({ outcome }) => outcome.scenarioId),
  superseded: value('outcome { superseded }', ({ outcome }) => outcome.superseded),
}

/** Conditions on what is no field of the row itself; undefined for what can only be held against the other road. */
const TOLD: Record<string, Record<string, Told | undefined>> = {
  Alert: { isOpen: value('endedAt', ({ endedAt }) => endedAt === null) },
  ApiKey: { isRevoked: value('revokedAt', ({ revokedAt }) => revokedAt !== null) },
  Configuration: {
    model: value('latestVersion { model }', ({ latestVersion }) => latestVersion?.model ?? null),
  },
  FailurePattern: {
    ...ofOutcome,
    text: value('failureType errorMessage', (row) => [row.failureType, row.errorMessage]),
    group: undefined,
    search: undefined,
  },
  Outcome: {
    configVersionId: value(VERSION, ({ simulation }) => simulation.configVersion.versionId),
    configId: value(VERSION, ({ simulation }) => simulation.configVersion.configId),
    difficultyLevel: value('scenario { difficultyLevel }', ({ scenario }) => scenario.difficultyLevel),
    tags: value('scenario { tags }', ({ scenario }) => scenario.tags),
  },
  Scenario: { text: value('name taskPrompt', (row) => [row.name, row.taskPrompt]), search: undefined },
  Simulation: {
    configVersionId: value('configVersion { versionId }', ({ configVersion }) => configVersion.versionId),
    configId: value('configVersion { configId }', ({ configVersion }) => configVersion.configId),
    model: value('configVersion { model }', ({ configVersion }) => configVersion.model),
    scenarioId: { selection: 'scenarioSet', of: ({ scenarioSet }) => ({ is: 'one of', of: scenarioSet }) },
  },
  ToolUsage: ofOutcome,
  // What sums are made of.
  ErrorRate: { executionTime: undefined, scenarioId: undefined },
  FailureGroup: Object.fromEntries(
    Object.keys((schema.getType('FailurePatternFilter') as GraphQLInputObjectType).getFields()).map(
      (name) => [name, undefined],
    ),
  ),
  DailyStats: { hour: undefined, configVersionId: undefined, model: undefined },
  SystemPerformance: { createdAt: undefined },
  ToolAnalytics: Object.fromEntries(
    [
      'configId',
      'configVersionId',
      'executionTime',
      'scenarioId',
      'simulationId',
      'superseded',
      'toolName',
    ].map((name) => [name, undefined]),
  ),
}

function toldOf(node: string, field: string, type: GraphQLInputType): Told | undefined {
  const own = TOLD[node]
  if (own && Object.hasOwn(own, field)) return own[field]
  const is = getNamedType(type).name === 'JsonPathFilter' ? ('tree' as const) : ('value' as const)
  return { selection: field, of: (row) => ({ is, of: row[field] }) as Narrowed }
}

/** About how many of the values that rows have are tried, and of others. Sums are computed for each. */
const MOST = { root: 6, below: 1, sums: 1 }

/** The conditions that are tried on a field, given the values that rows have. */
function conditionsOn(type: GraphQLInputType, found: readonly unknown[], most: number): unknown[] {
  const named = getNamedType(type)
  if (named.name === 'Boolean') return [true, false, null]
  if (named.name === 'String') return [...TEXTS_IN, ...HARD_TEXTS].slice(0, most * 3)
  if (named.name === 'JsonPathFilter')
    return treeConditions().filter((_, index) => most > 1 || index % 9 === 0)
  if (!isInputObjectType(named)) throw new Error(`teach equalFilters of ${named.name}`)
  const fields = Object.values(named.getFields())
  const values = valuesFor(fields[0]!.type, found, most)
  const each = fields.flatMap(({ name, type: of }): object[] => {
    if (name === 'isNull') return [{ isNull: true }, { isNull: false }]
    if (isListType(of))
      return [[], values.slice(0, 1), values.slice(0, 3), values].map((list) => ({ [name]: list }))
    const tried = name === 'contains' ? partsOf(values as string[], most) : values
    return tried.map((given) => ({ [name]: given }))
  })
  // Several on one field.
  const [one, other] = [values[0], values.at(-1)]
  const names = new Set(fields.map(({ name }) => name))
  if (names.has('gte') && one !== undefined) {
    const [low, high] = [one, other].sort((a, b) => Number(toNumber(a)) - Number(toNumber(b)))
    each.push(
      { gte: low, lte: high },
      { gt: low, lt: high },
      { gte: low, lt: low },
      { gt: low, gte: low, lte: high },
    )
  }
  if (names.has('contains')) each.push({ eq: one, contains: [...String(one)][0]!, in: values })
  if (names.has('isNull'))
    each.push({ isNull: null }, { isNull: true, ...each[0] }, { isNull: false, ...each[0] })
  return each
}

const toNumber = (value: unknown) => (typeof value === 'string' ? Date.parse(value) : value)

function valuesFor(type: GraphQLInputType, found: readonly unknown[], most: number): unknown[] {
  const named = getNamedType(type)
  if (isEnumType(named)) return named.getValues().map(({ name }) => name)
  const own = [...new Set(found.flat().filter((each) => each !== null && each !== undefined))]
  // The first, and some of the others.
  const some = own
    .filter((_, index) => index < most || index % Math.ceil(own.length / most) === 0)
    .slice(0, most * 2)
  switch (named.name) {
    case 'UUID':
      return [...some, '00000000-0000-7000-8000-000000000000']
    case 'DateTime':
      return [
        ...some.flatMap((time) => [time, moved(time as string, 1), moved(time as string, -1)]),
        ...['1883-11-18T12:03:58.000Z', '0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'].slice(
          0,
          most,
        ),
      ]
    case 'Float':
      return [
        ...some
          .map(Number)
          .filter((number) => !Number.isNaN(number))
          .flatMap((number) => [number, number * (1 + Number.EPSILON), number - 0.5]),
        ...[0.1 + 0.2, 0.3, -0, 1e-7, 5e-324, 1e21, -1e300, 2 ** 53 + 2].slice(0, 2 * most),
      ]
    case 'String':
      return [...some, ...WILD.slice(0, 3 * most), ...some.map((text) => changedCase(text as string))]
    default:
      throw new Error(`teach equalFilters of ${named.name}`)
  }
}

const WILD = ['%', '_', '\\', '', '%%', 'a_b', '***=', '(', "'", '"', '\u2028', '👩', 'no row has this']
const TEXTS_IN = [
  '%',
  '_',
  '\\',
  "it's",
  'TOOK 1',
  '17',
  '',
  'ordinary',
  '\u2028',
  '👩',
  '(?i)',
  '***:',
  'no row has this',
]

/** With what is in the middle of them, and in another case. */
function partsOf(texts: readonly string[], most: number): string[] {
  return [
    ...texts.slice(0, most * 2).flatMap((text) => [text, changedCase([...text].slice(1, 4).join(''))]),
    ...WILD.slice(0, 3 * most),
  ]
}

function changedCase(text: string): string {
  const upper = text.toUpperCase()
  return upper === text ? text.toLowerCase() : upper
}

function moved(time: string, ms: number): string {
  return new Date(Date.parse(time) + ms).toISOString()
}

function treeConditions(): object[][] {
  const paths = [
    ['k'],
    ['list'],
    ['list', '0'],
    ['list', '-1'],
    [''],
    ['', ''],
    ['none'],
    ['small'],
    ['10'],
    ['l'],
    ['m'],
    ['temperature'],
    ['a"b\\c\u2028'],
    ['nowhere', 'at', 'all'],
  ]
  const values = [
    null,
    'text',
    'TEXT',
    '',
    0,
    0.1 + 0.2,
    0.3,
    5e-324,
    1e-7,
    1.5,
    100,
    [],
    {},
    [null, [], {}, [{}], '', 0],
    { '': [] },
    '0.3',
  ]
  const single = paths.flatMap((path) => [
    { path },
    { path, exists: true },
    { path, exists: false },
    ...values.flatMap((eq, index) =>
      index % 3 === path.length % 3 || path[0] === 'k' ? [{ path, eq }] : [],
    ),
    { path, in: values },
    { path, in: [] },
    ...['', '%', 'TEX', '\\', '👩', '\u2028'].map((contains) => ({ path, contains })),
    { path, gte: 0.3 },
    { path, gt: 0.3 },
    { path, lte: 0.1 + 0.2 },
    { path, lt: 0.1 + 0.2 },
    { path, gte: 1e18 },
    { path, eq: null, exists: true },
    { path, contains: 't', eq: 'text' },
  ])
  return [
    [],
    ...single.map((one) => [one]),
    [single[1]!, single.at(-1)!],
    [{ path: ['k'] }, { path: ['list'] }],
  ]
}

/** So many lists in one request, each of which is a field of the root. */
const AT_A_TIME = 40

it.each(everyConnection())(
  '$name has the same rows for each condition, by one statement, by resolvers and by hand',
  async (connection) => {
    const { node, field } = connection
    const filter = schema.getType(`${node}Filter`) as GraphQLInputObjectType
    const parentId = await parentWithMostRows(tenant, connection)
    const most = SUM_KEYS[node] ? MOST.sums : parentId === undefined ? MOST.root : MOST.below
    const told = Object.values(filter.getFields()).map(({ name, type }) => ({
      name,
      type,
      told: toldOf(node, name, type),
    }))
    const key = SUM_KEYS[node] ?? 'id'
    const whole = WHOLE_LIST[field] ?? {}
    const selection = new Set([key, ...told.flatMap(({ told }) => told?.selection ?? [])])
    const [all] = await answers(connection, parentId, [whole], [...selection].join(' '), arc)
    const rows: Row[] = all!.nodes
    expect(rows.length).toBeGreaterThan(0)
    const idOf = (row: Row) =>
      key
        .split(' ')
        .map((name) => row[name])
        .join(' ')

    const questions = told.flatMap(({ name, type, told }) => {
      const found = told ? rows.map((row) => told.of(row).of) : rows.map((row) => row[name])
      return conditionsOn(type, found, most).map((conditions) => ({ name, told, conditions }))
    })
    let found = 0
    for (let from = 0; from < questions.length; from += AT_A_TIME) {
      const asked = questions.slice(from, from + AT_A_TIME)
      const filters = asked.map(({ name, conditions }) => ({ ...whole, [name]: conditions }))
      const [ours, theirs] = await Promise.all(
        [arc, byResolvers].map((server) => answers(connection, parentId, filters, key, server)),
      )
      for (const [index, { name, told, conditions }] of asked.entries()) {
        const where = `${connection.name} by ${JSON.stringify({ [name]: conditions })}`
        expect(ours![index], where).toEqual(theirs![index])
        const list = ours![index]!
        const ids = list.nodes.map(idOf)
        expect(list.totalCount, where).toBe(ids.length)
        if (ids.length > 0 && ids.length < rows.length) found++
        if (!told) continue
        const judged = rows.map((row) => [idOf(row), fulfils(told.of(row), conditions)] as const)
        const open = new Set(judged.flatMap(([id, holds]) => (holds === undefined ? [id] : [])))
        expect(
          ids.filter((id: string) => !open.has(id)),
          where,
        ).toEqual(judged.flatMap(([id, holds]) => (holds ? [id] : [])))
      }
    }
    // Neither all rows nor none.
    if (rows.length > 3) expect(found).toBeGreaterThan(5)
  },
  120_000,
)

it('each list was read by one statement', async () => {
  const { metrics } = await tenant.data('{ metrics { resolvedFields { reason } } }')
  expect(metrics.resolvedFields).toEqual([{ reason: 'Query.metrics' }])
})

/** The rows of the list with each filter. */
async function answers(
  { field, node, parent }: Connection,
  parentId: string | undefined,
  filters: readonly object[],
  selection: string,
  { url }: Arc,
): Promise<{ totalCount: number; nodes: Row[] }[]> {
  const variables = filters.map((_, n) => `$f${n}: ${node}Filter`).join(', ')
  const way = await wayTo(tenant, parent)
  const lists = filters.map((_, n) => {
    const list = `${field}(first: 500, filter: $f${n}) { totalCount nodes { ${selection} } }`
    if (parentId) return `p${n}: node(id: $id) { ... on ${parent} { list: ${list} } }`
    return parent === 'Query' ? `p${n}: ${list}` : way(`list: ${list}`, `p${n}`)
  })
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({
      query: `query (${parentId ? '$id: ID!, ' : ''}${variables}) { ${lists.join('\n')} }`,
      variables: { id: parentId, ...Object.fromEntries(filters.map((each, n) => [`f${n}`, each])) },
    }),
  })
  const { data, errors } = parseExactly(await response.text()) as { data: any; errors?: object[] }
  expect(errors, JSON.stringify(filters)).toBeUndefined()
  return filters.map((_, n) => {
    const read = ofParent(data, `p${n}`)
    return read.list ?? read
  })
}
