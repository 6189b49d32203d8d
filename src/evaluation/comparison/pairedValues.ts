import sql, { empty, type Sql } from 'sql-template-tag'
import type { Source } from '../../reads/answers/parts.ts'
import { evaluated, inStretch, rowsByTime } from '../../reads/byTime.ts'
import { all, type Condition } from '../../reads/condition.ts'
import { conditionSql } from '../../reads/conditionSql.ts'
import { Refusal } from '../../refusal.ts'
import { inTurns } from '../../turns.ts'

/** One repetition of a scenario: a run. What is unknown is null, and never zero. */
export interface RunValues {
  repetition: number
  /**
   * 1 where its last attempt succeeded, else 0, as are score, duration, category and metrics those of its last attempt. Null where it is not known: on one side of a
   * pair that was not graded, beside one that was.
   */
  success: 0 | 1 | null
  /** 0 to 1 */
  score: number | null
  /** Of all its attempts, of which it is known: each was paid for. */
  costUsd: number | null
  tokens: number | null
  durationMs: number | null
  /** Why it failed; null where it succeeded. */
  category: string | null
  /** Numbers, and whether something was met as 1 or 0, by their path of one or two keys (`accuracy`, `judge.tone`); those that were asked for. */
  metrics: Readonly<Record<string, number>>
}

/** What one simulation has of a scenario: its runs that ended, by their repetition, one at least. */
export interface ScenarioSide {
  /** Its revision when the simulation was planned; null when there is none as old. */
  revision: number | null
  runs: readonly RunValues[]
}

/** Of the two simulations of a pair; null on the side that has no runs of it. */
export interface ScenarioValues {
  scenarioId: string
  baseline: ScenarioSide | null
  candidate: ScenarioSide | null
}

export interface ComparedSimulation {
  simulationId: string
  status: string
  configVersionId: string
}

/** Two simulations with the values of all their runs. Where one is not there, no scenario is. */
export interface PairedValues {
  baselineId: string
  candidateId: string
  /** Null when the tenant has no such simulation. */
  baseline: ComparedSimulation | null
  candidate: ComparedSimulation | null
  /** By their key. */
  scenarios: readonly ScenarioValues[]
}

export type SimulationPair = readonly [baselineId: string, candidateId: string]

/** Which of the metrics' dimensions are read. */
export type Dimensions = 'ALL' | readonly string[]

/** In the simulations of a call together: 20 MB of text. */
const MOST_RUNS = 200_000
/** Stands for the scenarios of more. */
const TOO_MANY = 'too many'

type StoredRun = [
  repetition: number,
  success: 0 | 1,
  score: number | null,
  costUsd: number | null,
  tokens: number | null,
  durationMs: number | null,
  category: string | null,
  metrics: Record<string, number> | null,
]

/**
 * The values of each repetition of each scenario on both sides of pairs of simulations, by one statement, in the order of the pairs. Each simulation is read once
 * in however many pairs it is, and where its outcomes lie in time. A simulation of 1,000 runs is some 60 KB of text, and each dimension 20 KB.
 * @throws Refusal TOO_LARGE for more than 200,000 runs
 */
export async function readPairedValues(
  reads: { query<Row extends object>(statement: Sql): Promise<Row[]> },
  pairs: readonly SimulationPair[],
  dimensions: Dimensions = [],
): Promise<PairedValues[]> {
  if (pairs.length === 0) return []
  const [row] = await reads.query<{ values: string }>(
    sql`/* pairedValues */ select ${valuesText(pairs.flat(), dimensions)} as values`,
  )
  return pairedValues(row!.values, pairs)
}

/** What a statement reads for `pairedValues`, in these simulations. */
export function valuesSource(simulationIds: readonly string[], dimensions: Dimensions): Source {
  return { text: () => valuesText(simulationIds, dimensions), reads: 3, huge: 1 }
}

/** The values of pairs of what was read of their simulations. @throws Refusal TOO_LARGE for more than 200,000 runs */
export async function pairedValues(read: string, pairs: readonly SimulationPair[]): Promise<PairedValues[]> {
  const simulations = new Map(await inTurns(parsed(read)))
  return pairs.map(([baselineId, candidateId]) => {
    const [baseline, candidate] = [baselineId, candidateId].map((id) => simulations.get(id.toLowerCase()))
    return {
      baselineId,
      candidateId,
      baseline: baseline?.simulation ?? null,
      candidate: candidate?.simulation ?? null,
      scenarios: baseline && candidate ? paired(baseline.sides, candidate.sides) : [],
    }
  })
}

type Sides = ReadonlyMap<string, ScenarioSide>

// ASCII's separators of records and of units: JSON escapes them.
const RECORD = '\u001e'
const UNIT = '\u001f'

