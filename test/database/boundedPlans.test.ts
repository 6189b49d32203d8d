import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Arc } from '../support/arc.ts'
import { ENGINES, query } from '../support/emptyDatabase.ts'
import { type History, type Past, useHistory } from '../support/history.ts'
import { costsDuring, type StatementCost } from '../support/plans.ts'

// What a read costs must not follow from how long there have been outcomes, its planning included: to plan over 400 chunks takes fifty
// times as long as to read. Whatever is planned is locked, and counted by that.

/** 400 chunks of a day, or 24 partitions of a month; one simulation a day in each tenant, of 20 runs. */
const shapeOf = (extension?: string) => ({ simulations: 400, repetitions: 1, days: extension ? 400 : 730 })

/** Seven a chunk: of 400 they are 2,800. Of what comes once a day a page is of 20 chunks, and its last stretch of time has some more. */
const MOST_LOCKS = 450
/** A page of 20, or twenty of 10, of which a stretch of time may have some more, and some of other tenants in a small part. */
const MOST_ROWS = 600

/** The full edition's would make fewer chunks of them meanwhile. */
const NO_JOBS = { ARC_JOBS: 'off' }

const PAGE = '{ nodes { outcomeId status } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } }'
const TYPES = {
  simulationId: 'UUID!',
  scenarioId: 'String!',
  versionId: 'UUID!',
  outcomeId: 'UUID!',
  id: 'ID!',
}

/** Each list with a place for its page. */
const LISTS = [
  ['the tenant', `{ list: outcomes(PAGE) ${PAGE} }`],
  ['a simulation', `{ list: outcomes(PAGE, filter: { simulationId: { eq: $simulationId } }) ${PAGE} }`],
  ['a scenario', `{ list: outcomes(PAGE, filter: { scenarioId: { eq: $scenarioId } }) ${PAGE} }`],
  ['a version', `{ list: outcomes(PAGE, filter: { configVersionId: { eq: $versionId } }) ${PAGE} }`],
  ['one in ten', `{ list: outcomes(PAGE, filter: { status: { in: [ERROR, TIMEOUT] } }) ${PAGE} }`],
  ['those with success', `{ list: outcomes(PAGE, filter: { status: { eq: SUCCESS } }) ${PAGE} }`],
  ['one simulation', `{ of: simulation(simulationId: $simulationId) { list: outcomes(PAGE) ${PAGE} } }`],
  ['one scenario', `{ of: scenario(scenarioId: $scenarioId) { list: outcomes(PAGE) ${PAGE} } }`],
  ['one version', `{ of: configVersion(versionId: $versionId) { list: outcomes(PAGE) ${PAGE} } }`],
] as const

const OTHERS = [
  ['outcomes of twenty simulations', `{ simulations { nodes { outcomes(first: 10) ${PAGE} } } }`],
  ['how many a simulation has', '{ simulation(simulationId: $simulationId) { outcomes { totalCount } } }'],
  [
    'those of a simulation by their score',
    `{ simulation(simulationId: $simulationId) { outcomes(orderBy: { field: RELIABILITY_SCORE, direction: ASC }) ${PAGE} } }`,
  ],
  [
    'two simulations side by side',
    `{ compareSimulations(baseline: $simulationId, candidates: [$simulationId]) { counts { scenarios } scenarios(first: 5) { totalCount nodes { change } } } }`,
  ],
  [
    'the statistics of two simulations',
    `{ compareSimulations(baseline: $simulationId, candidates: [$simulationId]) { totals { verdict } failureDrift { scenarios } } }`,
  ],
  [
    'an object by its key',
    '{ outcome(outcomeId: $outcomeId) { id status trajectory run { outcome { status } } } }',
  ],
  ['an object by its id', '{ node(id: $id) { ... on Outcome { status trajectory simulation { status } } } }'],
] as const

