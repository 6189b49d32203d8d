import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Arc, type Tenant, useArc } from '../support/arc.ts'
import { groupedBy, mean, sum } from '../support/modelFigures.ts'
import { summedUp } from '../support/tenantRows.ts'

const arc = useArc()
const byResolvers = new Arc({ ARC_COMPILED_READS: 'off' })
beforeAll(() => byResolvers.start())
afterAll(() => byResolvers.stop())

const SUMS = `attempts runs succeeded failed errors timeouts cancelled successRate scored meanScore scoreDeviation tokens
  promptTokens completionTokens costUsd meanMs p50Ms p90Ms p95Ms p99Ms`
const WHOLE = `{ from to summary { ${SUMS} } previous { ${SUMS} } buckets { bucket ${SUMS} }
  groups(first: 100) { totalCount nodes {
    key model status configuration { configId } configVersion { versionId } scenario { scenarioId } ${SUMS} buckets { bucket runs costUsd }
  } }
  metrics { totalCount nodes { metric runs mean deviation } }
  tools { nodes { toolName calls attempts runs successRate meanDurationMs costUsd } } }`

interface Attempt {
  simulation: number
  scenarioId: string
  repetition: number
  retryCount: number
  executionTime: string
  status: string
  reliabilityScore?: number
  executionTimeMs?: number
  tokensUsed?: number
  promptTokens?: number
  completionTokens?: number
  costUsd?: number
  model?: string
  metrics?: object
  toolUsage?: {
    toolName: string
    callCount: number
    avgDurationMs?: number
    successRate: number
    totalCostUsd?: number
  }[]
}

// Around the days on which clocks are set forward in Berlin (29 March, 01:00 UTC) and back in New York (1 November).
const SPANS = [
  ['2026-03-27T20:00:00Z', 5],
  ['2026-10-30T20:00:00Z', 5],
] as const

/** Attempts of every kind that is told apart, at times around midnight of several zones; none by chance. */
function attempts(): Attempt[] {
  const models = ['gpt', undefined, 'claude']
  const statuses = ['SUCCESS', 'ERROR', 'SUCCESS', 'TIMEOUT', 'SUCCESS', 'CANCELLED']
  return SPANS.flatMap(([from, days], span) =>
    Array.from({ length: 48 }, (_, n): Attempt => {
      const isRetry = n % 8 === 7
      const of = isRetry ? n - 1 : n
      return {
        simulation: of % 3,
        scenarioId: ['a', 'b', 'c', 'd'][of % 4]!,
        repetition: 1 + span * 48 + of,
        retryCount: isRetry ? 1 : 0,
        executionTime: new Date(
          Date.parse(from) + (n * days * 24 * 3_600_000) / 48 + n * 61_001,
        ).toISOString(),
        status: statuses[n % statuses.length]!,
        ...(n % 5 !== 0 && { reliabilityScore: (n % 7) / 6 }),
        ...(n % 6 !== 1 && { executionTimeMs: 10 + n * n * 37 }),
        ...(n % 4 !== 3 && { tokensUsed: 100 + n, promptTokens: 60 + n, completionTokens: 40 }),
        ...(n % 3 !== 2 && { costUsd: 0.001 * (n + 1) }),
        ...(models[of % 3] && { model: models[of % 3] }),
        metrics: n % 2 === 0 ? { steps: n, judge: { tone: n / 10, ok: n % 4 === 0 } } : {},
        toolUsage:
          n % 3 === 0
            ? [
                {
                  toolName: n % 2 ? 'search' : 'edit',
                  callCount: 1 + (n % 4),
                  avgDurationMs: 5 * n,
                  successRate: 0.5,
                  totalCostUsd: 0.01,
                },
              ]
            : [],
      }
    }),
  )
}

/** What a time is called in a zone: the same for all of one bucket. */
function bucketName(time: string, grain: string, timeZone: string): string {
  const parts = Object.fromEntries(
    new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      hourCycle: 'h23',
      timeZoneName: 'longOffset',
    })
      .formatToParts(new Date(time))
      .map(({ type, value }) => [type, value]),
  )
  const day = `${parts.year}-${parts.month}-${parts.day}`
  if (grain === 'DAY') return day
  if (grain === 'MONTH') return day.slice(0, 7)
  if (grain === 'HOUR') return `${day} ${parts.hour} ${parts.timeZoneName}`
  const date = new Date(`${day}T00:00:00Z`)
  return new Date(date.getTime() - ((date.getUTCDay() + 6) % 7) * 24 * 3_600_000).toISOString().slice(0, 10)
}

