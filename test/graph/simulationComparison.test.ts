import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Tenant } from '../support/arc.ts'
import { useBothRoads } from '../support/bothRoads.ts'
import { groupedBy, mean, rounded, sum } from '../support/modelFigures.ts'
import { callsDuring } from '../support/plans.ts'

const both = useBothRoads()
const { arc } = both

const side = (name: string) =>
  ['Runs', 'Succeeded', 'SuccessRate', 'Score', 'CostUsd', 'Tokens', 'DurationMs', 'Dimension', 'Revision']
    .map((field) => `${name}${field}`)
    .join(' ')
const SCENARIO = `scenarioId change revisionDiffers ${side('baseline')} ${side('candidate')}
  successRateDifference scoreDifference costDifferenceUsd tokensDifference durationDifferenceMs dimensionDifference scenario { scenarioId }`
const COUNTS = 'scenarios regressed improved unchanged onlyInOne revisionDiffers'

interface Attempt {
  scenarioId: string
  repetition: number
  retryCount: number
  status: string
  reliabilityScore?: number
  executionTimeMs?: number
  tokensUsed?: number
  costUsd?: number
  metrics?: { judge: { tone: number } }
  executionTime: string
}

const SCENARIOS = Array.from({ length: 12 }, (_, n) => `s${String(n).padStart(2, '0')}`)
const REPETITIONS = 3

/** Every way in which a side can be known or not, and retries; over some days, none by chance. */
function attemptsOf(seed: number): Attempt[] {
  return SCENARIOS.flatMap((scenarioId, at) =>
    // Of two scenarios only one side has runs.
    (at === 2 && seed % 2 === 0) || (at === 3 && seed % 2 === 1)
      ? []
      : Array.from({ length: REPETITIONS }, (_, index) => index + 1).flatMap((repetition) => {
          const n = at * 5 + repetition * 3 + seed * 7
          const attempt = (retryCount: number): Attempt => ({
            scenarioId,
            repetition,
            retryCount,
            // Of these neither status nor score differs between the sides, or the score alone.
            status:
              at % 4 === 0
                ? 'SUCCESS'
                : (['SUCCESS', 'ERROR', 'SUCCESS', 'TIMEOUT'][(n + retryCount) % 4] as string),
            ...(at % 3 !== 1 && { reliabilityScore: at === 0 ? 0.5 : ((n + retryCount) % 11) / 10 }),
            ...(n % 5 !== 0 && { executionTimeMs: 100 + n * 31 + retryCount }),
            ...(n % 4 !== 1 && { tokensUsed: 1_000 + n + 10 * retryCount }),
            ...(n % 3 !== 1 && { metrics: { judge: { tone: n + retryCount - 40 } } }),
            ...(n % 7 !== 2 && { costUsd: 0.001 * (n + 1 + retryCount) }),
            executionTime: new Date(Date.UTC(2026, 8, 1 + seed, 0, n * 11 + retryCount)).toISOString(),
          })
          return n % 6 === 5 ? [attempt(0), attempt(1)] : [attempt(0)]
        }),
  )
}

/** What one side of a scenario should say, from its attempts alone. */
function sideOf(attempts: Attempt[]) {
  const runs = [...groupedBy(attempts, ({ repetition }) => String(repetition)).values()]
  const last = runs.map((ofRun) => ofRun.reduce((a, b) => (b.retryCount > a.retryCount ? b : a)))
  const ofRuns = (field: 'costUsd' | 'tokensUsed') =>
    mean(runs.map((ofRun) => sum(ofRun.map((attempt) => attempt[field] ?? null))))
  const succeeded = last.filter(({ status }) => status === 'SUCCESS').length
  return {
    Runs: last.length,
    Succeeded: succeeded,
    SuccessRate: last.length === 0 ? null : rounded(succeeded / last.length),
    Score: mean(last.map(({ reliabilityScore }) => reliabilityScore ?? null)),
    CostUsd: ofRuns('costUsd'),
    Tokens: ofRuns('tokensUsed'),
    DurationMs: mean(last.map(({ executionTimeMs }) => executionTimeMs ?? null)),
    Dimension: mean(last.map(({ metrics }) => metrics?.judge.tone ?? null)),
    Revision: last.length === 0 ? null : 1,
  }
}

