import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Tenant } from '../support/arc.ts'
import { useBothRoadsAlone } from '../support/bothRoads.ts'
import { measureMarked } from '../support/measuring.ts'
import { mean } from '../support/modelFigures.ts'
import { measuredUp } from '../support/tenantRows.ts'

const both = useBothRoadsAlone()

const CHANGE = 'path op direction valueBefore valueAfter'
const PREDICTED = 'metric expected lower upper diffs reason actual isWithin'
const DIFF = `diffId changedPaths { ${CHANGE} }
  impactActual {
    baselineId candidateId runPairs revisedScenarios completedAt measuredAt
    baseline { simulationId } candidate { simulationName }
    deltas { metric scenarios baselineMean candidateMean difference lower upper relativeDifference pValue verdict }
  }
  impactPrediction { predictedAt metrics { ${PREDICTED} } basis { ${CHANGE} diffs onlyDiffs } }
  runs(first: 5) {
    totalCount
    nodes {
      baselineId candidateId baselineCompletedAt candidateCompletedAt sameScenarios sharedScenarios isMeasured
      baseline { simulationId } candidate { simulationId }
    }
  }`
const EFFECT = `metric ${CHANGE} onlyDiffs onlyRunPairs onlyEffect onlyLower onlyUpper diffs runPairs effect lower upper fittedAt`

/** A list page by page, both ways, in each of its orders: the same as all of it at once. `field` with its arguments but for the page's. */
async function walked(
  tenant: Tenant,
  field: string,
  orders: readonly string[],
  row: string,
  at = (data: any) => data,
): Promise<void> {
  for (const by of orders)
    for (const direction of ['ASC', 'DESC']) {
      const page = async (args: string) => {
        const list = `list: ${field.replace('PAGE', `${args}, orderBy: { field: ${by}, direction: ${direction} }`)}`
        const fields = `{ totalCount nodes { ${row} } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }`
        return at(await both.data(tenant, `{ ${list.replace('FIELDS', fields)} }`)).list
      }
      const all = await page('first: 100')
      expect([all.nodes.length, all.totalCount > 1]).toEqual([all.totalCount, true])
      const [forwards, backwards]: any[][] = [[], []]
      for (let args = 'first: 1'; args !== ''; ) {
        const { nodes, pageInfo } = await page(args)
        forwards!.push(...nodes)
        args = pageInfo.hasNextPage ? `first: 1, after: "${pageInfo.endCursor}"` : ''
      }
      for (let args = 'last: 1'; args !== ''; ) {
        const { nodes, pageInfo } = await page(args)
        backwards!.unshift(...nodes)
        args = pageInfo.hasPreviousPage ? `last: 1, before: "${pageInfo.startCursor}"` : ''
      }
      expect([forwards, backwards], `${field} by ${by} ${direction}`).toEqual([all.nodes, all.nodes])
    }
}

async function versionOf(tenant: Tenant, configId: string, yaml: string): Promise<string> {
  const { createConfigVersion } = await tenant.data(
    'mutation ($input: CreateConfigVersionInput!) { createConfigVersion(input: $input) { version { versionId } errors { message } } }',
    { input: { configId, yaml } },
  )
  expect(createConfigVersion.errors).toEqual([])
  return createConfigVersion.version.versionId
}

interface RunResult {
  passes: boolean
  score?: number
  costUsd?: number
  tokensUsed?: number
  executionTimeMs?: number
}

/** A run of the version that has completed, a result for each scenario. */
async function completedRun(
  tenant: Tenant,
  configVersionId: string,
  results: readonly RunResult[],
  { first = 0, asStored = false } = {},
): Promise<string> {
  const scenarioIds = results.map((_, n) => `s${String(first + n).padStart(3, '0')}`)
  if (!asStored) await tenant.scenarios(...scenarioIds)
  const { startSimulation } = await tenant.data(
    'mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } errors { message } } }',
    { input: { configVersionId, scenarioIds } },
  )
  expect(startSimulation.errors).toEqual([])
  const { simulationId } = startSimulation.simulation
  const { errors, storedCount } = await tenant.record(
    results.map(({ passes, score, ...known }, n) => ({
      outcomeId: randomUUID(),
      simulationId,
      scenarioId: scenarioIds[n],
      status: passes ? 'SUCCESS' : 'ERROR',
      ...(score !== undefined && { reliabilityScore: score }),
      ...known,
    })),
  )
  expect([errors, storedCount]).toEqual([[], results.length])
  const { completeSimulation } = await tenant.data(
    'mutation ($input: CompleteSimulationInput!) { completeSimulation(input: $input) { errors { message } } }',
    { input: { simulationId } },
  )
  expect(completeSimulation.errors).toEqual([])
  return simulationId
}

