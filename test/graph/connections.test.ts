import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc({ ARC_MAX_COST: '1000000000', ARC_MAX_BREADTH: '1000' })

const SCENARIOS = ['a', 'b', 'c', 'd', 'e', 'f', 'g']

/** Outcomes with ties and gaps in what they are ordered by. */
async function withOutcomes(tenant: Tenant): Promise<string> {
  const simulationId = await tenant.simulation(SCENARIOS, { repetitions: 3 })
  const scores = [0.5, 1, null, 0.5, 0, null, 1]
  const { storedCount } = await tenant.record(
    [1, 2, 3].flatMap((repetition) =>
      SCENARIOS.map((scenarioId, index) => ({
        simulationId,
        scenarioId,
        repetition,
        status: index % 2 === 0 ? 'SUCCESS' : 'ERROR',
        reliabilityScore: scores[(index + repetition) % 7],
        costUsd: index / 8,
        executionTime: `2026-03-0${repetition}T00:00:0${index % 3}Z`,
        model: repetition === 1 ? 'small' : 'large',
      })),
    ),
  )
  expect(storedCount).toBe(21)
  return simulationId
}

const PAGE = `query ($first: Int, $after: String, $last: Int, $before: String, $orderBy: OutcomeOrder, $filter: OutcomeFilter) {
  outcomes(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, filter: $filter) {
    totalCount
    edges { cursor node { outcomeId reliabilityScore } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`

describe('paging', () => {
  it('walks every row once, at any page size, in any order, both ways', async () => {
    const tenant = arc.tenant()
    await withOutcomes(tenant)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('EXECUTION_TIME', 'RELIABILITY_SCORE', 'COST_USD', 'TOKENS_USED'),
        fc.constantFrom('ASC', 'DESC'),
        fc.boolean(),
        async (size, field, direction, fromEnd) => {
          const orderBy = { field, direction }
          const whole = (await tenant.data(PAGE, { first: 100, orderBy })).outcomes
          const all = whole.edges.map(({ node }: any) => node.outcomeId)
          expect(new Set(all).size).toBe(21)
          const seen: string[] = []
          let cursor: string | null = null
          for (let more = true; more; ) {
            const { outcomes } = await tenant.data(
              PAGE,
              fromEnd ? { last: size, before: cursor, orderBy } : { first: size, after: cursor, orderBy },
            )
            const ids = outcomes.edges.map(({ node }: any) => node.outcomeId)
            if (fromEnd) seen.unshift(...ids)
            else seen.push(...ids)
            cursor = fromEnd ? outcomes.pageInfo.startCursor : outcomes.pageInfo.endCursor
            more = fromEnd ? outcomes.pageInfo.hasPreviousPage : outcomes.pageInfo.hasNextPage
          }
          expect(seen).toEqual(all)
        },
      ),
      { numRuns: 12 },
    )
  })

  it('puts missing values last, whichever way it is ordered', async () => {
    const tenant = arc.tenant()
    await withOutcomes(tenant)
    for (const direction of ['ASC', 'DESC']) {
      const { outcomes } = await tenant.data(PAGE, {
        first: 100,
        orderBy: { field: 'RELIABILITY_SCORE', direction },
      })
      const scores = outcomes.edges.map(({ node }: any) => node.reliabilityScore)
      const known = scores.filter((score: number | null) => score !== null)
      expect(scores.slice(known.length)).toEqual(Array(6).fill(null))
      expect(known).toEqual([...known].sort((a, b) => (direction === 'ASC' ? a - b : b - a)))
    }
  })

  it('refuses what makes no page, and says why', async () => {
    const tenant = arc.tenant()
    const { outcomes } = await (async () => {
      await withOutcomes(tenant)
      return tenant.data(PAGE, { first: 1 })
    })()
    for (const [variables, code, input] of [
      [{ first: 501 }, 'LIMIT_EXCEEDED', ['first']],
      [{ first: -1 }, 'BAD_USER_INPUT', ['first']],
      [{ first: 1, last: 1 }, 'BAD_USER_INPUT', ['last']],
      [{ after: 'garbage' }, 'CURSOR_INVALID', ['after']],
      [{ after: outcomes.pageInfo.endCursor, orderBy: { field: 'COST_USD' } }, 'CURSOR_INVALID', ['after']],
      [
        { before: Buffer.from('["executionTime","x","y"]').toString('base64url') },
        'CURSOR_INVALID',
        ['before'],
      ],
    ] as const) {
      const { data, errors } = await tenant.ask(PAGE, variables)
      expect(data).toBeNull()
      expect(errors).toMatchObject([{ extensions: { code, input } }])
    }
  })
})

