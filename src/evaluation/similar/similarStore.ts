import sql, { empty, type Sql } from 'sql-template-tag'
import { columnName, identifier } from '../../reads/catalogue.ts'
import type { ComputedRows, ParentKeys } from '../../reads/computedPages.ts'
import type { Condition } from '../../reads/condition.ts'
import { conditionSql } from '../../reads/conditionSql.ts'
import { LateValue } from '../../reads/lateValues.ts'

/** What is compared, as `store.embeddings` names it. */
export type SimilarKind = 'failure' | 'trajectory' | 'scenario' | 'config_version'

/** What things are compared with. */
export type ComparedWith =
  /** A subject of the same kind, by an expression of the parent's key; null where there is no such thing. */
  | { is: 'subject'; of(parent: Sql): Sql }
  /** `embedded`: the text as texts of the kind are embedded. */
  | { is: 'text'; text: string; embedded: string }
  | { is: 'vector'; vector: readonly number[] }

export interface SimilarQuestion {
  kind: SimilarKind
  to: ComparedWith
  /** The name of the vectors that are compared; null for those that the server makes. */
  model: string | null
  /** What those have to fulfil that are found; undefined: nothing. On rows of `from`. */
  where: Condition | undefined
}

export type SimilarityMethod = 'exact' | 'index' | 'lexical'

type LexicalReason =
  | 'no_provider'
  | 'provider_failed'
  | 'not_embeddable'
  | 'not_found'
  | 'not_yet_embedded'
  | 'nothing_to_compare'

export interface SimilaritySearch {
  method: SimilarityMethod
  model: string | null
  lexicalBecause: LexicalReason | null
}

export interface EmbeddingCoverage {
  embedded: number
  things: number
}

/** A thing and how much it is like what was asked for: the cosine of their vectors, or the share of words by which it was found. */
interface Similar {
  similarity: number
}

/** A failure with all its patterns, or one of these. */
export interface SimilarFailure extends Similar {
  signature: string
  patternId: string
  outcomeId: string
  simulationId: string
  scenarioId: string | null
  executionTime: Date
  patterns: number
  resolutionSteps: string[]
}

export interface SimilarTrajectory extends Similar {
  outcomeId: string
  executionTime: Date
}

export interface SimilarScenario extends Similar {
  scenarioId: string
}

export interface SimilarConfigVersion extends Similar {
  versionId: string
}

/** Whether each failure is shown once, by the latest of its patterns, or each pattern by itself. */
export type FailuresShown = 'failure' | 'pattern'

/** How subjects of one kind are found among the tenant's rows. */
interface SimilarTable {
  /** The rows `c` that a condition is on, and their subject. */
  from: Sql
  subject: Sql
  /** Rows of which each has a subject that might have a vector. */
  things: Sql
}

const TABLES: Readonly<Record<SimilarKind, SimilarTable>> = {
  failure: {
    from: sql`failure_patterns c`,
    subject: sql`c.signature`,
    things: sql`select distinct c.signature as subject from failure_patterns c`,
  },
  trajectory: {
    from: sql`outcomes c`,
    subject: sql`c.outcome_id::text`,
    things: sql`select c.outcome_id::text as subject from outcomes c where not c.superseded and c.step_count > 0`,
  },
  scenario: {
    from: sql`scenarios c`,
    subject: sql`c.scenario_id`,
    things: sql`select c.scenario_id as subject from scenarios c`,
  },
  config_version: {
    from: sql`config_versions c`,
    subject: sql`c.version_id::text`,
    things: sql`select c.version_id::text as subject from config_versions c`,
  },
}

/** How many of the solutions of one failure are shown. */
const MOST_RESOLUTIONS = 10

/** What is like one thing, in parts that are SELECTs. */
export class SimilarThings {
  readonly #question: SimilarQuestion
  readonly #model: Sql
  readonly #given: Sql
  readonly #because: Sql

  constructor(question: SimilarQuestion) {
    this.#question = question
    const { kind, to, model } = question
    const served = new LateValue((vectors) => vectors.modelOf(kind))
    this.#model = model === null ? sql`${served}::text` : sql`${model}::text`
    this.#given = sql`null::text`
    this.#because = sql`null::text`
    if (to.is === 'vector') this.#given = sql`${`[${to.vector.join(',')}]`}::text`
    if (to.is === 'text') {
      const vector = async (vectors: Parameters<LateValue['of']>[0]) =>
        model === null || model === vectors.modelOf(kind)
          ? vectors.vectorOf(kind, to.embedded)
          : { vector: null, because: 'no_provider' }
      this.#given = sql`${new LateValue(async (vectors) => (await vector(vectors)).vector)}::text`
      this.#because = sql`${new LateValue(async (vectors) => (await vector(vectors)).because)}::text`
    }
  }