const nearest = (values: number[], share: number) =>
  values.length === 0
    ? null
    : values.sort((a, b) => a - b)[Math.max(Math.ceil(share * values.length), 1) - 1]!

function deviationOf(values: number[]): number | null {
  if (values.length < 2) return null
  const middle = values.reduce((total, value) => total + value, 0) / values.length
  return Math.sqrt(values.reduce((total, value) => total + (value - middle) ** 2, 0) / (values.length - 1))
}

class Model {
  readonly all: Attempt[]
  constructor(all: Attempt[]) {
    this.all = all
  }
  isLast(attempt: Attempt): boolean {
    return !this.all.some(
      (other) =>
        other.simulation === attempt.simulation &&
        other.scenarioId === attempt.scenarioId &&
        other.repetition === attempt.repetition &&
        other.retryCount > attempt.retryCount,
    )
  }
  sums(of: Attempt[]) {
    const runs = of.filter((attempt) => this.isLast(attempt))
    const count = (status: string) => runs.filter((run) => run.status === status).length
    const scores = runs.flatMap(({ reliabilityScore }) => reliabilityScore ?? [])
    const times = runs.flatMap(({ executionTimeMs }) => executionTimeMs ?? [])
    const total = (name: 'tokensUsed' | 'promptTokens' | 'completionTokens' | 'costUsd') =>
      sum(of.map((attempt) => attempt[name] ?? null))
    return {
      attempts: of.length,
      runs: runs.length,
      succeeded: count('SUCCESS'),
      failed: runs.length - count('SUCCESS'),
      errors: count('ERROR'),
      timeouts: count('TIMEOUT'),
      cancelled: count('CANCELLED'),
      successRate: runs.length === 0 ? null : count('SUCCESS') / runs.length,
      scored: scores.length,
      meanScore: mean(scores),
      scoreDeviation: deviationOf(scores),
      tokens: total('tokensUsed'),
      promptTokens: total('promptTokens'),
      completionTokens: total('completionTokens'),
      costUsd: total('costUsd'),
      meanMs: mean(times),
      p50Ms: nearest(times, 0.5),
      p90Ms: nearest(times, 0.9),
      p95Ms: nearest(times, 0.95),
      p99Ms: nearest(times, 0.99),
    }
  }
}

/** Numbers that were rounded, or put into bins, in the place of those that they stand for. */
function near(expected: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(expected).map(([name, value]) => {
      if (typeof value !== 'number') return [name, value]
      if (/^p\d\dMs$/.test(name))
        return [name, expect.toSatisfy((given) => Math.abs(given - value) <= 0.025 * value)]
      return [name, Number.isInteger(value) ? value : expect.closeTo(value, 8)]
    }),
  )
}