const diffsOf = async (tenant: Tenant) =>
  (
    await both.data(
      tenant,
      `{ configDiffs(orderBy: { field: CREATED_AT, direction: ASC }, first: 100) { nodes { ${DIFF} } } }`,
    )
  ).configDiffs.nodes

const results = (
  n: number,
  passing: number,
  more: (at: number) => Omit<RunResult, 'passes'> = () => ({}),
): RunResult[] => Array.from({ length: n }, (_, at) => ({ passes: at < passing, ...more(at) }))

describe('what a diff did', () => {
  it('is measured by the latest run of either version, scenario by scenario', async () => {
    const tenant = both.arc.tenant()
    const { configId, versionId } = await tenant.configVersion('agent', 'model: m-1\ntemperature: 0.5\n')
    const later = await versionOf(tenant, configId, 'model: m-2\ntemperature: 0.5\n')
    const baseline = await completedRun(
      tenant,
      versionId,
      results(10, 2, (at) => ({ score: 0.25, costUsd: 0.01, tokensUsed: 100 + at })),
    )
    await completedRun(tenant, later, results(10, 2))
    const candidate = await completedRun(
      tenant,
      later,
      results(10, 10, (at) => ({ score: 0.75, costUsd: 0.005, tokensUsed: 200 + 2 * at })),
    )
    await completedRun(tenant, later, results(4, 0), { first: 8 })
    await measuredUp(both.arc, tenant)
    const [diff] = await diffsOf(tenant)
    expect(diff.changedPaths).toEqual([
      { path: '/model', op: 'REPLACE', direction: null, valueBefore: 'm-1', valueAfter: 'm-2' },
    ])
    expect(diff.impactActual).toMatchObject({
      baselineId: baseline,
      candidateId: candidate,
      runPairs: 3,
      revisedScenarios: 0,
      deltas: [
        {
          metric: 'SUCCESS',
          scenarios: 10,
          baselineMean: 0.2,
          candidateMean: 1,
          difference: 0.8,
          verdict: 'BETTER',
        },
        { metric: 'SCORE', difference: 0.5, verdict: 'BETTER' },
        {
          metric: 'COST',
          baselineMean: 0.01,
          candidateMean: 0.005,
          relativeDifference: -0.5,
          verdict: 'BETTER',
        },
        { metric: 'TOKENS', relativeDifference: 1, verdict: 'WORSE' },
      ],
    })
    expect(diff.runs).toMatchObject({
      totalCount: 3,
      nodes: [
        { sameScenarios: false, sharedScenarios: 2, isMeasured: false },
        { sameScenarios: true, sharedScenarios: 10, isMeasured: true, candidateId: candidate },
        { sameScenarios: true, isMeasured: false },
      ],
    })
    await walked(
      tenant,
      `storedConfigDiff(diffId: "${diff.diffId}") { list: runs(PAGE) FIELDS }`,
      ['CANDIDATE_COMPLETED_AT', 'BASELINE_COMPLETED_AT'],
      'candidateId',
      ({ list }) => list,
    )
    expect(diff.impactPrediction.metrics[0]).toMatchObject({
      expected: null,
      reason: 'NO_HISTORY',
      actual: 0.8,
      isWithin: null,
    })
  })

  it('is measured anew when its runs change, and gone with them', async () => {
    const tenant = both.arc.tenant()
    const { configId, versionId } = await tenant.configVersion('agent', 'model: m-1\n')
    const later = await versionOf(tenant, configId, 'model: m-1\nmax_steps: 5\n')
    await completedRun(tenant, versionId, results(6, 3))
    const candidate = await completedRun(tenant, later, results(6, 3))
    const successOf = async () => {
      await measuredUp(both.arc, tenant)
      const [{ impactActual }] = await diffsOf(tenant)
      return (
        impactActual && [
          impactActual.candidateId,
          impactActual.deltas[0].scenarios,
          impactActual.deltas[0].difference,
        ]
      )
    }
    expect(await successOf()).toEqual([candidate, 6, 0])
    const { outcomes } = await tenant.data(
      `query ($of: UUID!) { outcomes(filter: { simulationId: { eq: $of }, scenarioId: { eq: "s005" } }) { nodes { outcomeId } } }`,
      { of: candidate },
    )
    const { amendOutcomes } = await tenant.data(
      'mutation ($input: AmendOutcomesInput!) { amendOutcomes(input: $input) { receipts { status } errors { message } } }',
      { input: { amendments: [{ outcomeId: outcomes.nodes[0].outcomeId, status: 'SUCCESS' }] } },
    )
    expect(amendOutcomes).toEqual({ receipts: [{ status: 'AMENDED' }], errors: [] })
    expect((await successOf())[2]).toBeCloseTo(1 / 6)
    // What was asked in between otherwise is not compared.
    await tenant.data(
      'mutation { upsertScenarios(input: { scenarios: [{ scenarioId: "s000", taskPrompt: "Do it otherwise." }] }) { errors { message } } }',
    )
    const revised = await completedRun(tenant, later, results(2, 2), { asStored: true })
    const remove = (simulationId: string) =>
      tenant.data(
        'mutation ($id: UUID!) { deleteSimulation(input: { simulationId: $id }) { deletion { deletionId } errors { message } } }',
        { id: simulationId },
      )
    const { deleteSimulation } = await remove(candidate)
    // At once, before anybody measures again.
    expect((await diffsOf(tenant))[0].impactActual).toBeNull()
    expect(await successOf()).toEqual([revised, 1, 0])
    expect((await diffsOf(tenant))[0].impactActual.revisedScenarios).toBe(1)
    await remove(revised)
    expect(await successOf()).toBeNull()
    await tenant.data(
      'mutation ($id: UUID!) { undelete(input: { deletionId: $id }) { errors { message } } }',
      {
        id: deleteSimulation.deletion.deletionId,
      },
    )
    expect((await successOf())[0]).toBe(candidate)
  })

  it('is measured once, however many servers are at it, and what fails is left for the next time', async () => {
    const tenant = both.arc.tenant()
    const { configId, versionId } = await tenant.configVersion('agent', 'model: m-1\n')
    const later = await versionOf(tenant, configId, 'model: m-2\n')
    await completedRun(tenant, versionId, results(3, 1))
    await completedRun(tenant, later, results(3, 2))
    const isOurs = (tenantId: string) => tenantId === tenant.tenantId
    await expect(
      measureMarked(both.arc.databaseUrl, 1, async (tenantId) => {
        if (isOurs(tenantId)) throw new Error('the database went away')
      }),
    ).rejects.toThrow('went away')
    await measureMarked(both.arc.databaseUrl, 4)
    await measuredUp(both.arc, tenant)
    const [diff] = await diffsOf(tenant)
    expect(diff.impactActual.deltas).toHaveLength(1)
    const left = await both.arc.sql('admin', (client) =>
      client.query('select from stale_diffs where user_id = $1', [tenant.tenantId]),
    )
    expect(left.rowCount).toBe(0)
  })
})

