import { deepStrictEqual } from 'node:assert'
import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { median, quantile } from './figures.ts'
import type { GraphQLConnections } from './graphqlConnections.ts'
import { prepareTenant } from './workload.ts'

/** Of a tenant with many outcomes to one with few: what a question costs must not grow with the history. */
export interface AnalyticsResult {
  /** The fewer and the more. */
  outcomes: [number, number]
  /** How long it took to sum all of them up. */
  rollUpSeconds: number
  questions: {
    description: string
    /** Milliseconds over HTTP, of each tenant. */
    few: { p50: number; p95: number }
    many: { p50: number; p95: number }
    /** The same by one hand-written statement on the roll-up, and on the outcomes themselves, of the tenant with many. */
    statementMs: number
    outcomesMs: number
  }[]
}

const DAYS = 365
const VERSIONS = 20
const SCENARIOS = 100
const MODELS = 4
/** Of each question and tenant. */
const ROUNDS = 40

interface Filled {
  tenantId: string
  outcomes: number
}

/**
 * A year of outcomes, as many on each day, of 20 versions: each version runs once a day, for two hours, and each scenario
 * on each day, whether the tenant has few or many. They are made in the database: what is measured reads nothing else of them.
 */
export async function fillYear(
  arc: GraphQLConnections,
  admin: pg.Client,
  { tenantId, outcomes }: Filled,
): Promise<void> {
  const versionIds = await prepareTenant(arc, VERSIONS)
  const perDay = outcomes / DAYS
  for (let day = 0; day < DAYS; day++) {
    const simulationIds = versionIds.map(() => randomUUID())
    await admin.query(
      `insert into store.outcomes
        (user_id, outcome_id, simulation_id, config_version_id, scenario_id, execution_time, status, reliability_score,
          execution_time_ms, tokens_used, prompt_tokens, completion_tokens, cost_usd, model, event_seq, metrics)
      select $1, gen_random_uuid(), ($2::uuid[])[1 + n % $4::int], ($3::uuid[])[1 + n % $4::int], 'scenario_' || (n + n / ${SCENARIOS}) % ${SCENARIOS},
        date_trunc('day', now(), 'UTC') - make_interval(days => $5) + make_interval(hours => n % $4::int, secs => (n * 7919 % 7200)::int),
        case n % 10 when 0 then 'error' when 1 then 'timeout' else 'success' end,
        case when n % 5 > 0 then (n % 97) / 96.0 end, 500 + n * 7919 % 90000, 900 + n % 500, 700, 200 + n % 500,
        0.001 * (1 + n % 40), 'model ' || (n % $4::int) % ${MODELS}, n, jsonb_build_object('quality', (n % 11) / 10.0)
      from generate_series(0, $6::int - 1) n`,
      [
        tenantId,
        simulationIds,
        versionIds,
        VERSIONS,
        day,
        Math.round(perDay * (day + 1)) - Math.round(perDay * day),
      ],
    )
  }
  await admin.query(
    `insert into store.stale_hours (user_id, bucket)
    select distinct user_id, store.hour_of(execution_time) from store.outcomes where user_id = $1`,
    [tenantId],
  )
}

/** All that is marked. @returns in seconds. */
export async function rollUp(admin: pg.Client): Promise<number> {
  const begin = performance.now()
  for (;;) {
    const { rows } = await admin.query<{ hours: number }>('select refresh_rollups(5000) as hours')
    const { rows: marked } = await admin.query('select from store.stale_hours limit 1')
    // None: or another is at it.
    if (rows[0]!.hours === 0 && marked.length === 0) break
  }
  const seconds = (performance.now() - begin) / 1_000
  await admin.query('vacuum analyze')
  return seconds
}

interface Question {
  description: string
  days: number
  args: string
}

const QUESTIONS: Question[] = [30, 365].flatMap((days) => [
  {
    description: `${days} days by the day: sums, time before, buckets`,
    days,
    args: 'grain: DAY',
  },
  {
    description: `${days} days by the ${days > 30 ? 'week' : 'hour'} in Berlin`,
    days,
    args: `grain: ${days > 30 ? 'WEEK' : 'HOUR'}, timeZone: "Europe/Berlin"`,
  },
  { description: `${days} days by model`, days, args: 'grain: DAY, by: MODEL' },
  { description: `${days} days by version`, days, args: 'grain: DAY, by: CONFIG_VERSION' },
  { description: `${days} days by scenario`, days, args: 'grain: DAY, by: SCENARIO' },
])

const SUMS = 'runs successRate meanScore costUsd p50Ms p95Ms'

