import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { flakinessOf } from '../../src/statistics/flakiness.ts'
import { Arc, type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()
const byResolvers = new Arc({ ARC_COMPILED_READS: 'off' })
beforeAll(() => byResolvers.start())
afterAll(() => byResolvers.stop())

const ROW =
  '{ scenarioId scenario { name } stability repetitions simulations succeeded passRate passRateLower passRateUpper disagreement entropyBits }'

/** As both roads answer. */
async function asked(tenant: Tenant, query: string, variables: object): Promise<any> {
  const token = await tenant.token()
  const answers = await Promise.all([arc, byResolvers].map((each) => each.post({ query, variables }, token)))
  expect(answers.map(({ errors }) => errors)).toEqual([undefined, undefined])
  expect(answers[0]!.data).toEqual(answers[1]!.data)
  return answers[0]!.data
}

/** Passes of each scenario, `n` of `of`. */
const SHAPES = [
  [0, 1],
  [1, 1],
  [2, 2],
  [0, 3],
  [3, 3],
  [1, 2],
  [2, 3],
  [1, 3],
  [5, 10],
  [9, 10],
  [10, 10],
] as const

/** A letter each: collations agree on their order. */
const idOf = (passes: number, of: number) =>
  'abcdefghijk'[SHAPES.findIndex(([p, n]) => p === passes && n === of)]!

async function repeated(tenant: Tenant, versionId?: string): Promise<string> {
  const scenarioIds = SHAPES.map(([passes, of]) => idOf(passes, of))
  await tenant.scenarios(...scenarioIds)
  const { startSimulation } = await tenant.data(
    'mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } errors { message } } }',
    {
      input: {
        configVersionId: versionId ?? (await tenant.configVersion()).versionId,
        scenarioIds,
        repetitions: 10,
      },
    },
  )
  expect(startSimulation.errors).toEqual([])
  const { simulationId } = startSimulation.simulation
  const outcomes = SHAPES.flatMap(([passes, of]) =>
    Array.from({ length: of }, (_, index) => {
      const run = { simulationId, scenarioId: idOf(passes, of), repetition: index + 1 }
      const last = { ...run, retryCount: 1, status: index < passes ? 'SUCCESS' : 'ERROR' }
      // What was tried again says nothing.
      return index === 0 ? [{ ...run, retryCount: 0, status: 'ERROR' }, last] : [{ ...last, retryCount: 0 }]
    }).flat(),
  )
  expect((await tenant.record(outcomes)).storedCount).toBe(outcomes.length)
  return simulationId
}

/** By `flakinessOf`, of so many simulations that are alike. */
function expected(simulations: number, stableFrom: number) {
  return SHAPES.map(([passes, of]) => {
    const runs = Array.from({ length: simulations * of }, (_, at) => (at % of < passes ? 1 : 0))
    const { stability, repetitions, passRate, interval, disagreement, entropyBits } = flakinessOf(runs, {
      stableFrom,
    })
    const close = (value: number | null) => (value === null ? null : expect.closeTo(value, 10))
    return {
      scenarioId: idOf(passes, of),
      scenario: { name: idOf(passes, of) },
      stability,
      repetitions,
      simulations,
      succeeded: simulations * passes,
      passRate: close(passRate),
      passRateLower: close(interval!.lower),
      passRateUpper: close(interval!.upper),
      disagreement: close(disagreement),
      entropyBits: close(entropyBits),
    }
  }).sort((a, b) => (a.scenarioId < b.scenarioId ? -1 : 1))
}

describe('how much the runs of a scenario agree', () => {
  it.each([2, 3, 5])(
    'is told as the statistics have it, of one simulation (stable from %d)',
    async (stableFrom) => {
      const tenant = arc.tenant()
      const simulationId = await repeated(tenant)
      const { simulation } = await asked(
        tenant,
        `query ($id: UUID!) { simulation(simulationId: $id) {
        flakiness(first: 50, stableFrom: ${stableFrom}, orderBy: { field: SCENARIO_ID, direction: ASC }) { totalCount nodes ${ROW} } } }`,
        { id: simulationId },
      )
      expect(simulation.flakiness.nodes).toEqual(expected(1, stableFrom))
      expect(simulation.flakiness.totalCount).toBe(SHAPES.length)
    },
  )

  it('is told of the latest simulations of a version, or of one scenario of them', async () => {
    const tenant = arc.tenant()
    const { versionId } = await tenant.configVersion()
    // Of four simulations the oldest is another.
    const extra = idOf(3, 3)
    await tenant.scenarios(extra)
    const { startSimulation } = await tenant.data(
      'mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } } }',
      { input: { configVersionId: versionId, scenarioIds: [extra] } },
    )
    const { simulationId } = startSimulation.simulation
    await tenant.record([{ simulationId, scenarioId: extra, status: 'ERROR' }])
    for (let n = 0; n < 3; n++) await repeated(tenant, versionId)
    const query = (args: string) => `query ($id: UUID!) { configVersion(versionId: $id) {
      flakiness(first: 50, ${args}, orderBy: { field: SCENARIO_ID, direction: ASC }) { totalCount nodes ${ROW} } } }`
    const of = async (args: string) =>
      (await asked(tenant, query(args), { id: versionId })).configVersion.flakiness
    expect((await of('simulations: 2')).nodes).toEqual(expected(2, 3))
    expect((await of('simulations: 3')).nodes).toEqual(expected(3, 3))
    const all = (await of('simulations: 10')).nodes.find((node: any) => node.scenarioId === extra)
    expect(all).toMatchObject({ stability: 'FLAKY', repetitions: 10, simulations: 4 })
    const one = idOf(2, 3)
    expect(await of(`simulations: 3, filter: { scenarioId: { eq: "${one}" } }`)).toEqual({
      totalCount: 1,
      nodes: expected(3, 3).filter(({ scenarioId }) => scenarioId === one),
    })
    const ids = [one, idOf(1, 3)]
    expect(
      (await of(`simulations: 1, filter: { scenarioId: { in: ${JSON.stringify(ids)} } }`)).nodes,
    ).toHaveLength(2)
  })

  it('is not told by runs that nobody graded, beside those that somebody did', async () => {
    const tenant = arc.tenant()
    const graded = { status: 'ERROR', reliabilityScore: 0 }
    const scenarios: Record<string, [object, object]> = {
      a: [{}, graded],
      b: [{}, { reliabilityScore: 1 }],
      c: [{ status: 'ERROR' }, { reliabilityScore: 1 }],
      d: [{}, { status: 'ERROR' }],
    }
    const simulationId = await tenant.simulation(Object.keys(scenarios), { repetitions: 2 })
    const outcomes = Object.entries(scenarios).flatMap(([scenarioId, runs]) =>
      runs.map((run, index) => ({
        simulationId,
        scenarioId,
        repetition: index + 1,
        status: 'SUCCESS',
        ...run,
      })),
    )
    expect((await tenant.record(outcomes)).storedCount).toBe(8)
    const { simulation } = await asked(
      tenant,
      `query ($id: UUID!) { simulation(simulationId: $id) { flakiness(orderBy: { field: SCENARIO_ID, direction: ASC }) {
        nodes { scenarioId stability repetitions simulations succeeded } } } }`,
      { id: simulationId },
    )
    expect(simulation.flakiness.nodes.map(Object.values)).toEqual([
      ['a', 'UNKNOWN', 1, 1, 0],
      ['b', 'UNKNOWN', 1, 1, 1],
      ['c', 'FLAKY', 2, 1, 1],
      ['d', 'FLAKY', 2, 1, 1],
    ])
  })

  it('lists the flakiest first, in pages', async () => {
    const tenant = arc.tenant()
    const id = await repeated(tenant)
    const read: string[] = []
    for (let after: string | null = null; ; ) {
      const { simulation } = await asked(
        tenant,
        `query ($id: UUID!) { simulation(simulationId: $id) { flakiness(first: 2, after: ${JSON.stringify(after)}) {
          nodes { scenarioId } pageInfo { hasNextPage endCursor } } } }`,
        { id },
      )
      read.push(...simulation.flakiness.nodes.map(({ scenarioId }: any) => scenarioId))
      if (!simulation.flakiness.pageInfo.hasNextPage) break
      after = simulation.flakiness.pageInfo.endCursor
    }
    expect(read).toHaveLength(SHAPES.length)
    expect(read[0]).toBe(idOf(1, 2))
    // Of one run nobody knows.
    expect(read.slice(-2).sort()).toEqual([idOf(0, 1), idOf(1, 1)])
    const { simulation } = await asked(
      tenant,
      'query ($id: UUID!) { simulation(simulationId: $id) { flakiness(filter: { stability: { eq: FLAKY } }) { totalCount } } }',
      { id },
    )
    expect(simulation.flakiness.totalCount).toBe(5)
  })

  it.each([
    [
      'simulation(simulationId: $id) { flakiness(stableFrom: 1) { totalCount } }',
      /stableFrom is 1, but must be 2 to 1000/,
    ],
    [
      'configVersion(versionId: $id) { flakiness(simulations: 21) { totalCount } }',
      /simulations is 21, but must be 1 to 20/,
    ],
  ])('%s is refused in words', async (field, words) => {
    const tenant = arc.tenant()
    const { versionId } = await tenant.configVersion()
    const id = field.startsWith('simulation') ? await tenant.simulation(['a']) : versionId
    const { errors } = await tenant.ask(`query ($id: UUID!) { ${field} }`, { id })
    expect(errors![0]!.message).toMatch(words)
  })
})
