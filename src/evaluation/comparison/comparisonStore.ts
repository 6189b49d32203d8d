import sql, { join, type Sql } from 'sql-template-tag'
import type { Source } from '../../reads/answers/parts.ts'
import { columnName, identifier, textLiteral } from '../../reads/catalogue.ts'
import type { ComputedRows, Decimal, ParentKeys } from '../../reads/computedPages.ts'
import {
  attemptsOfSimulation,
  type Dimensions,
  type PairedValues,
  pairedValues,
  type SimulationPair,
  valuesSource,
} from './pairedValues.ts'

/** Two simulations side by side: the parent of what is compared in them. */
export interface ComparedPair {
  place: number
  baselineId: string
  candidateId: string
  /** Both keys, as one text. */
  parent: string
}

type ScenarioChange = 'regressed' | 'improved' | 'unchanged' | 'only_in_one'

/** Of one scenario in one of two simulations. Costs and tokens of a run are those of all its attempts; all else is of its last one. */
interface ScenarioSide {
  runs: number
  succeeded: number
  successRate: number | null
  /** Means over the runs of which it is known. */
  score: number | null
  costUsd: Decimal | null
  tokens: number | null
  durationMs: number | null
  /** Of the one that is asked for. */
  dimension: number | null
  /** The scenario's revision when the simulation was planned. */
  revision: number | null
}

type OfSide<Side extends string> = {
  [Name in keyof ScenarioSide as `${Side}${Capitalize<Name>}`]: ScenarioSide[Name]
}

/** The candidate's less the baseline's; null where one of them is not known. */
interface Differences {
  successRateDifference: number | null
  scoreDifference: number | null
  costDifferenceUsd: Decimal | null
  tokensDifference: number | null
  durationDifferenceMs: number | null
  dimensionDifference: number | null
}

export type ComparedScenario = OfSide<'baseline'> &
  OfSide<'candidate'> &
  Differences & { scenarioId: string; change: ScenarioChange; revisionDiffers: boolean }

export interface ChangeCounts {
  scenarios: number
  regressed: number
  improved: number
  unchanged: number
  onlyInOne: number
  revisionDiffers: number
}

const SIDES = ['baseline', 'candidate'] as const

/** What each is of the attempts `o` of one scenario on one side. */
function ofSide(side: (typeof SIDES)[number]): Record<string, Sql> {
  const isIts = side === 'baseline' ? sql`o.is_baseline` : sql`not o.is_baseline`
  const isRun = sql`${isIts} and not o.superseded`
  const runs = sql`count(*) filter (where ${isRun})`
  const succeeded = sql`count(*) filter (where ${isRun} and o.status = 'success')`
  const ofRuns = (value: Sql) =>
    sql`sum(${value}) filter (where ${isIts})::numeric / nullif(count(distinct o.repetition) filter (where ${isIts} and ${value} is not null), 0)`
  return {
    [`${side}Runs`]: sql`${runs}::int`,
    [`${side}Succeeded`]: sql`${succeeded}::int`,
    [`${side}SuccessRate`]: sql`round(${succeeded}::numeric / nullif(${runs}, 0), 12)`,
    [`${side}Score`]: sql`round(avg(o.reliability_score::numeric) filter (where ${isRun}), 12)`,
    [`${side}CostUsd`]: sql`round(${ofRuns(sql`o.cost_usd`)}, 12)`,
    [`${side}Tokens`]: sql`round(${ofRuns(sql`o.tokens_used`)}, 12)`,
    [`${side}DurationMs`]: sql`round(avg(o.execution_time_ms) filter (where ${isRun}), 12)`,
    [`${side}Dimension`]: sql`round(avg(o.dimension) filter (where ${isRun}), 12)`,
  }
}

/** Whether of a scenario `s` one side ended well without any grade, where the other has one: see `paired` in pairedValues. */
function endedWell(side: (typeof SIDES)[number]): Sql {
  const of = (name: string) => identifier(`s.${side}_${name}`)
  const other = identifier(`s.${side === 'baseline' ? 'candidate' : 'baseline'}_score`)
  return sql`(${of('succeeded')} > 0 and ${of('score')} is null and ${other} is not null)`
}

/** Shown as floating-point numbers, once they are compared and subtracted exactly. */
const FLOATS = new Set(['SuccessRate', 'Score', 'Tokens', 'DurationMs', 'Dimension'])

