import sql, { empty, join, type Sql } from 'sql-template-tag'
import { column, columnName, identifier, textLiteral } from '../../reads/catalogue.ts'
import type { ComputedRows, Decimal, ParentKeys } from '../../reads/computedPages.ts'
import type { Condition } from '../../reads/condition.ts'
import { conditionSql, fieldsOf } from '../../reads/conditionSql.ts'
import {
  DEFAULT_DAYS,
  GRAIN_HOURS,
  type Grain,
  knowsVersions,
  MOST_BUCKETS,
  type PerformanceQuestion,
  type Source,
  sourceOf,
} from './performance.ts'

/** The whole buckets that a question is about. */
export interface AnsweredRange {
  /** Null where nobody says and the simulation has no outcomes. */
  first: Date | null
  /** It is not part of the range. */
  last: Date | null
  asOf: Date
}

/**
 * Attempts are counted by their name; tokens and costs are of all attempts, as each was paid for. All else is of runs, each by
 * its last attempt. What is known of none is null.
 */
export interface Sums {
  attempts: bigint
  runs: bigint
  succeeded: bigint
  failed: bigint
  errors: bigint
  timeouts: bigint
  cancelled: bigint
  successRate: number | null
  scored: bigint
  meanScore: number | null
  scoreDeviation: number | null
  tokens: bigint | null
  promptTokens: bigint | null
  completionTokens: bigint | null
  costUsd: Decimal | null
  meanMs: number | null
  p50Ms: number | null
  p90Ms: number | null
  p95Ms: number | null
  p99Ms: number | null
}

export type BucketSums = Sums & { bucket: Date }

/** Of what is told apart by status only runs are known: the rest is null. */
export type GroupSums = { [Name in keyof Sums]: Name extends 'runs' ? Sums[Name] : Sums[Name] | null } & {
  /** What it is told apart by, as text; empty for the model that is not known. */
  key: string
  model: string | null
  configId: string | null
  configVersionId: string | null
  scenarioId: string | null
  status: string | null
}

export interface MetricSums {
  metric: string
  runs: bigint
  mean: number
  deviation: number | null
}

export interface ToolSums {
  toolName: string
  calls: bigint
  attempts: bigint
  runs: bigint
  successRate: number
  meanDurationMs: number | null
  costUsd: Decimal | null
}

export type DailySums = Sums & { day: Date; simulationId: string }

/** As they are stored: floating-point numbers of equal sums are equal. */
const rounded = (value: Sql) => sql`round(${value}, 12)::double precision`
const sum = (name: string) => sql`coalesce(sum(${identifier(`s.${name}`)}), 0)`
const ratio = (above: Sql, below: Sql) => rounded(sql`${above}::numeric / nullif(${below}, 0)`)
/** The sample standard deviation; null for fewer than two. */
const deviation = (count: Sql, total: Sql, squares: Sql) =>
  rounded(
    sql`sqrt(greatest(${squares} - ${total} * ${total} / nullif(${count}, 0), 0) / nullif(greatest(${count} - 1, 0), 0))`,
  )
const quantile = (source: Source, share: `0.${number}`) => {
  const literal = sql`${textLiteral(share)}::double precision`
  return source === 'outcomes'
    ? sql`(percentile_disc(${literal}) within group (order by s.duration_ms))::double precision`
    : sql`duration_quantile(sum(s.durations::vector), ${literal})`
}

const COUNTS = [
  'attempts',
  'runs',
  'succeeded',
  'failed',
  'errors',
  'timeouts',
  'cancelled',
  'scored',
] as const