describe('filters', () => {
  const [EARLY, LATE] = ['2026-01-15T12:20:00Z', '2026-01-15T12:40:00Z']
  it.each([
    ['outcomes', { executionTime: { gte: LATE, lt: EARLY } }, ['filter', 'executionTime']],
    ['outcomes', { costUsd: { gt: 0.2, lte: 0.1 } }, ['filter', 'costUsd']],
    [
      'outcomes',
      { executionTime: { gte: EARLY, gt: LATE, lte: LATE, lt: EARLY } },
      ['filter', 'executionTime'],
    ],
    [
      'simulations',
      { metadata: [{ path: ['n'] }, { path: ['n'], gte: 2, lte: 1 }] },
      ['filter', 'metadata', 1],
    ],
    ['systemPerformance', { createdAt: { gt: LATE, lt: EARLY } }, ['filter', 'createdAt']],
    ['errorRates', { runs: { gte: 3, lte: 2 } }, ['filter', 'runs']],
    ['toolAnalytics', { executionTime: { gte: LATE, lte: EARLY } }, ['filter', 'executionTime']],
  ] as const)('of %s are refused with %j, which ends before it begins', async (list, filter, input) => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    await tenant.record([
      { simulationId, scenarioId: 'a', status: 'SUCCESS', executionTime: EARLY.replace('20', '30') },
    ])
    const type = `${list[0]!.toUpperCase()}${list.slice(1)}`
    const field = `${list}(filter: $filter) { totalCount nodes { __typename } }`
    const { errors } = await tenant.ask(
      `query ($filter: ${type.replace(/(Outcome|Simulation|Rate)s$/, '$1')}Filter) { ${field} }`,
      { filter },
    )
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', input } }])
    expect(errors![0]!.message).toMatch(/ends before it begins: (2026-01-15T12:40|[\d.]+ to )/)
  })

  it('with a range of one moment, or of none, are answered', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const executionTime = '2026-01-15T12:30:00.000Z'
    await tenant.record([{ simulationId, scenarioId: 'a', status: 'SUCCESS', executionTime }])
    const { moment, none } = await tenant.data(
      `query ($at: DateTime!) {
        moment: outcomes(filter: { executionTime: { gte: $at, lte: $at } }) { totalCount }
        none: outcomes(filter: { executionTime: { gte: $at, lt: $at } }) { totalCount }
      }`,
      { at: executionTime },
    )
    expect([moment.totalCount, none.totalCount]).toEqual([1, 0])
  })

  it('narrow a list by what a dashboard asks for', async () => {
    const tenant = arc.tenant()
    await tenant.data(
      `mutation { upsertScenarios(input: { scenarios: [
        { scenarioId: "a", taskPrompt: "Find the CHEAPEST flight.", tags: ["travel", "tools"], difficultyLevel: HARD }
      ] }) { errors { code } } }`,
    )
    // The scenario "a" is there now; the others are made beside it, so it is set again afterwards.
    const simulationId = await withOutcomes(tenant)
    await tenant.data(
      `mutation { upsertScenarios(input: { scenarios: [
        { scenarioId: "a", taskPrompt: "Find the CHEAPEST flight.", tags: ["travel", "tools"], difficultyLevel: HARD }
      ] }) { errors { code } } }`,
    )
    const count = async (filter: object) => (await tenant.data(PAGE, { filter })).outcomes.totalCount
    expect(await count({ simulationId: { eq: simulationId } })).toBe(21)
    expect(await count({ status: { in: ['ERROR'] } })).toBe(9)
    expect(await count({ status: { eq: 'SUCCESS' }, model: { eq: 'small' } })).toBe(4)
    expect(await count({ executionTime: { gte: '2026-03-02T00:00:00Z', lt: '2026-03-03T00:00:00Z' } })).toBe(
      7,
    )
    expect(await count({ reliabilityScore: { gte: 0.5, lt: 1 } })).toBe(6)
    expect(await count({ difficultyLevel: { eq: 'HARD' } })).toBe(3)
    expect(await count({ tags: { hasSome: ['travel', 'nothing'] } })).toBe(3)
    expect(await count({ tags: { hasEvery: ['travel', 'nothing'] } })).toBe(0)
    expect(await count({ model: { contains: 'LARG' } })).toBe(14)

    const scenarios = async (filter: object) =>
      (
        await tenant.data(
          'query ($filter: ScenarioFilter) { scenarios(filter: $filter) { nodes { scenarioId } } }',
          { filter },
        )
      ).scenarios.nodes.map(({ scenarioId }: any) => scenarioId)
    expect(await scenarios({ text: 'cheapest' })).toEqual(['a'])
    expect(await scenarios({ text: '100%_' })).toEqual([])
    expect(await scenarios({ difficultyLevel: { in: ['HARD'] }, tags: { hasEvery: ['tools'] } })).toEqual([
      'a',
    ])

    const simulations = async (filter: object) =>
      (
        await tenant.data(
          'query ($filter: SimulationFilter) { simulations(filter: $filter) { totalCount } }',
          { filter },
        )
      ).simulations.totalCount
    const running = { model: { eq: 'gpt-4' }, status: { eq: 'RUNNING' } }
    expect(await simulations({ ...running, scenarioId: { eq: 'a' } })).toBe(1)
    expect(await simulations({ model: { eq: 'gpt-5' } })).toBe(0)
    await tenant.simulation(['air_1', 'book_1'])
    for (const [scenarioId, found] of [
      [{ eq: 'book_1' }, 1],
      [{ eq: 'book' }, 0],
      [{ in: ['book_1', 'a', 'none'] }, 2],
      [{ in: [] }, 0],
      [{ eq: 'a', in: ['book_1'] }, 0],
      [{ contains: 'K_' }, 1],
      [{ contains: '%' }, 0],
      // Of one scenario all conditions hold.
      [{ contains: 'air', in: ['book_1'] }, 0],
      [{ contains: 'air', in: ['air_1'], eq: 'air_1' }, 1],
      [{ eq: null }, 2],
    ] as const) {
      expect([scenarioId, await simulations({ scenarioId })]).toEqual([scenarioId, found])
      const { configVersions } = await tenant.data(
        'query ($filter: SimulationFilter) { configVersions { nodes { simulations(filter: $filter) { totalCount } } } }',
        { filter: { scenarioId } },
      )
      const counts = configVersions.nodes.map(({ simulations }: any) => simulations.totalCount)
      expect([scenarioId, counts.reduce((sum: number, each: number) => sum + each)]).toEqual([
        scenarioId,
        found,
      ])
    }
  })

  it('work below a parent as they do at the root', async () => {
    const tenant = arc.tenant()
    await withOutcomes(tenant)
    const { simulations } = await tenant.data(`{ simulations { nodes {
      errors: outcomes(first: 2, filter: { status: { eq: ERROR }, tags: { hasSome: ["none"] } }) { totalCount nodes { status } }
      large: outcomes(last: 2, filter: { model: { contains: "LARGE" }, scenarioId: { in: ["a", "b"] } }, orderBy: { field: RELIABILITY_SCORE, direction: DESC }) {
        totalCount pageInfo { hasPreviousPage } nodes { model scenarioId reliabilityScore }
      }
    } } }`)
    expect(simulations.nodes).toHaveLength(1)
    expect(simulations.nodes[0].errors).toEqual({ totalCount: 0, nodes: [] })
    const { large } = simulations.nodes[0]
    expect(large).toMatchObject({ totalCount: 4, pageInfo: { hasPreviousPage: true } })
    expect(large.nodes).toHaveLength(2)
  })

  it('of tags tell some from every, however the list is read', async () => {
    const tenant = arc.tenant()
    const tagged = {
      both: ['red', 'big', 'old'],
      red: ['red'],
      big: ['big', 'old'],
      blue: ['blue'],
      bare: [],
    }
    const scenarios = Object.entries(tagged).map(([scenarioId, tags]) => ({
      scenarioId,
      tags,
      taskPrompt: 'Find a flight.',
    }))
    const simulationId = await tenant.simulation(Object.keys(tagged))
    await tenant.data(
      'mutation ($scenarios: [ScenarioInput!]!) { upsertScenarios(input: { scenarios: $scenarios }) { errors { code } } }',
      { scenarios },
    )
    await tenant.record(
      Object.keys(tagged).map((scenarioId) => ({ simulationId, scenarioId, status: 'SUCCESS' })),
    )
    const page = 'totalCount nodes { scenarioId }'
    for (const [tags, expected] of [
      [{ hasSome: ['red', 'big'] }, ['big', 'both', 'red']],
      [{ hasEvery: ['red', 'big'] }, ['both']],
      [{ hasSome: ['red', 'blue'], hasEvery: ['big'] }, ['both']],
    ] as const) {
      const data = await tenant.data(
        `query ($tags: TagFilter) {
          root: scenarios(filter: { tags: $tags }) { ${page} }
          rootOverARelation: outcomes(filter: { tags: $tags }) { ${page} }
          besideASearch: scenarios(filter: { tags: $tags, search: "flights" }) { ${page} }
          simulations { nodes { below: outcomes(filter: { tags: $tags }) { ${page} } } }
          configVersions { nodes { twoBelow: outcomes(filter: { tags: $tags }) { ${page} } } }
        }`,
        { tags },
      )
      const { simulations, configVersions, ...atTheRoot } = data
      const lists = { ...atTheRoot, ...simulations.nodes[0], ...configVersions.nodes[0] }
      expect(Object.keys(lists)).toHaveLength(5)
      for (const [list, { totalCount, nodes }] of Object.entries<any>(lists)) {
        const found = nodes.map(({ scenarioId }: { scenarioId: string }) => scenarioId).sort()
        expect({ list, tags, totalCount, found }).toEqual({
          list,
          tags,
          totalCount: found.length,
          found: expected,
        })
      }
    }
  })
})