function* parsed(read: string) {
  for (const record of read === '' ? [] : read.split(RECORD)) {
    const [simulationId, status, configVersionId, scenarios] = record.split(UNIT) as [
      string,
      string,
      string,
      string,
    ]
    if (scenarios === TOO_MANY)
      throw new Refusal(
        'TOO_LARGE',
        `These simulations have more than ${MOST_RUNS} runs together: compare fewer of them at a time.`,
      )
    yield [
      simulationId,
      { simulation: { simulationId, status, configVersionId }, sides: sidesOf(scenarios) },
    ] as const
  }
}

function sidesOf(scenarios: string): Sides {
  const read = JSON.parse(scenarios) as [scenarioId: string, revision: number | null, runs: StoredRun[]][]
  return new Map(
    read.map(([scenarioId, revision, runs]) => [
      scenarioId,
      {
        revision,
        runs: runs.map(([repetition, success, score, costUsd, tokens, durationMs, category, metrics]) => ({
          repetition,
          success,
          score,
          costUsd,
          tokens,
          durationMs,
          category,
          metrics: metrics ?? {},
        })),
      },
    ]),
  )
}

function paired(baseline: Sides, candidate: Sides): ScenarioValues[] {
  return [...new Set([...baseline.keys(), ...candidate.keys()])].sort().map((scenarioId) => {
    const [ours, theirs] = [baseline.get(scenarioId) ?? null, candidate.get(scenarioId) ?? null]
    return { scenarioId, baseline: besideGrades(ours, theirs), candidate: besideGrades(theirs, ours) }
  })
}

const isGraded = (side: ScenarioSide | null) => side?.runs.some(({ score }) => score !== null) === true

/**
 * Runs that nobody graded ended well, which is not yet to pass: beside grades of the same scenario they would make the side better whose answers nobody looked at. What
 * failed without a grade failed.
 */
function besideGrades(side: ScenarioSide | null, other: ScenarioSide | null): ScenarioSide | null {
  if (!side || isGraded(side) || !isGraded(other) || side.runs.every(({ success }) => success === 0))
    return side
  return { ...side, runs: side.runs.map((run) => ({ ...run, success: null })) }
}

/**
 * An expression of a text: a record for each simulation, its scenarios as JSON. As rows, Prisma would make 11,000 runs for longer than they take to read; as
 * one JSON they would be parsed in one go.
 */
function valuesText(simulationIds: readonly string[], dimensions: Dimensions): Sql {
  return sql`(
    select coalesce(string_agg(concat_ws(${UNIT}, s.simulation_id, s.status, s.config_version_id,
      case when s.runs <= ${MOST_RUNS} then coalesce(a.scenarios, '[]') else ${TOO_MANY} end), ${RECORD}), '')
    from (select *, sum(completed_scenarios) over () as runs from simulations where simulation_id = any (${simulationIds}::uuid[])) s
    left join lateral (
      select json_agg(json_build_array(c.scenario_id, (
        select max(v.revision) from scenario_revisions v where v.scenario_id = c.scenario_id and v.created_at <= s.created_at
      ), c.runs))::text as scenarios
      from (
        select r.scenario_id, json_agg(json_build_array(r.repetition, r.success, r.score, r.cost_usd, r.tokens, r.duration_ms,
          r.category, ${metricsSql(dimensions)}) order by r.repetition) as runs
        from (
          select o.scenario_id, o.repetition, sum(o.cost_usd) as cost_usd, sum(o.tokens_used) as tokens,
            max((o.status = 'success')::int) filter (where not o.superseded) as success,
            max(o.reliability_score) filter (where not o.superseded) as score,
            max(o.execution_time_ms) filter (where not o.superseded) as duration_ms,
            max(o.error_category) filter (where not o.superseded) as category,
            (array_agg(o.metrics) filter (where not o.superseded))[1] as metrics
          from ${attemptsOfSimulation(sql`s.simulation_id`, sql`s.first_outcome_at`, sql`s.last_outcome_at`)} o
          group by o.scenario_id, o.repetition
          having bool_or(not o.superseded)
        ) r
        group by r.scenario_id
      ) c
    ) a on s.runs <= ${MOST_RUNS}
  )`
}

/**
 * Behind FROM: the attempts of a simulation, or of one scenario in it, that fulfil a condition; only the chunks or partitions between its first and its last one are
 * planned.
 */
export function attemptsOfSimulation(
  simulationId: Sql,
  first: Sql,
  last: Sql,
  condition: Condition = all(),
  scenarioId?: Sql,
): Sql {
  const ofScenario = scenarioId ? sql` and c.scenario_id = ${evaluated(scenarioId)}` : empty
  const statement = sql`select c.* from outcomes c
    where c.simulation_id = ${evaluated(simulationId)}${ofScenario} and ${inStretch('outcomes')} and ${conditionSql(condition, 'c')}`
  return rowsByTime('outcomes', statement, { first, last, isBounded: true })
}

function metricsSql(dimensions: Dimensions): Sql {
  if (dimensions !== 'ALL' && dimensions.length === 0) return sql`null::json`
  const asked = dimensions === 'ALL' ? sql`true` : sql`m.metric = any (${dimensions}::text[])`
  return sql`(select json_object_agg(m.metric, m.value) from metric_values(r.metrics) m where ${asked})`
}