function expectedOf(baseline: Attempt[], candidate: Attempt[], tolerance = 0) {
  return SCENARIOS.map((scenarioId) => {
    const [one, other] = [baseline, candidate].map((attempts) =>
      sideOf(attempts.filter((attempt) => attempt.scenarioId === scenarioId)),
    ) as [ReturnType<typeof sideOf>, ReturnType<typeof sideOf>]
    const difference = (
      field: 'SuccessRate' | 'Score' | 'CostUsd' | 'Tokens' | 'DurationMs' | 'Dimension',
    ) => (one[field] === null || other[field] === null ? null : rounded(other[field] - one[field]))
    const [ofRates, ofScores] = [difference('SuccessRate') ?? 0, difference('Score') ?? 0]
    const decides = Math.abs(ofRates) > tolerance ? ofRates : Math.abs(ofScores) > tolerance ? ofScores : 0
    const change =
      one.Runs === 0 || other.Runs === 0
        ? 'ONLY_IN_ONE'
        : decides > 0
          ? 'IMPROVED'
          : decides < 0
            ? 'REGRESSED'
            : 'UNCHANGED'
    return {
      scenarioId,
      change,
      revisionDiffers: false,
      ...Object.fromEntries(Object.entries(one).map(([field, value]) => [`baseline${field}`, value])),
      ...Object.fromEntries(Object.entries(other).map(([field, value]) => [`candidate${field}`, value])),
      successRateDifference: difference('SuccessRate'),
      scoreDifference: difference('Score'),
      costDifferenceUsd: difference('CostUsd'),
      tokensDifference: difference('Tokens'),
      durationDifferenceMs: difference('DurationMs'),
      dimensionDifference: difference('Dimension'),
      scenario: { scenarioId },
    }
  })
}

/** Figures of six places: what is expected comes from means that are rounded. */
const inNumbers = (row: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(row).map(([field, value]) => [
      field,
      value !== null && (typeof value === 'number' || /cost/i.test(field))
        ? Number(Number(value).toFixed(6))
        : value,
    ]),
  )

function countsOf(rows: { change: string; revisionDiffers: boolean }[]) {
  const count = (change: string) => rows.filter((row) => row.change === change).length
  return {
    scenarios: rows.length,
    regressed: count('REGRESSED'),
    improved: count('IMPROVED'),
    unchanged: count('UNCHANGED'),
    onlyInOne: count('ONLY_IN_ONE'),
    revisionDiffers: rows.filter(({ revisionDiffers }) => revisionDiffers).length,
  }
}

/** As both roads answer. */
async function compared(tenant: Tenant, fields: string, variables: object, given = ''): Promise<any[]> {
  const { compareSimulations } = await both.data(
    tenant,
    `query ($baseline: UUID!, $candidates: [UUID!]!) {
      compareSimulations(baseline: $baseline, candidates: $candidates${given}) { ${fields} }
    }`,
    variables,
  )
  return compareSimulations
}