describe.each(ENGINES)('a read of outcomes, on $dump', ({ extension }) => {
  const shape = shapeOf(extension)
  const long = useHistory(extension, { shape, env: NO_JOBS, ...(extension && { chunkDays: 1 }) })
  let byResolvers: Arc
  beforeAll(async () => {
    byResolvers = new Arc({ DATABASE_URL: long.serviceUrl, ARC_COMPILED_READS: 'off', ...NO_JOBS })
    await byResolvers.start()
  })
  afterAll(() => byResolvers.stop())

  describe.each([
    ['by one statement', () => long.tenant.token().then((token) => ({ arc: long.arc, token }))],
    ['by resolvers', () => long.tenant.token().then((token) => ({ arc: byResolvers, token }))],
  ])('%s,', (_road, road) => {
    it.each(LISTS)('plans and reads what a page of %s takes, forward and backward', async (_list, list) => {
      for (const [page, cursor] of [
        ['first: 20, after', 'endCursor'],
        ['last: 20, before', 'startCursor'],
      ] as const) {
        const first = await costly(long, list.replace('PAGE', `${page}: null`), await road())
        const { nodes, pageInfo } = pageOf(first.data)
        expect(nodes).toHaveLength(20)
        expectBounded(first.costs)
        if (!pageInfo.hasNextPage && !pageInfo.hasPreviousPage) continue
        const second = await costly(
          long,
          list.replace('PAGE', `${page}: "${pageInfo[cursor]}"`),
          await road(),
        )
        expect(pageOf(second.data).nodes).toHaveLength(20)
        expectBounded(second.costs)
      }
    })

    it.each(OTHERS)('plans and reads what %s takes', async (_other, asked) => {
      expectBounded((await costly(long, asked, await road())).costs)
    })
  })

  if (!extension) return
  const short = useHistory(extension, { shape, env: NO_JOBS, chunkDays: 30 })
  it('takes about as long over 400 chunks as over 14', async () => {
    const parts = await Promise.all([long, short].map(({ adminUrl }) => partsOf(adminUrl)))
    expect(parts[0]).toBeGreaterThanOrEqual(400)
    expect(parts[1]).toBeLessThanOrEqual(16)
    const ms = { long: 0, short: 0 }
    for (const [, asked] of [...LISTS, ...OTHERS])
      for (const [name, past] of Object.entries({ long, short }) as [keyof typeof ms, Past][]) {
        const { costs } = await costly(past, asked.replace('PAGE', 'first: 20'))
        ms[name] += costs.reduce((sum, cost) => sum + cost.ms, 0)
      }
    // All of them planned over 400 chunks take fifty times as long.
    expect(ms.long).toBeLessThan(10 * ms.short)
  })
})

async function partsOf(url: string): Promise<number> {
  const [row] = await query<{ parts: number }>(
    url,
    `select count(*)::int as parts from pg_inherits where inhparent = 'store.outcomes'::regclass`,
  )
  return row!.parts
}

interface Road {
  arc: Arc
  token: string
}

/** What the answer is made of, and what each of its statements costs. */
async function costly(
  past: Past,
  asked: string,
  road?: Road,
): Promise<{ data: any; costs: StatementCost[] }> {
  const variables: Record<string, unknown> = { ...past.history, id: idOf(past.history) }
  const used = Object.entries(TYPES).filter(([name]) => asked.includes(`$${name}`))
  const declared = used.map(([name, type]) => `$${name}: ${type}`).join(', ')
  const given = Object.fromEntries(used.map(([name]) => [name, variables[name]]))
  const operation = `query ${declared ? `(${declared})` : ''} ${asked}`
  const { arc, token } = road ?? { arc: past.arc, token: await past.tenant.token() }
  let data: any
  const costs = await costsDuring(past.serviceUrl, past.tenant, async () => {
    const answer = await arc.post({ query: operation, variables: given }, token)
    expect(answer.errors).toBeUndefined()
    data = answer.data
  })
  expect(costs).not.toEqual([])
  return { data, costs }
}

function idOf({ outcomeId, executionTime }: History): string {
  return Buffer.from(`Outcome:${JSON.stringify([outcomeId, executionTime])}`).toString('base64')
}

function pageOf(data: any) {
  return (data.of ?? data).list
}

function expectBounded(costs: StatementCost[]): void {
  for (const { statement, locks, rows } of costs) {
    expect(locks, statement).toBeLessThanOrEqual(MOST_LOCKS)
    expect(rows, statement).toBeLessThanOrEqual(MOST_ROWS)
  }
}
