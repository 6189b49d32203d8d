import sql, { empty } from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { stringifyExactly } from '../../exactNumbers.ts'
import type { JsonObject, JsonValue } from '../../json.ts'
import type { ChangeSummary } from '../configurations/configDiff.ts'
import type { Evidence } from './evidence.ts'
import type { Impact } from './impact.ts'
import type { Found, RuleName } from './rules/rule.ts'

export type RecommendationState = 'open' | 'applied' | 'dismissed' | 'superseded' | 'obsolete'

/** What is known of a subject: the recommendation that is in force, the latest one that no other has superseded. */
export interface KnownRecommendation {
  recommendationId: string
  state: RecommendationState
  basis: Basis
}

/** What later evidence is compared with. */
export interface Basis {
  figure: Found['basis']
  /** The version to go back to, or of each change its path, what it does and what comes. */
  suggests: string | [path: string, op: string, after: JsonValue][]
}

interface KnownRow {
  recommendation_id: string
  state: RecommendationState
  rule: RuleName
  subject: string
  basis: Basis
}

/** By rule and subject: see subjectKey. Of all subjects of a configuration, or of one. */
export async function latestOfSubjects(
  transaction: Pick<TenantTransaction, 'query'>,
  configId: string,
  rule?: RuleName,
  subject?: string,
): Promise<Map<string, KnownRecommendation>> {
  const isIt = rule === undefined ? empty : sql`and rule = ${rule} and subject = ${subject}`
  const rows = await transaction.query<KnownRow>(sql`/* latestOfSubjects */
    select distinct on (rule, subject) recommendation_id, state, rule, subject, basis
    from recommendations where config_id = ${configId} ${isIt}
    order by rule, subject, superseded_by_id is not null, created_at desc, recommendation_id desc`)
  return new Map(
    rows.map((row) => [
      `${row.rule}\n${row.subject}`,
      { recommendationId: row.recommendation_id, state: row.state, basis: row.basis },
    ]),
  )
}

export interface GeneratedRecommendation {
  sourceId: string
  rule: RuleName
  configId: string
  configVersionId: string
  subject: string
  fingerprint: string
  recommendationType: Found['type']
  description: string
  wordedBy: string | null
  suggestedYamlChanges: string | null
  suggestedChanges: ChangeSummary | null
  restoresVersionId: string | null
  impactEstimate: Impact | null
  confidence: number
  facts: JsonObject
  basis: Basis
  evidence: readonly Evidence[]
}

const json = (value: object | null) => value && stringifyExactly(value)

/** Which one has the fingerprint; null when none has. */
export async function findFingerprint(
  transaction: Pick<TenantTransaction, 'query'>,
  fingerprint: string,
): Promise<Pick<KnownRecommendation, 'recommendationId' | 'state'> | null> {
  const rows = await transaction.query<
    Pick<KnownRecommendation, 'recommendationId' | 'state'>
  >(sql`/* recommendationOfFingerprint */
    select recommendation_id as "recommendationId", state from recommendations where fingerprint = ${fingerprint}`)
  return rows[0] ?? null
}

/** What is open of a configuration, made for this version or an earlier one. */
export interface OpenRecommendation {
  recommendationId: string
  rule: RuleName
  subject: string
  versionId: string
  suggests: Basis['suggests']
}

export function findOpen(
  transaction: Pick<TenantTransaction, 'query'>,
  configId: string,
  upToVersion: number,
): Promise<OpenRecommendation[]> {
  return transaction.query<OpenRecommendation>(sql`/* openRecommendations */
    select r.recommendation_id as "recommendationId", r.rule, r.subject, r.config_version_id as "versionId", r.basis -> 'suggests' as suggests
    from recommendations r join config_versions v on v.version_id = r.config_version_id
    where r.config_id = ${configId} and r.state = 'open' and v.version_number <= ${upToVersion}
    order by r.created_at, r.recommendation_id`)
}

/** Nothing is written where somebody has decided meanwhile. */
export async function closeObsolete(
  transaction: TenantTransaction,
  recommendationId: string,
  reason: string,
): Promise<boolean> {
  const rows = await transaction.query(sql`/* closeObsoleteRecommendation */
    update recommendations set obsolete_at = now(), obsolete_reason = left(${reason}, 10000)
    where recommendation_id = ${recommendationId} and state = 'open' returning recommendation_id`)
  return rows.length > 0
}

/** Of one that was obsolete or superseded. */
export async function reopen(transaction: TenantTransaction, recommendationId: string): Promise<boolean> {
  const rows = await transaction.query(sql`/* reopenRecommendation */
    update recommendations set obsolete_at = null, obsolete_reason = null, superseded_by_id = null
    where recommendation_id = ${recommendationId} and state in ('obsolete', 'superseded') returning recommendation_id`)
  return rows.length > 0
}

/** Its key; null when one of the same fingerprint is there. */
export async function insertGenerated(
  transaction: TenantTransaction,
  of: GeneratedRecommendation,
): Promise<string | null> {
  const evidence = of.evidence.map((each, at) => ({ place: at + 1, ...each }))
  const [row] = await transaction.query<{ recommendation_id: string }>(sql`/* insertGeneratedRecommendation */
    with made as (
      insert into recommendations (source_type, source_id, recommendation_type, description, suggested_yaml_changes, impact_estimate,
        confidence, rule, config_id, config_version_id, subject, fingerprint, facts, basis, suggested_changes, restores_version_id, worded_by)
      values ('simulation', ${of.sourceId}, ${of.recommendationType}, ${of.description}, ${of.suggestedYamlChanges},
        ${json(of.impactEstimate)}, ${of.confidence}, ${of.rule}, ${of.configId}, ${of.configVersionId}, ${of.subject},
        ${of.fingerprint}, ${json(of.facts)}, ${json(of.basis)}, ${json(of.suggestedChanges)}, ${of.restoresVersionId}, ${of.wordedBy})
      on conflict do nothing
      returning recommendation_id
    ), linked as (
      insert into recommendation_evidence (recommendation_id, place, summary, simulation_id, outcome_id, scenario_id, config_version_id,
        config_diff_id, signature, tool_name)
      select m.recommendation_id, e.place, left(e.summary, 1000), e."simulationId", e."outcomeId", e."scenarioId", e."configVersionId",
        e."configDiffId", e.signature, e."toolName"
      from made m cross join jsonb_to_recordset(${stringifyExactly(evidence)}::jsonb) as e(place integer, summary text,
        "simulationId" uuid, "outcomeId" uuid, "scenarioId" text, "configVersionId" uuid, "configDiffId" uuid, signature text,
        "toolName" text)
    )
    select recommendation_id from made`)
  return row?.recommendation_id ?? null
}

/** What was said of the subject before, and is not applied, is said otherwise by this one. */
export async function supersede(
  transaction: TenantTransaction,
  { configId, rule, subject, by }: { configId: string; rule: RuleName; subject: string; by: string },
): Promise<void> {
  await transaction.query(sql`/* supersedeRecommendations */
    update recommendations set superseded_by_id = ${by}
    where config_id = ${configId} and rule = ${rule} and subject = ${subject} and recommendation_id <> ${by}
      and not applied and superseded_by_id is null`)
}

export async function findVersionYamls(
  transaction: Pick<TenantTransaction, 'query'>,
  versionIds: readonly string[],
): Promise<string[]> {
  const rows = await transaction.query<{ raw_yaml: string }>(sql`/* versionYamls */
    select raw_yaml from config_versions where version_id = any (${versionIds}::uuid[])`)
  return rows.map(({ raw_yaml }) => raw_yaml)
}