describe('the number of statements', () => {
  const NESTED = `{ simulations(first: 50) { nodes {
    configVersion { model configuration { name } }
    outcomes(first: 5) { totalCount nodes { scenario { name } toolUsage { nodes { toolName } } failurePatterns { nodes { failureType } } } }
    runs(first: 3) { nodes { scenario { name } } }
  } } }`

  it('does not grow with the rows', async () => {
    const tenant = arc.tenant()
    await withOutcomes(tenant)
    const ofOne = await arc.statementsDuring(() => tenant.data(NESTED))
    for (let more = 0; more < 4; more++) await withOutcomes(tenant)
    const ofFive = await arc.statementsDuring(() => tenant.data(NESTED))
    // Settings as well, and until a connection has shown its session BEGIN and COMMIT.
    for (const statements of [ofOne, ofFive]) {
      expect(statements.filter((text) => text.includes('/* answer */'))).toHaveLength(1)
      expect(statements.length).toBeLessThanOrEqual(4)
    }
  })

  it('reads no trajectory unless it is asked for', async () => {
    const tenant = arc.tenant()
    await withOutcomes(tenant)
    const without = await arc.statementsDuring(() =>
      tenant.data('{ outcomes { nodes { status simulation { status } } } }'),
    )
    expect(without.join('\n')).not.toContain('trajectory')
    const asked = await arc.statementsDuring(() => tenant.data('{ outcomes { nodes { trajectory } } }'))
    expect(asked.join('\n')).toContain('trajectory')
  })

  it('is none for a question that needs no rows', async () => {
    const tenant = arc.tenant()
    expect(await arc.statementsDuring(() => tenant.data('{ viewer { tenantId } __typename }'))).toEqual([])
  })
})