describe('over all diffs', () => {
  /** What these changes really do to a run's probability to pass, and to its tokens. */
  const TRUTH = {
    'temperature: 0.9': { passes: -0.2, tokens: 1 },
    'max_steps: 9': { passes: 0.3, tokens: 1.5 },
    'planner: on': { passes: 0, tokens: 1.2 },
  } as const
  type Part = keyof typeof TRUTH
  const BEFORE: Record<Part, string> = {
    'temperature: 0.9': 'temperature: 0.5',
    'max_steps: 9': 'max_steps: 5',
    'planner: on': 'planner: off',
  }
  const PARTS = Object.keys(TRUTH) as Part[]
  const yamlOf = (changed: readonly Part[]) =>
    ['model: m-1', ...PARTS.map((part) => (changed.includes(part) ? part : BEFORE[part]))].join('\n')
  /** Twenty scenarios, of which this share passes, always the same first ones; tokens differ by scenario. */
  const resultsOf = (changed: readonly Part[], seed: number) => {
    const passing = changed.reduce((sum, part) => sum + TRUTH[part].passes, 0.5) * 20 + ((seed * 7) % 3) - 1
    const tokens = changed.reduce((product, part) => product * TRUTH[part].tokens, 1000)
    return results(20, Math.round(passing), (at) => ({
      tokensUsed: Math.round(tokens * (1 + ((at * 13 + seed * 5) % 7) / 50)),
    }))
  }

  it('changes are told apart, a new one is predicted, and that is compared with what happened', async () => {
    const tenant = both.arc.tenant()
    const configs: { configId: string; versionId: string; changed: Part[] }[] = []
    const CHANGED: Part[][] = [
      ['temperature: 0.9'],
      ['temperature: 0.9'],
      ['temperature: 0.9', 'max_steps: 9'],
      ['max_steps: 9'],
      ['max_steps: 9', 'planner: on'],
      ['planner: on'],
      ['temperature: 0.9', 'planner: on'],
      ['max_steps: 9', 'planner: on'],
    ]
    for (const [at, changed] of CHANGED.entries()) {
      const { configId, versionId } = await tenant.configVersion(`agent ${at}`, yamlOf([]))
      const later = await versionOf(tenant, configId, yamlOf(changed))
      await completedRun(tenant, versionId, resultsOf([], at))
      await completedRun(tenant, later, resultsOf(changed, at + 1))
      configs.push({ configId, versionId, changed })
    }
    await measuredUp(both.arc, tenant)
    const { changeEffects } = await both.data(
      tenant,
      `{ changeEffects(first: 100, filter: { metric: { in: [SUCCESS, TOKENS] } }, orderBy: { field: PATH, direction: ASC }) { totalCount nodes { ${EFFECT} } } }`,
    )
    expect(changeEffects.totalCount).toBe(6)
    const effectOf = (path: string, metric: string) =>
      changeEffects.nodes.find((node: any) => node.path === path && node.metric === metric)
    expect(effectOf('/temperature', 'SUCCESS')).toMatchObject({
      op: 'REPLACE',
      direction: 'INCREASE',
      valueBefore: null,
      onlyDiffs: 2,
      diffs: 4,
      onlyRunPairs: 2,
      runPairs: 4,
    })
    expect(effectOf('/planner', 'SUCCESS')).toMatchObject({
      direction: null,
      valueBefore: 'off',
      valueAfter: 'on',
      onlyDiffs: 1,
      onlyLower: null,
    })
    for (const [part, path] of [
      ['temperature: 0.9', '/temperature'],
      ['max_steps: 9', '/max_steps'],
      ['planner: on', '/planner'],
    ] as const) {
      const [success, tokens] = [effectOf(path, 'SUCCESS'), effectOf(path, 'TOKENS')]
      expect([success.lower <= TRUTH[part].passes, TRUTH[part].passes <= success.upper], path).toEqual([
        true,
        true,
      ])
      expect(tokens.effect, path).toBeCloseTo(TRUTH[part].tokens - 1, 1)
    }
    await walked(
      tenant,
      'changeEffects(filter: { metric: { in: [SUCCESS, TOKENS] } }, PAGE) FIELDS',
      ['DIFFS', 'ONLY_DIFFS', 'PATH', 'EFFECT'],
      EFFECT,
    )
    const raises = await both.data(
      tenant,
      '{ changeEffects(filter: { metric: { eq: SUCCESS }, lower: { gt: 0 } }) { nodes { path } } }',
    )
    expect(raises.changeEffects.nodes).toEqual([{ path: '/max_steps' }])

    // One that nobody has made yet, and then somebody makes it.
    const { configId, versionId } = await tenant.configVersion('new agent', yamlOf([]))
    const wanted = ['temperature: 0.9', 'max_steps: 9'] as const
    const preview = (yaml: string, before = versionId) =>
      both.data(
        tenant,
        `query ($before: UUID!, $yaml: String!) { predictImpact(versionBefore: $before, yaml: $yaml) { metrics { ${PREDICTED} } basis { ${CHANGE} diffs onlyDiffs } } }`,
        { before, yaml },
      )
    const { predictImpact } = await preview(yamlOf(wanted))
    expect(predictImpact.basis).toMatchObject([
      { path: '/max_steps', diffs: 4, onlyDiffs: 1 },
      { path: '/temperature', diffs: 4, onlyDiffs: 2 },
    ])
    const later = await versionOf(tenant, configId, yamlOf(wanted))
    await measuredUp(both.arc, tenant)
    const { metrics, basis } = (await diffsOf(tenant)).at(-1).impactPrediction
    expect({ metrics, basis }).toEqual(predictImpact)
    expect(metrics.map(({ metric, reason }: any) => [metric, reason])).toEqual([
      ['SUCCESS', null],
      ['SCORE', 'NO_HISTORY'],
      ['COST', 'NO_HISTORY'],
      ['TOKENS', null],
      ['DURATION', 'NO_HISTORY'],
    ])
    expect(metrics[0].expected).toBeCloseTo(0.1, 1)
    await completedRun(tenant, versionId, resultsOf([], 4))
    await completedRun(tenant, later, resultsOf(wanted, 5))
    await measuredUp(both.arc, tenant)
    const after = (await diffsOf(tenant)).at(-1)
    const [success] = after.impactPrediction.metrics
    expect(success).toEqual({
      ...metrics[0],
      actual: after.impactActual.deltas[0].difference,
      isWithin: true,
    })
    const calibrated = async (filter = '') =>
      (
        await both.data(
          tenant,
          `{ predictionCalibration${filter} { nodes { month metric predictions measured covered coverage meanError meanAbsoluteError } } }`,
        )
      ).predictionCalibration.nodes
    const [first, second, ...others] = await calibrated()
    expect(others).toEqual([])
    expect([first, second].map(({ metric }) => metric).sort()).toEqual(['SUCCESS', 'TOKENS'])
    await walked(tenant, 'predictionCalibration(PAGE) FIELDS', ['MONTH'], 'month metric')
    const ofSuccess = [first, second].find(({ metric }) => metric === 'SUCCESS')
    // Of the first eight those were predicted, too, of whose changes others had been measured when they were made.
    const predicted = (await diffsOf(tenant))
      .map(({ impactPrediction }: any) => impactPrediction.metrics[0])
      .filter(({ expected }: any) => expected !== null)
    const errors = predicted.map(({ actual, expected }: any) => actual - expected)
    const covered = predicted.filter(({ isWithin }: any) => isWithin).length
    expect(predicted.length).toBeGreaterThan(1)
    expect(ofSuccess).toMatchObject({ predictions: predicted.length, measured: predicted.length, covered })
    expect(ofSuccess.coverage).toBeCloseTo(covered / predicted.length)
    expect(ofSuccess.meanError).toBeCloseTo(mean(errors)!)
    expect(ofSuccess.meanAbsoluteError).toBeCloseTo(mean(errors.map(Math.abs))!)
    expect(await calibrated(`(filter: { configId: { eq: "${configs[0]!.configId}" } })`)).toEqual([])
    expect(await calibrated('(filter: { predictedAt: { lt: "2026-01-01T00:00:00Z" } })')).toEqual([])

    for (const [yaml, reason] of [
      [`# A comment.\n${yamlOf([])}`, 'NO_CHANGE'],
      [yamlOf([]).replace('m-1', 'm-2'), 'NO_HISTORY'],
      [`${yamlOf([])}\n${Array.from({ length: 101 }, (_, n) => `k${n}: 1`).join('\n')}`, 'TOO_MANY_CHANGES'],
    ] as const) {
      const { metrics: none } = (await preview(yaml)).predictImpact
      expect(none[0], reason).toMatchObject({ expected: null, lower: null, upper: null, reason })
    }
    expect((await preview(yamlOf([]), randomUUID())).predictImpact).toBeNull()
    const refused = await tenant.ask(
      'query ($before: UUID!) { predictImpact(versionBefore: $before, yaml: "a: [") { basis { path } } }',
      { before: versionId },
    )
    expect(refused.errors![0]!.extensions.code).toBe('YAML_INVALID')

    // Nothing of it is anybody else's.
    const other = both.arc.tenant()
    await other.configVersion()
    expect(
      await both.data(
        other,
        '{ changeEffects { totalCount } predictionCalibration { totalCount } configDiffs { totalCount } }',
      ),
    ).toEqual({
      changeEffects: { totalCount: 0 },
      predictionCalibration: { totalCount: 0 },
      configDiffs: { totalCount: 0 },
    })
    expect(
      await both.data(
        other,
        'query ($before: UUID!) { predictImpact(versionBefore: $before, yaml: "model: m-1") { basis { path } } }',
        { before: versionId },
      ),
    ).toEqual({ predictImpact: null })
  }, 120_000)
})