describe('simulations side by side', () => {
  async function recorded(
    tenant: Tenant,
    seed: number,
  ): Promise<{ simulationId: string; attempts: Attempt[] }> {
    const simulationId = await tenant.simulation(SCENARIOS, { repetitions: REPETITIONS })
    const attempts = attemptsOf(seed)
    const { storedCount } = await tenant.record(attempts.map((attempt) => ({ simulationId, ...attempt })))
    expect(storedCount).toBe(attempts.length)
    return { simulationId, attempts }
  }

  it('tell of each scenario what its attempts say, whatever is known of it', async () => {
    const tenant = arc.tenant()
    const [one, two, three] = [
      await recorded(tenant, 1),
      await recorded(tenant, 2),
      await recorded(tenant, 4),
    ]
    const variables = {
      baseline: one.simulationId.toUpperCase(),
      candidates: [three.simulationId, two.simulationId],
    }
    const seen = new Set<string>()
    for (const tolerance of [0, 0.4]) {
      const pairs = await compared(
        tenant,
        `baselineId candidateId baseline { simulationId } candidate { simulationId } counts { ${COUNTS} }
          scenarios(first: 100, dimension: "judge.tone") { totalCount nodes { ${SCENARIO} } }`,
        variables,
        `, tolerance: ${tolerance}`,
      )
      for (const [at, { simulationId, attempts }] of [three, two].entries()) {
        const expected = expectedOf(one.attempts, attempts, tolerance)
        for (const { change } of expected) seen.add(change)
        const { scenarios, ...pair } = pairs[at]
        expect(pair).toEqual({
          baselineId: one.simulationId,
          candidateId: simulationId,
          baseline: { simulationId: one.simulationId },
          candidate: { simulationId },
          counts: countsOf(expected),
        })
        expect(scenarios.totalCount).toBe(expected.length)
        expect(scenarios.nodes.map(inNumbers)).toEqual(expected.map(inNumbers))
      }
    }
    expect([...seen].sort()).toEqual(['IMPROVED', 'ONLY_IN_ONE', 'REGRESSED', 'UNCHANGED'])
  })

  it('list scenarios in pages, by any order and filter', async () => {
    const tenant = arc.tenant()
    const [one, two] = [await recorded(tenant, 1), await recorded(tenant, 2)]
    const variables = { baseline: one.simulationId, candidates: [two.simulationId] }
    const expected = expectedOf(one.attempts, two.attempts)
    const worst = expected
      .filter(({ change }) => change === 'REGRESSED')
      .sort(
        (a, b) =>
          a.successRateDifference! - b.successRateDifference! || (a.scenarioId < b.scenarioId ? -1 : 1),
      )
    expect(worst.length).toBeGreaterThan(2)
    const read: string[] = []
    for (let after: string | null = null; ; ) {
      const [{ scenarios }]: any[] = await compared(
        tenant,
        `scenarios(first: 2, after: ${JSON.stringify(after)}, filter: { change: { eq: REGRESSED } },
          orderBy: { field: SUCCESS_RATE_DIFFERENCE, direction: ASC }) {
          totalCount nodes { scenarioId } pageInfo { hasNextPage endCursor } }`,
        variables,
      )
      expect(scenarios.totalCount).toBe(worst.length)
      read.push(...scenarios.nodes.map(({ scenarioId }: { scenarioId: string }) => scenarioId))
      if (!scenarios.pageInfo.hasNextPage) break
      after = scenarios.pageInfo.endCursor
    }
    expect(read).toEqual(worst.map(({ scenarioId }) => scenarioId))
  })

  it('list scenarios by one dimension, which is none where nobody names one', async () => {
    const tenant = arc.tenant()
    const [one, two] = [await recorded(tenant, 1), await recorded(tenant, 2)]
    const variables = { baseline: one.simulationId, candidates: [two.simulationId] }
    const rising = expectedOf(one.attempts, two.attempts)
      .filter(({ dimensionDifference }) => dimensionDifference !== null && dimensionDifference > 0)
      .sort(
        (a, b) => b.dimensionDifference! - a.dimensionDifference! || (a.scenarioId > b.scenarioId ? -1 : 1),
      )
    expect(rising.length).toBeGreaterThan(2)
    const list = async (dimension: string) => {
      const [{ scenarios }] = await compared(
        tenant,
        `scenarios(first: 100${dimension}, filter: { dimensionDifference: { gt: 0 } },
          orderBy: { field: DIMENSION_DIFFERENCE, direction: DESC }) { nodes { scenarioId dimensionDifference } }`,
        variables,
      )
      return scenarios.nodes
    }
    const shown = rising.map(({ scenarioId, dimensionDifference }) => ({ scenarioId, dimensionDifference }))
    expect((await list(', dimension: "judge.tone"')).map(inNumbers)).toEqual(shown.map(inNumbers))
    expect(await list(', dimension: "judge.nothing"')).toEqual([])
    expect(await list('')).toEqual([])
  })

  it('say where a prompt or an expected answer changed in between', async () => {
    const tenant = arc.tenant()
    const outcomes = (simulationId: string) =>
      ['a', 'b'].map((scenarioId) => ({ simulationId, scenarioId, status: 'SUCCESS' }))
    const before = await tenant.simulation(['a', 'b'])
    await tenant.record(outcomes(before))
    await tenant.data(
      `mutation { upsertScenarios(input: { scenarios: [{ scenarioId: "b", taskPrompt: "Do b better." }] }) { errors { message } } }`,
    )
    const { versionId } = await tenant.configVersion('later')
    const { startSimulation } = await tenant.data(
      `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } } }`,
      { input: { configVersionId: versionId, scenarioIds: ['a', 'b'] } },
    )
    const after = startSimulation.simulation.simulationId
    await tenant.record(outcomes(after))
    const [{ scenarios, counts }] = await compared(
      tenant,
      `counts { ${COUNTS} } scenarios { nodes { scenarioId change revisionDiffers baselineRevision candidateRevision } }`,
      { baseline: before, candidates: [after] },
    )
    expect(scenarios.nodes).toEqual([
      {
        scenarioId: 'a',
        change: 'UNCHANGED',
        revisionDiffers: false,
        baselineRevision: 1,
        candidateRevision: 1,
      },
      {
        scenarioId: 'b',
        change: 'UNCHANGED',
        revisionDiffers: true,
        baselineRevision: 1,
        candidateRevision: 2,
      },
    ])
    expect(counts).toMatchObject({ scenarios: 2, unchanged: 2, revisionDiffers: 1 })
  })

  it('are nothing where one of them is another tenant’s, is not there, or has no outcomes', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    const own = await recorded(tenant, 1)
    const theirs = await recorded(other, 2)
    const [missing, empty] = [randomUUID(), await tenant.simulation(['s00'])]
    const fields = `baseline { simulationId } candidate { simulationId } counts { ${COUNTS} } scenarios { totalCount }`
    const nothing = { counts: countsOf([]), scenarios: { totalCount: 0 } }
    const mine = (simulationId: string) => ({ simulationId })
    expect(
      await compared(tenant, fields, {
        baseline: own.simulationId,
        candidates: [theirs.simulationId, missing, empty],
      }),
    ).toEqual([
      { ...nothing, baseline: mine(own.simulationId), candidate: null },
      { ...nothing, baseline: mine(own.simulationId), candidate: null },
      {
        baseline: mine(own.simulationId),
        candidate: mine(empty),
        counts: { ...countsOf([]), scenarios: 11, onlyInOne: 11 },
        scenarios: { totalCount: 11 },
      },
    ])
    expect(
      await compared(tenant, fields, { baseline: theirs.simulationId, candidates: [own.simulationId] }),
    ).toEqual([{ ...nothing, baseline: null, candidate: mine(own.simulationId) }])
  })

  it('read the attempts of their own simulations alone, however many there are', async () => {
    const tenant = arc.tenant()
    const ids: string[] = []
    for (let seed = 1; seed <= 8; seed++) ids.push((await recorded(tenant, seed)).simulationId)
    const fields = `counts { ${COUNTS} } scenarios { totalCount nodes { ${SCENARIO} } }`
    const variables = { baseline: ids[0], candidates: [ids[1]] }
    const work = () => compared(tenant, fields, variables)
    const calls = await callsDuring(arc.databaseUrl, tenant, work, 'rows_by_time')
    // The counts, the page and its total read both simulations once each, in one statement or, by resolvers, in three.
    expect(calls.filter((count) => count > 0).sort()).toEqual([2, 2, 2, 6])
  })

  it('are asked for in words that mean something', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const ask = (candidates: string[], tolerance: number) =>
      tenant.ask(
        `query ($baseline: UUID!, $candidates: [UUID!]!, $tolerance: Float!) {
          compareSimulations(baseline: $baseline, candidates: $candidates, tolerance: $tolerance) { baselineId }
        }`,
        { baseline: simulationId, candidates, tolerance },
      )
    for (const [candidates, tolerance, message] of [
      [[], 0, /candidates is empty/],
      [[simulationId], 1.5, /tolerance is 1.5, but must be 0 to 1/],
      [[simulationId], -0.1, /tolerance is -0.1/],
      [Array.from({ length: 11 }, () => simulationId), 0, /10/],
    ] as const) {
      const { errors } = await ask([...candidates], tolerance)
      expect(errors?.map((error) => error.message)).toEqual([expect.stringMatching(message)])
      expect(errors![0]!.extensions.code).toMatch(/^(BAD_USER_INPUT|LIMIT_EXCEEDED|TOO_LARGE)$/)
    }
  })
})