/** What each is of the rows `s`. */
function sumsOf(source: Source): Readonly<Record<keyof Sums, Sql>> {
  const [runs, scored] = [sum('runs'), sum('scored')]
  return {
    attempts: sql`${sum('attempts')}::bigint`,
    runs: sql`${runs}::bigint`,
    succeeded: sql`${sum('succeeded')}::bigint`,
    failed: sql`(${runs} - ${sum('succeeded')})::bigint`,
    errors: sql`${sum('errors')}::bigint`,
    timeouts: sql`${sum('timeouts')}::bigint`,
    cancelled: sql`${sum('cancelled')}::bigint`,
    successRate: ratio(sum('succeeded'), runs),
    scored: sql`${scored}::bigint`,
    meanScore: ratio(sql`sum(s.score_sum)`, scored),
    scoreDeviation: deviation(scored, sql`sum(s.score_sum)`, sql`sum(s.score_squares)`),
    tokens: sql`sum(s.tokens)::bigint`,
    promptTokens: sql`sum(s.prompt_tokens)::bigint`,
    completionTokens: sql`sum(s.completion_tokens)::bigint`,
    costUsd: sql`sum(s.cost_usd)`,
    meanMs: ratio(sql`sum(s.duration_ms)`, sum('timed')),
    p50Ms: quantile(source, '0.5'),
    p90Ms: quantile(source, '0.9'),
    p95Ms: quantile(source, '0.95'),
    p99Ms: quantile(source, '0.99'),
  }
}

const SUM_FIELDS = Object.keys(sumsOf('outcome_hours')) as (keyof Sums)[]

function named(columns: Readonly<Record<string, Sql>>): Sql {
  return join(
    Object.entries(columns).map(([field, value]) => sql`${value} as ${identifier(columnName(field))}`),
    ', ',
  )
}

/** Each attempt with the columns of the sums. */
const ATTEMPTS = sql`
  select o.config_version_id, o.simulation_id, o.scenario_id, coalesce(o.model, '') as model, o.execution_time as bucket,
    1 as attempts, (not o.superseded)::int as runs, (not o.superseded and o.status = 'success')::int as succeeded,
    (not o.superseded and o.status = 'error')::int as errors, (not o.superseded and o.status = 'timeout')::int as timeouts,
    (not o.superseded and o.status = 'cancelled')::int as cancelled,
    (not o.superseded and o.reliability_score is not null)::int as scored,
    case when not o.superseded then o.reliability_score::numeric end as score_sum,
    case when not o.superseded then o.reliability_score::numeric * o.reliability_score::numeric end as score_squares,
    o.tokens_used as tokens, o.prompt_tokens, o.completion_tokens, o.cost_usd,
    (not o.superseded and o.execution_time_ms is not null)::int as timed,
    case when not o.superseded then o.execution_time_ms end as duration_ms
  from outcomes o`
const METRICS_OF_RUNS = sql`
  select o.config_version_id, o.simulation_id, o.scenario_id, coalesce(o.model, '') as model, o.execution_time as bucket,
    m.metric, 1 as runs, m.value as total, m.value * m.value as squares
  from outcomes o cross join lateral metric_values(o.metrics) m where not o.superseded`
const TOOLS_OF_ATTEMPTS = sql`
  select o.config_version_id, o.simulation_id, o.scenario_id, coalesce(o.model, '') as model, o.execution_time as bucket,
    t.tool_name::text, 1 as attempts, (not o.superseded)::int as runs, t.call_count as calls,
    t.success_rate::numeric * t.call_count as succeeded_calls,
    case when t.avg_duration_ms is not null then t.call_count else 0 end as timed_calls,
    t.avg_duration_ms::numeric * t.call_count as duration_ms, t.total_cost_usd::numeric as cost_usd
  from outcomes o cross join lateral unnest(o.used_tools) t`

function hours(count: number): Sql {
  return sql`interval ${textLiteral(`${count} hours`)}`
}

/** Answers one question for many at a time: of each part a SELECT. */
export class PerformanceRows {
  readonly #question: PerformanceQuestion
  readonly #now: () => Date

  constructor(question: PerformanceQuestion, now: () => Date) {
    this.#question = question
    this.#now = now
  }

  range(parents: ParentKeys): ComputedRows {
    const asOf = this.#source() === 'outcomes' ? sql`now()` : sql`rollups_as_of(q.first, q.last)`
    return {
      name: sql`performance`,
      fields: ['first', 'last', 'asOf'] satisfies (keyof AnsweredRange)[],
      select: sql`select q.parent, q.first, q.last, ${asOf} as as_of from ${this.#asked(parents)}`,
    }
  }