  /** Failures. `most`: of them at least; null for all. */
  failures(parents: ParentKeys, most: number | null, shown: FailuresShown): ComputedRows {
    const { where } = this.#question
    const fulfils = where ? conditionSql(where, 'c') : sql`true`
    const only = shown === 'failure' ? sql`order by c.pattern_id desc limit 1` : empty
    return {
      name: sql`similarFailures`,
      fields: [
        'signature',
        'similarity',
        'patternId',
        'outcomeId',
        'simulationId',
        'executionTime',
        'scenarioId',
        'patterns',
        'resolutionSteps',
      ] satisfies (keyof SimilarFailure)[],
      select: sql`
        select p.parent, n.subject as signature, n.similarity, t.pattern_id, t.outcome_id, t.simulation_id, t.execution_time,
          (select o.scenario_id from outcomes o where o.outcome_id = t.outcome_id and o.execution_time = t.execution_time) as scenario_id,
          (select count(*)::int from failure_patterns c where c.signature = n.subject and ${fulfils}) as patterns,
          array(select r.resolution_steps from failure_patterns r where r.signature = n.subject and r.resolution_steps is not null
            group by 1 order by max(r.execution_time) desc, 1 limit ${MOST_RESOLUTIONS}::int) as resolution_steps
        from ${this.#found(parents, most)}
        cross join lateral (
          select c.pattern_id, c.outcome_id, c.simulation_id, c.execution_time from failure_patterns c
          where c.signature = n.subject and ${fulfils} ${only}
        ) t`,
    }
  }

  trajectories(parents: ParentKeys, most: number | null): ComputedRows {
    return {
      name: sql`similarTrajectories`,
      fields: ['outcomeId', 'executionTime', 'similarity'] satisfies (keyof SimilarTrajectory)[],
      select: sql`
        select p.parent, k.outcome_id, k.execution_time, n.similarity
        from ${this.#found(parents, most)} join outcome_keys k on k.outcome_id = n.subject::uuid`,
    }
  }

  scenarios(parents: ParentKeys, most: number | null): ComputedRows {
    return {
      name: sql`similarScenarios`,
      fields: ['scenarioId', 'similarity'] satisfies (keyof SimilarScenario)[],
      select: sql`select p.parent, n.subject as scenario_id, n.similarity from ${this.#found(parents, most)}`,
    }
  }

  configVersions(parents: ParentKeys, most: number | null): ComputedRows {
    return {
      name: sql`similarConfigVersions`,
      fields: ['versionId', 'similarity'] satisfies (keyof SimilarConfigVersion)[],
      select: sql`select p.parent, n.subject::uuid as version_id, n.similarity from ${this.#found(parents, most)}`,
    }
  }

  /** How they are compared: one row for each parent. */
  search(parents: ParentKeys, most: number | null): ComputedRows {
    const { kind } = this.#question
    return {
      name: sql`similaritySearch`,
      fields: ['method', 'model', 'lexicalBecause'] satisfies (keyof SimilaritySearch)[],
      select: sql`
        select p.parent, s.* from unnest(${parents}::text[]) p(parent)
        cross join lateral public.similarity_search(${kind}::text, ${this.#model}, ${this.#subject()}, ${this.#given}, ${this.#because},
          ${most}::int, cardinality(${this.#among()})) s`,
    }
  }

  /** How many of the tenant's things have such a vector: the same for each parent. */
  coverage(parents: ParentKeys): ComputedRows {
    const { kind } = this.#question
    return {
      name: sql`embeddingCoverage`,
      fields: ['embedded', 'things'] satisfies (keyof EmbeddingCoverage)[],
      select: sql`
        select p.parent, s.embedded, s.things from unnest(${parents}::text[]) p(parent) cross join (
          select count(e.subject)::int as embedded, count(*)::int as things from (${TABLES[kind].things}) t
          left join embeddings e on e.kind = ${kind} and e.model = ${this.#model} and e.subject = t.subject
        ) s`,
    }
  }

  /** Behind FROM: the parents `p`, each with the subjects `n` that are most like it. */
  #found(parents: ParentKeys, most: number | null): Sql {
    const { kind, to } = this.#question
    const said = to.is === 'text' ? sql`${to.text}::text` : sql`null::text`
    return sql`unnest(${parents}::text[]) p(parent) cross join lateral public.similar_subjects(${kind}::text, ${this.#model},
      ${this.#subject()}, ${this.#given}, ${said}, ${this.#because}, ${most}::int, ${this.#among()}) n`
  }

  #subject(): Sql {
    const { to } = this.#question
    return to.is === 'subject' ? sql`(${to.of(sql`p.parent`)})::text` : sql`null::text`
  }

  /** Looked for once, however many parents there are. */
  #among(): Sql {
    const { kind, where } = this.#question
    if (!where) return sql`null::text[]`
    const { from, subject } = TABLES[kind]
    return sql`array(select distinct ${subject} from ${from} where ${conditionSql(where, 'c')})`
  }
}

/** The signature of a failure pattern of this tenant. */
export function signatureOfPattern(patternId: string): Sql {
  return sql`select c.signature from failure_patterns c where c.pattern_id = ${patternId}::uuid`
}

/** The signature of the first failure of an attempt. */
export function signatureOfOutcome(outcomeId: string): Sql {
  return sql`select c.signature from failure_patterns c where c.outcome_id = ${outcomeId}::uuid order by c.pattern_id limit 1`
}

/** The key, where the tenant has what it is of. */
export function subjectIfThere(kind: Exclude<SimilarKind, 'failure'>, key: string): Sql {
  const { table, field } = KEYS[kind]
  const name = identifier(columnName(field))
  return sql`select c.${name}::text from ${identifier(table)} c where c.${name} = ${key}::${identifier(kind === 'scenario' ? 'text' : 'uuid')}`
}

const KEYS = {
  trajectory: { table: 'outcome_keys', field: 'outcomeId' },
  scenario: { table: 'scenarios', field: 'scenarioId' },
  config_version: { table: 'config_versions', field: 'versionId' },
} as const