export async function measureAnalytics(
  admin: pg.Client,
  few: Filled & { arc: GraphQLConnections },
  many: Filled & { arc: GraphQLConnections },
  rollUpSeconds: number,
): Promise<AnalyticsResult> {
  const questions: AnalyticsResult['questions'] = []
  for (const { description, days, args } of QUESTIONS) {
    const { from, to } = await bounds(admin, days)
    const groups = args.includes('by:')
      ? `groups(first: 100) { nodes { key ${SUMS} } }`
      : `buckets { bucket ${SUMS} }`
    const body = JSON.stringify({
      query: `query ($from: DateTime!, $to: DateTime!) {
        performance(range: { from: $from, to: $to }, ${args}) { summary { ${SUMS} } previous { runs } ${groups} }
      }`,
      variables: { from, to },
    })
    const measured = { few: [] as number[], many: [] as number[] }
    // In turn, so that what else the machine does meets both.
    for (let round = 0; round < ROUNDS + 3; round++)
      for (const [name, { arc }] of [
        ['few', few],
        ['many', many],
      ] as const) {
        const begin = performance.now()
        await arc.data(body)
        if (round >= 3) measured[name].push(performance.now() - begin)
      }
    const { performance: answered } = await many.arc.data<{ performance: { summary: { runs: number } } }>(
      body,
    )
    const statementMs: number[] = []
    const outcomesMs: number[] = []
    const hours = /Berlin/.test(args)
    for (let round = 0; round < 3; round++) {
      const range = await widened(admin, from, to, args)
      const sums = await timed(admin, sumsStatement(hours ? 'store.outcome_hours' : 'store.outcome_days'), [
        many.tenantId,
        ...range,
      ])
      const rows = await timed(admin, OUTCOMES_STATEMENT, [many.tenantId, ...range])
      for (const { result } of [sums, rows])
        deepStrictEqual(Number(result), answered.summary.runs, description)
      statementMs.push(sums.ms)
      outcomesMs.push(rows.ms)
    }
    const told = (values: number[]) => ({ p50: median(values), p95: quantile(values, 0.95) })
    questions.push({
      description,
      few: told(measured.few),
      many: told(measured.many),
      statementMs: median(statementMs),
      outcomesMs: median(outcomesMs),
    })
  }
  return { outcomes: [few.outcomes, many.outcomes], rollUpSeconds, questions }
}

/** Whole days, the last of them complete. */
async function bounds(admin: pg.Client, days: number): Promise<{ from: string; to: string }> {
  const { rows } = await admin.query<{ from: string; to: string }>(
    `select to_char(day - make_interval(days => $1), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as from, to_char(day, 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as to
    from (select date_trunc('day', now(), 'UTC') at time zone 'UTC' as day) d`,
    [days],
  )
  return rows[0]!
}

async function widened(admin: pg.Client, from: string, to: string, args: string): Promise<[Date, Date]> {
  const grain = /grain: (\w+)/.exec(args)![1]!.toLowerCase()
  const zone = /timeZone: "([^"]+)"/.exec(args)?.[1] ?? 'UTC'
  const { rows } = await admin.query<{ first: Date; last: Date }>(
    `select date_trunc($3, $1::timestamptz, $4) as first,
      date_trunc($3, date_trunc($3, $2::timestamptz - interval '1 microsecond', $4) + 1.5 * ('1 ' || $3)::interval, $4) as last`,
    [from, to, grain, zone],
  )
  return [rows[0]!.first, rows[0]!.last]
}

const sumsStatement = (table: string) => `
  select sum(runs) as result, min(rate), min(score), min(cost), min(p50), min(p95) from (
    select bucket, sum(runs) as runs, sum(succeeded)::float8 / sum(runs) as rate, sum(score_sum) / sum(scored) as score, sum(cost_usd) as cost,
      duration_quantile(sum(durations::vector), 0.5) as p50, duration_quantile(sum(durations::vector), 0.95) as p95
    from ${table} where user_id = $1 and bucket >= $2 and bucket < $3 group by 1) s`
const OUTCOMES_STATEMENT = `
  select sum(runs) as result, min(rate), min(score), min(cost), min(p) from (
    select date_trunc('day', execution_time, 'UTC'), count(*) as runs, avg((status = 'success')::int) as rate, avg(reliability_score) as score,
      sum(cost_usd) as cost, percentile_disc(array[0.5, 0.95]) within group (order by execution_time_ms) as p
    from store.outcomes where user_id = $1 and execution_time >= $2 and execution_time < $3 and not superseded group by 1) s`

async function timed(admin: pg.Client, statement: string, values: unknown[]) {
  const begin = performance.now()
  const { rows } = await admin.query<{ result: string }>(statement, values)
  return { ms: performance.now() - begin, result: rows[0]!.result }
}