  summary(parents: ParentKeys): ComputedRows {
    return this.#total(parents, sql`q.first`, sql`q.last`)
  }

  /** The sums of as long a time before. */
  previous(parents: ParentKeys): ComputedRows {
    return this.#total(parents, sql`q.earlier`, sql`q.first`)
  }

  #total(parents: ParentKeys, first: Sql, last: Sql): ComputedRows {
    const source = this.#source()
    return {
      name: sql`performanceSums`,
      fields: SUM_FIELDS,
      select: sql`select q.parent, a.* from ${this.#asked(parents)}
        cross join lateral (
          select ${named(sumsOf(source))} from ${this.#rows(source)} where ${this.#isAsked(source, first, last)}
        ) a`,
    }
  }

  /** All buckets of the range in order. `groups`: for each parent the key of the group that is asked about. */
  buckets(parents: ParentKeys, groups?: ParentKeys): ComputedRows {
    const by = groups === undefined ? undefined : this.#question.by
    const source = this.#source(by)
    // Of a status no bucket tells more than those of all do.
    const ofGroup =
      by === undefined ? empty : by === 'status' ? sql` and false` : sql` and ${keyOf(by)} = q.key`
    const counts: readonly string[] = COUNTS
    const filled = SUM_FIELDS.map((field) => {
      const name = identifier(columnName(field))
      return counts.includes(field) ? sql`coalesce(a.${name}, 0) as ${name}` : sql`a.${name}`
    })
    // Half of the shortest bucket: none is stepped over, whatever the clocks do.
    const steps = sql`generate_series(q.first, q.last - interval '1 microsecond', ${hours(GRAIN_HOURS[this.#question.grain] / 2)})`
    return {
      name: sql`performanceBuckets`,
      fields: [...(by ? ['key'] : []), 'bucket', ...SUM_FIELDS],
      select: sql`select q.parent${by ? sql`, q.key` : empty}, x.* from ${this.#asked(parents, groups)}
        cross join lateral (
          select b.bucket, ${join(filled, ', ')}
          from (select distinct ${this.#bucketOf(sql`at`)} as bucket from ${steps} at) b
          left join (
            select ${this.#bucketOf(sql`s.bucket`)} as at, ${named(sumsOf(source))}
            from ${this.#rows(source)} where ${this.#isAsked(source)}${ofGroup}
            group by 1
          ) a on a.at = b.bucket
          order by b.bucket
        ) x where ${by === 'status' ? sql`false` : sql`true`}`,
    }
  }

  groups(parents: ParentKeys): ComputedRows {
    const { by } = this.#question
    const fields: (keyof GroupSums)[] = [
      'key',
      'model',
      'configId',
      'configVersionId',
      'scenarioId',
      'status',
      ...SUM_FIELDS,
    ]
    return {
      name: sql`performanceGroups`,
      fields,
      select: by === 'status' ? this.#statuses(parents) : this.#groupedBy(by, parents),
    }
  }

  #groupedBy(by: Exclude<PerformanceQuestion['by'], 'status'>, parents: ParentKeys): Sql {
    const source = this.#source(by)
    const asked = this.#asked(parents)
    // Nothing is told apart where nobody says by what.
    if (!by)
      return sql`select q.parent, ${named(groupKeys({}))}, ${named(sumsOf('outcome_hours'))}
        from ${asked} cross join outcome_hours s where false group by 1`
    return sql`select q.parent, a.* from ${asked}
      cross join lateral (
        select ${named(groupKeys({ [by]: by === 'model' ? sql`nullif(s.model, '')` : column(by, 's') }, keyOf(by)))},
          ${named(sumsOf(source))}
        from ${this.#rows(source)} where ${this.#isAsked(source)}
        group by ${column(by, 's')}
      ) a`
  }

  #statuses(parents: ParentKeys): Sql {
    const source = this.#source()
    const sums = SUM_FIELDS.map((field) =>
      field === 'runs'
        ? sql`sum(t.runs)::bigint as runs`
        : sql`null${castOf(field)} as ${identifier(columnName(field))}`,
    )
    return sql`select q.parent, a.* from ${this.#asked(parents)}
      cross join lateral (
        select ${named(groupKeys({ status: sql`t.status` }, sql`upper(t.status)`))}, ${join(sums, ', ')}
        from ${this.#rows(source)}
        cross join lateral (values ('success', s.succeeded), ('error', s.errors),
          ('timeout', s.timeouts), ('cancelled', s.cancelled)) t(status, runs)
        where ${this.#isAsked(source)} and t.runs > 0
        group by t.status
      ) a`
  }

  metrics(parents: ParentKeys): ComputedRows {
    const source = sourceOf(this.#question, { of: 'metric' }, this.#now)
    return {
      name: sql`performanceMetrics`,
      fields: ['metric', 'runs', 'mean', 'deviation'] satisfies (keyof MetricSums)[],
      select: sql`select q.parent, a.* from ${this.#asked(parents)}
        cross join lateral (
          select s.metric, sum(s.runs)::bigint as runs, ${ratio(sql`sum(s.total)`, sql`sum(s.runs)`)} as mean,
            ${deviation(sql`sum(s.runs)`, sql`sum(s.total)`, sql`sum(s.squares)`)} as deviation
          from ${this.#rows(source, METRICS_OF_RUNS)} where ${this.#isAsked(source)}
          group by s.metric
        ) a`,
    }
  }

  tools(parents: ParentKeys): ComputedRows {
    const source = sourceOf(this.#question, { of: 'tool' }, this.#now)
    return {
      name: sql`performanceTools`,
      fields: [
        'toolName',
        'calls',
        'attempts',
        'runs',
        'successRate',
        'meanDurationMs',
        'costUsd',
      ] satisfies (keyof ToolSums)[],
      select: sql`select q.parent, a.* from ${this.#asked(parents)}
        cross join lateral (
          select s.tool_name, sum(s.calls)::bigint as calls, sum(s.attempts)::bigint as attempts, sum(s.runs)::bigint as runs,
            ${ratio(sql`sum(s.succeeded_calls)`, sql`sum(s.calls)`)} as success_rate,
            ${ratio(sql`sum(s.duration_ms)`, sql`sum(s.timed_calls)`)} as mean_duration_ms, sum(s.cost_usd) as cost_usd
          from ${this.#rows(source, TOOLS_OF_ATTEMPTS)} where ${this.#isAsked(source)}
          group by s.tool_name
        ) a`,
    }
  }

  #source(by?: PerformanceQuestion['by']): Source {
    return sourceOf(this.#question, { by }, this.#now)
  }

  /** The rows `s` that hold the sums. */
  #rows(source: Source, outcomes: Sql = ATTEMPTS): Sql {
    const { about, by, where } = this.#question
    const rows = source === 'outcomes' ? sql`(${outcomes})` : identifier(source)
    // What is asked of a part of the question only, its groups, other parts do not know.
    if (!knowsVersions(source) || ![about, by, ...fieldsOf(where)].includes('configId')) return sql`${rows} s`
    return sql`(select r.*, v.config_id from ${rows} r join config_versions v on v.version_id = r.config_version_id) s`
  }

  #isAsked(source: Source, first: Sql = sql`q.first`, last: Sql = sql`q.last`): Sql {
    const { about, where, grain } = this.#question
    const conditions = [sql`s.bucket >= ${first}`, sql`s.bucket < ${last}`, conditionSql(where, 's')]
    if (about)
      conditions.push(
        sql`${column(about, 's')} = q.parent::${identifier(about === 'scenarioId' ? 'text' : 'uuid')}`,
      )
    if (source === 'outcomes') {
      // Of what each row of `q` says the planner knows nothing: by these it leaves out parts of the history.
      const { from, to } = this.#bounds()
      const margin = hours(2 * LONGEST_HOURS[grain])
      if (from) conditions.push(sql`s.bucket >= ${from} - (${to ?? sql`now()`} - ${from}) - ${margin}`)
      if (to) conditions.push(sql`s.bucket < ${to} + ${margin}`)
    }
    return join(conditions, ' and ')
  }

  /** As they were given, or are when nobody says; a simulation has a time of its own. */
  #bounds(): { from: Sql | undefined; to: Sql | undefined } {
    const { about, from, to } = this.#question
    const said = (time: Date | undefined) => time && sql`${time}::timestamptz`
    if (about === 'simulationId') return { from: said(from), to: said(to) }
    const end = said(to) ?? sql`now()`
    return { from: said(from) ?? sql`${end} - ${hours(24 * DEFAULT_DAYS)}`, to: end }
  }

  /** The parents `q`, each with the range of whole buckets that is asked about. */
  #asked(parents: ParentKeys, groups?: ParentKeys): Sql {
    const { about, grain } = this.#question
    const { from, to } = this.#bounds()
    const of = groups
      ? sql`unnest(${parents}::text[], ${groups}::text[]) p(parent, key)`
      : sql`unnest(${parents}::text[]) p(parent)`
    const least = GRAIN_HOURS[grain]
    const begin = from ?? sql`greatest(o.first, o.last - ${hours(MOST_BUCKETS * least)})`
    const end = to ?? sql`o.last`
    const own =
      about === 'simulationId' && !(from && to)
        ? sql`cross join lateral (
          select min(s.first_outcome_at) as first, max(s.last_outcome_at) + interval '1 microsecond' as last
          from simulations s where s.simulation_id = p.parent::uuid) o`
        : empty
    // A bucket and a half from the beginning of one is in the next, and from half a bucket on it is in the nearest.
    return sql`(
      select p.*, b.first, b.last, ${this.#bucketOf(sql`b.first - (b.last - b.first) + ${hours(least / 2)}`)} as earlier
      from ${of} ${own}
      cross join lateral (
        select ${this.#bucketOf(begin)} as first,
          ${this.#bucketOf(sql`${this.#bucketOf(sql`${end} - interval '1 microsecond'`)} + ${hours((3 * LONGEST_HOURS[grain]) / 2)}`)} as last
      ) b
    ) q`
  }

  #bucketOf(time: Sql): Sql {
    const { grain, timeZone } = this.#question
    return sql`date_trunc(${textLiteral(grain)}, ${time}, ${textLiteral(timeZone)})`
  }
}

const LONGEST_HOURS: Readonly<Record<Grain, number>> = {
  hour: 1,
  day: 25,
  week: 7 * 24 + 1,
  month: 31 * 24 + 1,
}

function keyOf(by: NonNullable<PerformanceQuestion['by']>): Sql {
  return sql`${column(by, 's')}::text`
}

const GROUP_KEYS = {
  model: 'text',
  configId: 'uuid',
  configVersionId: 'uuid',
  scenarioId: 'text',
  status: 'text',
} as const

function groupKeys(
  known: Partial<Record<keyof typeof GROUP_KEYS, Sql>>,
  key: Sql = sql`''`,
): Record<string, Sql> {
  const keys = Object.entries(GROUP_KEYS).map(([field, type]) => [
    field,
    known[field as keyof typeof GROUP_KEYS] ?? sql`null::${identifier(type)}`,
  ])
  return { key, ...Object.fromEntries(keys) }
}

function castOf(field: keyof Sums): Sql {
  const counts: readonly string[] = COUNTS
  if (
    counts.includes(field) ||
    field === 'tokens' ||
    field === 'promptTokens' ||
    field === 'completionTokens'
  )
    return sql`::bigint`
  return field === 'costUsd' ? sql`::numeric` : sql`::double precision`
}

/** What ended on each day (UTC), simulation by simulation. */
export function dailySums(where: Condition): ComputedRows {
  return {
    name: sql`dailyStats`,
    fields: ['day', 'simulationId', ...SUM_FIELDS],
    select: sql`
      select '' as parent, date_trunc('day', s.bucket, 'UTC') as day, s.simulation_id, ${named(sumsOf('outcome_hours'))}
      from outcome_hours s where ${conditionSql(where, 's')}
      group by 2, 3`,
  }
}