describe('performance', () => {
  let tenant: Tenant
  let model: Model
  let simulations: string[]
  let configs: string[]
  let versions: string[]
  /** By simulation: its version, and that version's configuration. */
  const VERSION_OF = [0, 1, 2]
  const CONFIG_OF = [0, 0, 1]

  beforeAll(async () => {
    tenant = arc.tenant()
    const [one, other] = [
      await tenant.configVersion('one', 'model: gpt'),
      await tenant.configVersion('other', 'model: x'),
    ]
    const { createConfigVersion } = await tenant.data(
      `mutation ($configId: UUID!) { createConfigVersion(input: {configId: $configId, yaml: "model: b"}) { version { versionId } } }`,
      { configId: one.configId },
    )
    configs = [one.configId, other.configId]
    versions = [one.versionId, createConfigVersion.version.versionId, other.versionId]
    await tenant.scenarios('a', 'b', 'c', 'd')
    simulations = []
    for (const version of VERSION_OF) {
      const { startSimulation } = await tenant.data(
        `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } errors { message } } }`,
        {
          input: {
            configVersionId: versions[version],
            scenarioIds: ['a', 'b', 'c', 'd'],
            repetitions: 100,
            maxRetries: 3,
          },
        },
      )
      simulations.push(startSimulation.simulation.simulationId)
    }
    // The version's model is taken where an outcome names none.
    const yaml = ['gpt', 'b', 'x']
    model = new Model(
      attempts().map((attempt) => ({
        ...attempt,
        model: attempt.model ?? yaml[VERSION_OF[attempt.simulation]!]!,
      })),
    )
    const { receipts } = await tenant.record(
      model.all.map(({ simulation, model: named, ...attempt }) => ({
        ...attempt,
        model: named,
        simulationId: simulations[simulation],
      })),
    )
    expect(receipts.map(({ status, code }) => code ?? status)).toEqual(receipts.map(() => 'STORED'))
    await summedUp(arc, tenant)
  })

  /** The same on both roads. */
  async function answered(args: string, on = '', wanted = WHOLE): Promise<any> {
    const field = `performance${args && `(${args})`} ${wanted}`
    const query = on ? `{ ${on} { ${field} } }` : `{ ${field} }`
    const token = await tenant.token()
    const [one, other] = await Promise.all([arc.post({ query }, token), byResolvers.post({ query }, token)])
    expect(other.data).toEqual(one.data)
    expect([one.errors, other.errors]).toEqual([undefined, undefined])
    const data = on ? one.data[on.split('(')[0]!] : one.data
    return data.performance
  }

  const SCOPES: [name: string, on: () => string, of: (attempt: Attempt) => boolean][] = [
    ['all', () => '', () => true],
    [
      'a configuration',
      () => `configuration(configId: "${configs[0]}")`,
      ({ simulation }) => CONFIG_OF[simulation] === 0,
    ],
    [
      'a version',
      () => `configVersion(versionId: "${versions[1]}")`,
      ({ simulation }) => VERSION_OF[simulation] === 1,
    ],
    ['a scenario', () => 'scenario(scenarioId: "c")', ({ scenarioId }) => scenarioId === 'c'],
    [
      'a simulation',
      () => `simulation(simulationId: "${simulations[2]}")`,
      ({ simulation }) => simulation === 2,
    ],
  ]
  // Half and three quarters of an hour from UTC, over the day line, and both changes of the clock.
  const ZONES = [
    'UTC',
    'Europe/Berlin',
    'America/New_York',
    'Asia/Kolkata',
    'Asia/Kathmandu',
    'Pacific/Kiritimati',
    'Australia/Lord_Howe',
  ]
  const KEYS: Record<string, (attempt: Attempt) => string> = {
    MODEL: ({ model: named }) => named!,
    CONFIGURATION: ({ simulation }) => configs[CONFIG_OF[simulation]!]!,
    CONFIG_VERSION: ({ simulation }) => versions[VERSION_OF[simulation]!]!,
    SCENARIO: ({ scenarioId }) => scenarioId,
    STATUS: ({ status }) => status,
  }
  const GRAINS = ['HOUR', 'DAY', 'WEEK', 'MONTH']

  describe.each(SCOPES)('of %s', (name, on, of) => {
    const zones = name === 'all' ? ZONES : ['UTC', 'Europe/Berlin', 'Asia/Kolkata']
    it.each(zones.flatMap((zone) => GRAINS.map((grain) => [zone, grain] as const)))(
      'in %s by %s',
      async (timeZone, grain) => {
        const [from, to] = ['2026-03-28T12:34:56Z', '2026-04-01T11:00:00Z']
        const by = Object.keys(KEYS)[(ZONES.indexOf(timeZone) + GRAINS.indexOf(grain)) % 5]!
        const answer = await answered(
          `range: {from: "${from}", to: "${to}"}, grain: ${grain}, timeZone: "${timeZone}", by: ${by}`,
          on(),
        )
        const nameOf = (time: string) => bucketName(time, grain, timeZone)
        // The buckets are those of the range, widened to whole ones: each begins where the one before ends.
        const starts: string[] = answer.buckets.map(({ bucket }: any) => bucket)
        const ends = [...starts.slice(1), answer.to]
        expect(answer.from).toBe(starts[0])
        expect([nameOf(from), nameOf(new Date(Date.parse(to) - 1).toISOString())]).toEqual([
          nameOf(starts[0]!),
          nameOf(starts.at(-1)!),
        ])
        for (const [index, start] of starts.entries()) {
          expect(nameOf(new Date(Date.parse(ends[index]!) - 1).toISOString())).toBe(nameOf(start))
          expect(nameOf(new Date(Date.parse(start) - 1).toISOString())).not.toBe(nameOf(start))
        }
        const own = model.all.filter(of)
        const within = own.filter(
          ({ executionTime }) => executionTime >= answer.from && executionTime < answer.to,
        )
        expect(within.length).toBeGreaterThan(3)
        expect(answer.summary).toEqual(near(model.sums(within)))
        for (const { bucket, ...sums } of answer.buckets)
          expect(sums, bucket).toEqual(
            near(model.sums(within.filter(({ executionTime }) => nameOf(executionTime) === nameOf(bucket)))),
          )
        const groups = groupedBy(
          by === 'STATUS' ? within.filter((each) => model.isLast(each)) : within,
          KEYS[by]!,
        )
        expect(answer.groups.totalCount).toBe(groups.size)
        for (const {
          key,
          model: named,
          status,
          configuration,
          configVersion,
          scenario,
          buckets,
          ...sums
        } of answer.groups.nodes) {
          const { runs, ...others } = model.sums(groups.get(key)!)
          const expected =
            by === 'STATUS'
              ? { runs, ...Object.fromEntries(Object.keys(others).map((field) => [field, null])) }
              : { runs, ...others }
          expect(sums, key).toEqual(near(expected))
          expect({ named, status, configuration, configVersion, scenario }).toEqual({
            named: by === 'MODEL' ? key : null,
            status: by === 'STATUS' ? key : null,
            configuration: by === 'CONFIGURATION' ? { configId: key } : null,
            configVersion: by === 'CONFIG_VERSION' ? { versionId: key } : null,
            scenario: by === 'SCENARIO' ? { scenarioId: key } : null,
          })
          if (by === 'STATUS') expect(buckets).toEqual([])
          else {
            expect(buckets.map(({ bucket }: any) => bucket)).toEqual(starts)
            expect(sum(buckets.map((each: any) => each.runs))).toBe(runs)
          }
        }
        const runs = within.filter((attempt) => model.isLast(attempt))
        const steps = runs.flatMap(({ metrics }) => (metrics as any).steps ?? [])
        const ok = runs.flatMap(({ metrics }) => (metrics as any).judge?.ok ?? []).map(Number)
        expect(answer.metrics.nodes.filter(({ metric }: any) => metric !== 'judge.tone')).toEqual(
          [
            ['judge.ok', ok],
            ['steps', steps],
          ]
            .filter(([, values]) => values!.length > 0)
            .map(([metric, values]) =>
              near({
                metric,
                runs: values!.length,
                mean: mean(values as number[]),
                deviation: deviationOf(values as number[]),
              }),
            ),
        )
        const used = groupedBy(
          within.filter(({ toolUsage }) => toolUsage?.length),
          ({ toolUsage }) => toolUsage![0]!.toolName,
        )
        expect([...answer.tools.nodes].sort((a: any, b: any) => (a.toolName < b.toolName ? -1 : 1))).toEqual(
          [...used].sort().map(([toolName, by]) => {
            const calls = sum(by.map(({ toolUsage }) => toolUsage![0]!.callCount))!
            return near({
              toolName,
              calls,
              attempts: by.length,
              runs: by.filter((attempt) => model.isLast(attempt)).length,
              successRate: 0.5,
              meanDurationMs:
                sum(by.map(({ toolUsage }) => toolUsage![0]!.callCount * toolUsage![0]!.avgDurationMs!))! /
                calls,
              costUsd: sum(by.map(() => 0.01)),
            })
          }),
        )
      },
    )
  })

  it('has the time before beside it, as many buckets long', async () => {
    const at = async (from: string, to: string, grain = 'DAY', timeZone = 'UTC') =>
      answered(`range: {from: "${from}", to: "${to}"}, grain: ${grain}, timeZone: "${timeZone}"`)
    for (const [from, middle, to, grain, zone] of [
      ['2026-03-28', '2026-03-30', '2026-04-01', 'DAY', 'UTC'],
      // One day of them has 23 hours.
      ['2026-03-27T23:00Z', '2026-03-29T22:00Z', '2026-03-31T22:00Z', 'DAY', 'Europe/Berlin'],
      ['2026-02-01', '2026-03-01', '2026-04-01', 'MONTH', 'UTC'],
      ['2026-03-16', '2026-03-23', '2026-03-30', 'WEEK', 'UTC'],
      ['2026-03-28T00:00Z', '2026-03-29T00:00Z', '2026-03-30T00:00Z', 'HOUR', 'UTC'],
    ] as const) {
      const iso = (time: string) => new Date(time).toISOString()
      const now = await at(iso(middle), iso(to), grain, zone)
      const then = await at(iso(from), iso(middle), grain, zone)
      expect(now.previous, `${grain} ${zone}`).toEqual(then.summary)
    }
  })

  it('takes only what its filter asks for', async () => {
    const range = 'range: {from: "2026-03-01T00:00:00Z", to: "2026-12-01T00:00:00Z"}'
    const month = 'range: {from: "2026-03-01T00:00:00Z", to: "2026-05-01T00:00:00Z"}'
    const cases: [args: string, filter: string, of: (attempt: Attempt) => boolean][] = [
      [range, 'model: {eq: "gpt"}', ({ model: named }) => named === 'gpt'],
      [range, 'model: {in: ["b", "x"]}', ({ model: named }) => ['b', 'x'].includes(named!)],
      [range, `configId: {eq: "${configs[0]}"}`, ({ simulation }) => CONFIG_OF[simulation] === 0],
      [
        range,
        `configVersionId: {in: ["${versions[0]}", "${versions[2]}"]}`,
        ({ simulation }) => VERSION_OF[simulation] !== 1,
      ],
      [range, `simulationId: {eq: "${simulations[1]}"}`, ({ simulation }) => simulation === 1],
      [range, 'scenarioId: {in: ["a", "d"]}', ({ scenarioId }) => ['a', 'd'].includes(scenarioId)],
      [
        range,
        `scenarioId: {eq: "a"}, configId: {eq: "${configs[0]}"}`,
        ({ scenarioId, simulation }) => scenarioId === 'a' && CONFIG_OF[simulation] === 0,
      ],
      [
        month,
        `scenarioId: {eq: "a"}, model: {eq: "gpt"}`,
        ({ scenarioId, model: named, executionTime }) =>
          scenarioId === 'a' && named === 'gpt' && executionTime < '2026-05',
      ],
    ]
    for (const [args, filter, of] of cases) {
      const { summary } = await answered(
        `${args}, grain: MONTH, filter: {${filter}}`,
        '',
        `{ summary { ${SUMS} } }`,
      )
      const own = model.all.filter(of)
      expect(own.length).toBeGreaterThan(0)
      expect(summary, filter).toEqual(near(model.sums(own)))
    }
  })

  it('pages, filters and orders groups, metrics and tools', async () => {
    const { groups, some, metrics, tools } = await answered(
      'range: {from: "2026-03-01T00:00:00Z", to: "2026-12-01T00:00:00Z"}, by: SCENARIO',
      '',
      `{ groups(first: 2, orderBy: {field: COST_USD, direction: DESC}) { totalCount pageInfo { hasNextPage } nodes { key costUsd } }
         some: groups(filter: {successRate: {lt: 0.5}, runs: {gte: 1}}) { nodes { successRate } }
         metrics(orderBy: {field: MEAN, direction: DESC}, filter: {metric: {contains: "judge"}}) { nodes { metric mean } }
         tools(filter: {calls: {gte: 1}, toolName: {eq: "edit"}}) { totalCount nodes { toolName } } }`,
    )
    const costs = [...groupedBy(model.all, ({ scenarioId }) => scenarioId)].map(
      ([key, of]) => [key, model.sums(of).costUsd!] as const,
    )
    const [first, second] = costs.sort(([, a], [, b]) => b - a)
    expect(groups).toEqual({
      totalCount: 4,
      pageInfo: { hasNextPage: true },
      nodes: [first, second].map((each) => ({ key: each![0], costUsd: expect.closeTo(each![1], 10) })),
    })
    for (const { successRate } of some.nodes) expect(successRate).toBeLessThan(0.5)
    expect(metrics.nodes.map(({ metric }: any) => metric)).toEqual(['judge.tone', 'judge.ok'])
    expect(tools).toEqual({ totalCount: 1, nodes: [{ toolName: 'edit' }] })
  })

  it('is of the whole time of a simulation, of the last 30 days else', async () => {
    const { from, to, summary } = await answered('', `simulation(simulationId: "${simulations[0]}")`)
    const own = model.all.filter(({ simulation }) => simulation === 0)
    const times = own.map(({ executionTime }) => executionTime).sort()
    expect([from, to]).toEqual([
      `${times[0]!.slice(0, 10)}T00:00:00.000Z`,
      new Date(Date.parse(`${times.at(-1)!.slice(0, 10)}T00:00:00Z`) + 24 * 3_600_000).toISOString(),
    ])
    expect(summary.attempts).toBe(own.length)
    const nothing = await tenant.simulation(['a'])
    expect(
      await answered(
        '',
        `simulation(simulationId: "${nothing}")`,
        '{ from to buckets { bucket } summary { attempts costUsd } }',
      ),
    ).toEqual({
      from: null,
      to: null,
      buckets: [],
      summary: { attempts: 0, costUsd: null },
    })
    const lately = await answered('', '', '{ from to buckets { bucket } }')
    expect(Date.parse(lately.to)).toBeGreaterThan(Date.now())
    expect(lately.buckets).toHaveLength(31)
    const since = await answered('range: {from: "2026-11-01T00:00:00Z"}, grain: WEEK', '', '{ from to }')
    expect(since.from).toBe('2026-10-26T00:00:00.000Z')
  })

  it('says since when sums are complete', async () => {
    const simulationId = await tenant.simulation(['fresh'])
    const before = new Date()
    await tenant.record([
      { simulationId, scenarioId: 'fresh', status: 'SUCCESS', executionTime: '2026-06-01T00:00:00Z' },
    ])
    await summedUp(arc, tenant)
    const { asOf, summary } = await tenant
      .data(
        '{ performance(range: {from: "2026-06-01T00:00:00Z", to: "2026-06-02T00:00:00Z"}) { asOf summary { runs } } }',
      )
      .then(({ performance }) => performance)
    expect(summary).toEqual({ runs: 1 })
    expect(Date.parse(asOf)).toBeGreaterThanOrEqual(before.getTime() - 1000)
  })

  it('tells of each day, simulation by simulation', async () => {
    const { dailyStats, some } = await tenant.data(
      `{ dailyStats(first: 500, filter: {hour: {gte: "2026-03-01T00:00:00Z"}}) { totalCount nodes { day simulationId simulation { simulationId } attempts runs succeeded costUsd } }
         some: dailyStats(filter: {hour: {gte: "2026-03-01T00:00:00Z"}, simulationId: {eq: "${simulations[1]}"}, runs: {gte: 1}}, orderBy: {field: COST_USD, direction: DESC}) { nodes { simulationId } } }`,
    )
    const days = groupedBy(
      model.all,
      ({ simulation, executionTime }) => `${executionTime.slice(0, 10)} ${simulations[simulation]}`,
    )
    const own = dailyStats.nodes.filter(({ simulationId }: any) => simulations.includes(simulationId))
    expect(own).toHaveLength(days.size)
    for (const { day, simulationId, simulation, ...sums } of own) {
      expect(simulation).toEqual({ simulationId })
      expect(near(model.sums(days.get(`${day.slice(0, 10)} ${simulationId}`)!))).toMatchObject(sums)
    }
    expect(new Set(some.nodes.map(({ simulationId }: any) => simulationId))).toEqual(
      new Set([simulations[1]]),
    )
  })

  it.each([
    ['range: {from: "2026-03-02T00:00:00Z", to: "2026-03-01T00:00:00Z"}', 'BAD_USER_INPUT', ['range']],
    ['range: {from: "2026-03-02T00:00:00Z", to: "2026-03-02T00:00:00Z"}', 'BAD_USER_INPUT', ['range']],
    ['timeZone: "Mars/Olympus"', 'BAD_USER_INPUT', ['timeZone']],
    ['timeZone: "+05:30"', 'BAD_USER_INPUT', ['timeZone']],
    ['timeZone: ""', 'BAD_USER_INPUT', ['timeZone']],
    [
      'range: {from: "2026-01-01T00:00:00Z", to: "2026-06-01T00:00:00Z"}, grain: HOUR',
      'LIMIT_EXCEEDED',
      ['range'],
    ],
    ['range: {from: "2001-01-01T00:00:00Z"}', 'LIMIT_EXCEEDED', ['range']],
    // Only outcomes can tell.
    [
      'range: {from: "2026-01-01T00:00:00Z", to: "2026-06-01T00:00:00Z"}, timeZone: "Asia/Kolkata"',
      'LIMIT_EXCEEDED',
      ['range'],
    ],
    [
      'range: {from: "2026-01-01T00:00:00Z", to: "2026-06-01T00:00:00Z"}, filter: {scenarioId: {eq: "a"}, model: {eq: "b"}}',
      'LIMIT_EXCEEDED',
      ['range'],
    ],
  ])('refuses %s', async (args, code, input) => {
    const query = `{ performance(${args}) { summary { runs } } }`
    const token = await tenant.token()
    const [one, other] = await Promise.all([arc.post({ query }, token), byResolvers.post({ query }, token)])
    expect(one.errors).toEqual(other.errors)
    expect(one.errors).toMatchObject([{ extensions: { code, input } }])
  })
})