const DIFFERENCES = {
  successRateDifference: 'SuccessRate',
  scoreDifference: 'Score',
  costDifferenceUsd: 'CostUsd',
  tokensDifference: 'Tokens',
  durationDifferenceMs: 'DurationMs',
  dimensionDifference: 'Dimension',
} as const satisfies Record<keyof Differences, string>

const named = (columns: Record<string, Sql>): Sql =>
  join(
    Object.entries(columns).map(([field, value]) => sql`${value} as ${identifier(columnName(field))}`),
    ', ',
  )

/** What is compared in pairs of a baseline and a candidate, each part as a SELECT. */
export class ComparisonRows {
  readonly #baselineId: string
  readonly #candidateIds: readonly string[]
  readonly #tolerance: number
  readonly #sources = new Map<string, Source>()

  /** `tolerance`: shares and scores, 0 to 1, that differ by no more are equal. */
  constructor(baselineId: string, candidateIds: readonly string[], tolerance: number) {
    this.#baselineId = baselineId
    this.#candidateIds = candidateIds
    this.#tolerance = tolerance
  }

  /** One for each candidate, in the order in which they were given, whether the simulations are there or not. */
  pairs(): ComputedRows {
    return {
      name: sql`compareSimulations`,
      fields: ['place', 'baselineId', 'candidateId'],
      select: sql`
        select concat(p.baseline_id, '/', p.candidate_id) as parent, p.* from (
          select g.place::int as place, ${this.#baselineId}::uuid as baseline_id, g.candidate_id
          from unnest(${this.#candidateIds}::uuid[]) with ordinality g(candidate_id, place)
        ) p`,
    }
  }

  /** What the values of all their runs are read of, once for each choice of dimensions. */
  values(dimensions: Dimensions): Source {
    const key = JSON.stringify(dimensions)
    const source =
      this.#sources.get(key) ?? valuesSource([this.#baselineId, ...this.#candidateIds], dimensions)
    this.#sources.set(key, source)
    return source
  }

  /** The scenarios of which one of the pair has runs that ended. `dimension`: of their metrics, by its path. */
  scenarios(pairs: ParentKeys, dimension?: string | null): ComputedRows {
    const names = SIDES.flatMap((side) => Object.keys(ofSide(side)))
    const sides = names.map((field) => {
      const name = identifier(columnName(field))
      const isFloat = FLOATS.has(field.replace(/^(baseline|candidate)/, ''))
      return isFloat ? sql`s.${name}::double precision as ${name}` : sql`s.${name}`
    })
    const difference = (of: string) => {
      const value = sql`s.${identifier(columnName(`candidate${of}`))} - s.${identifier(columnName(`baseline${of}`))}`
      return of === 'SuccessRate'
        ? sql`case when ${endedWell('baseline')} or ${endedWell('candidate')} then null else ${value} end`
        : value
    }
    const differences = Object.entries(DIFFERENCES).map(([field, of]) => {
      const value = FLOATS.has(of) ? sql`(${difference(of)})::double precision` : difference(of)
      return sql`${value} as ${identifier(columnName(field))}`
    })
    const differs = (of: string) => sql`abs(${difference(of)}) > ${this.#tolerance}::numeric`
    const toCandidate = (of: string) =>
      sql`case when ${difference(of)} > 0 then 'improved' else 'regressed' end`
    return {
      name: sql`comparedScenarios`,
      fields: [
        'scenarioId',
        'change',
        'revisionDiffers',
        'baselineRevision',
        'candidateRevision',
        ...names,
        ...Object.keys(DIFFERENCES),
      ],
      select: sql`
        select p.parent, s.scenario_id, ${join(sides, ', ')}, ${join(differences, ', ')},
          case
            when s.baseline_runs = 0 or s.candidate_runs = 0 then 'only_in_one'
            when ${differs('SuccessRate')} then ${toCandidate('SuccessRate')}
            when ${differs('Score')} then ${toCandidate('Score')}
            else 'unchanged'
          end as change,
          r.baseline as baseline_revision, r.candidate as candidate_revision,
          coalesce(r.baseline <> r.candidate, false) as revision_differs
        from ${comparedPairs(pairs)}
        cross join lateral (
          select o.scenario_id, ${named(Object.assign({}, ...SIDES.map(ofSide)))}
          from (${join(
            SIDES.map((side) => attemptsOf(side, dimension)),
            ' union all ',
          )}) o
          group by o.scenario_id
        ) s
        cross join lateral (
          select max(v.revision) filter (where s.baseline_runs > 0 and v.created_at <= p.baseline_planned_at) as baseline,
            max(v.revision) filter (where s.candidate_runs > 0 and v.created_at <= p.candidate_planned_at) as candidate
          from scenario_revisions v where v.scenario_id = s.scenario_id
        ) r`,
    }
  }

  /** How many scenarios changed how; of each pair. */
  counts(pairs: ParentKeys): ComputedRows {
    const count = (condition: Sql) => sql`count(*) filter (where ${condition})::int`
    return {
      name: sql`comparedCounts`,
      fields: ['scenarios', 'regressed', 'improved', 'unchanged', 'onlyInOne', 'revisionDiffers'],
      select: sql`
        select g.parent, a.* from (select distinct each as parent from unnest(${pairs}::text[]) each) g
        cross join lateral (
          select count(*)::int as scenarios, ${count(sql`c.change = 'regressed'`)} as regressed,
            ${count(sql`c.change = 'improved'`)} as improved, ${count(sql`c.change = 'unchanged'`)} as unchanged,
            ${count(sql`c.change = 'only_in_one'`)} as only_in_one, ${count(sql`c.revision_differs`)} as revision_differs
          from (${this.scenarios(sql`array[g.parent]`).select}) c
        ) a`,
    }
  }
}

/** A pair of the text that both keys are. */
export function pairOf(parent: string): SimulationPair {
  const [baselineId, candidateId] = parent.split('/') as [string, string]
  return [baselineId, candidateId]
}

/**
 * The pairs `p` of which both simulations are there. `offset 0`: pulled up, the pair would be looked for among all pairs of the tenant's
 * simulations once the attempts of each of these are read and summed, as PostgreSQL takes a function for cheap.
 */
function comparedPairs(pairs: ParentKeys): Sql {
  const sides = SIDES.map((side) => {
    const [alias, id] = [identifier(side), identifier(`${side}_id`)]
    return {
      columns: sql`${alias}.simulation_id as ${id}, ${alias}.created_at as ${identifier(`${side}_planned_at`)},
        ${alias}.first_outcome_at as ${identifier(`${side}_first_at`)}, ${alias}.last_outcome_at as ${identifier(`${side}_last_at`)}`,
      part: side === 'baseline' ? sql`1` : sql`2`,
      alias,
    }
  })
  return sql`(
    select g.parent, ${join(
      sides.map(({ columns }) => columns),
      ', ',
    )}
    from (select distinct each as parent from unnest(${pairs}::text[]) each) g
    ${join(
      sides.map(
        ({ alias, part }) =>
          sql`join simulations ${alias} on ${alias}.simulation_id = split_part(g.parent, '/', ${part})::uuid`,
      ),
      ' ',
    )} offset 0
  ) p`
}

/** The attempts of one side. */
function attemptsOf(side: (typeof SIDES)[number], dimension: string | null | undefined): Sql {
  const value =
    dimension == null
      ? sql`null::numeric`
      : sql`(select m.value from metric_values(a.metrics) m where m.metric = ${dimension})`
  const of = (name: string) => identifier(`p.${side}_${name}`)
  return sql`
    select ${side === 'baseline' ? sql`true` : sql`false`} as is_baseline, a.scenario_id, a.repetition, a.superseded, a.status,
      a.reliability_score, a.cost_usd, a.tokens_used, a.execution_time_ms, ${value} as dimension
    from ${attemptsOfSimulation(of('id'), of('first_at'), of('last_at'))} a`
}

/** Stands between what a gate is held of: a file separator, which JSON and what `pairedValues` reads have not. */
const PART = '\u001c'

/** What a gate is held of: the values of both simulations, and the scenarios that have one of these tags now. */
export function gateSource(baselineId: string, candidateId: string, tags: readonly string[]): Source {
  const values = valuesSource([baselineId, candidateId], [])
  const pair = sql`${baselineId}::uuid || '/' || ${candidateId}::uuid`
  const tagged = sql`(select json_agg(t.scenario_id) from scenarios t where t.tags && ${tags}::text[])`
  return {
    ...values,
    text: (row) =>
      sql`concat(${pair}, ${textLiteral(PART)}, ${values.text(row)}, ${textLiteral(PART)}, ${tagged})`,
    reads: values.reads + 1,
  }
}

/** @throws Refusal as `pairedValues` */
export async function gateValues(read: string): Promise<{ values: PairedValues; tagged: Set<string> }> {
  const [pair, simulations, tagged] = read.split(PART) as [string, string, string]
  const [values] = await pairedValues(simulations, [pairOf(pair)])
  return { values: values!, tagged: new Set(tagged === '' ? [] : (JSON.parse(tagged) as string[])) }
}
