import sql from 'sql-template-tag'
import { databaseNow } from '../../databaseTime.ts'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { stringifyExactly } from '../../exactNumbers.ts'
import type { JsonObject, JsonValue } from '../../json.ts'
import { Refusal } from '../../refusal.ts'
import { cutText } from '../../text.ts'
import {
  BYTES,
  checkBytes,
  checkEach,
  checkRows,
  invalid,
  LENGTHS,
  MAX_INTEGER,
  metadataAt,
  optionalInteger,
  optionalPastTime,
  optionalText,
  storableAt,
  tagsAt,
  text,
} from '../../valueChecks.ts'
import { deletedRefusal } from '../deleted/deletedRefusal.ts'
import { findDeletedScenarios, lockReferences } from '../deleted/deletedStore.ts'
import { checkedScenarioKey, scenarioKey } from './scenarioKey.ts'

type Difficulty = 'easy' | 'medium' | 'hard'

/**
 * A scenario as a caller describes it: by Arc's key, or by the source's own id, from which the key is derived. What is
 * absent stays as it is; null takes it away.
 */
export interface ScenarioInput {
  scenarioId?: string | null
  externalId?: string | null
  source?: string | null
  name?: string | null
  /** Needed when the scenario is new. */
  taskPrompt?: string | null
  groundTruth?: JsonValue
  difficultyLevel?: Difficulty | null
  tags?: readonly string[] | null
  expectedTools?: JsonValue
  estimatedDurationMs?: number | null
  metadata?: JsonObject | null
  isActive?: boolean | null
  /** When its source made it; counts for a new one only. */
  createdAt?: Date | null
}

export interface ScenarioReceipt {
  index: number
  scenarioId: string | null
  status: 'STORED' | 'DUPLICATE' | 'REJECTED'
  /** Counts the changes of prompt or ground truth; null when rejected. */
  revision: number | null
  refusal: Refusal | null
}

/** A scenario's columns. */
interface ScenarioColumns {
  external_id: string | null
  source: string | null
  name: string
  task_prompt: string
  ground_truth: JsonValue
  difficulty_level: Difficulty
  tags: string[]
  expected_tools: JsonValue
  estimated_duration_ms: number | null
  metadata: JsonObject
  is_active: boolean
}

interface ScenarioRow {
  scenario_id: string
  /** What the caller named. */
  given: Partial<ScenarioColumns>
  /** What a new scenario has of the rest. */
  otherwise: Omit<ScenarioColumns, 'task_prompt'>
  created_at: Date | null
}

/**
 * Stores scenarios that are new or changed. One receipt a row: STORED when something was written, DUPLICATE when the
 * tenant has it exactly so, REJECTED with the reason (SCENARIO_DELETED among them). A bad row costs no other.
 *
 * @throws Refusal TOO_MANY_ROWS, INVALID_VALUE when there is none.
 */
export async function upsertScenarios(
  transaction: TenantTransaction,
  inputs: readonly ScenarioInput[],
): Promise<ScenarioReceipt[]> {
  checkRows(inputs.length, ['scenarios'])
  const { taken, refused } = checkEach(inputs, scenarioRow)
  const receipts = refused.map(({ index, refusal }) => rejection(index, refusal, inputs[index]!.scenarioId))
  for (let left: NumberedScenario[] = taken; left.length > 0; ) {
    const firsts = new Map(left.toReversed().map((scenario) => [scenario.row.scenario_id, scenario]))
    const written = await write(transaction, [...firsts.values()])
    const byKey = new Map(written.map((receipt) => [receipt.scenarioId, receipt]))
    receipts.push(...written)
    const later = left.filter((scenario) => firsts.get(scenario.row.scenario_id) !== scenario)
    left = []
    for (const scenario of later) {
      const { index, row } = scenario
      const { refusal } = byKey.get(row.scenario_id)!
      // Of a new scenario that lacked its prompt, another row may bring one.
      if (refusal?.code === 'INVALID_VALUE' && row.given.task_prompt !== undefined) left.push(scenario)
      else {
        const repeated = invalid(row.scenario_id, 'sent once in a call', ['scenarioId'])
        receipts.push(rejection(index, refusal ?? repeated, row.scenario_id))
      }
    }
  }
  return receipts.sort((a, b) => a.index - b.index)
}

interface NumberedScenario {
  index: number
  row: ScenarioRow
}

/** Each of another scenario. */
async function write(
  transaction: TenantTransaction,
  scenarios: readonly NumberedScenario[],
): Promise<ScenarioReceipt[]> {
  const keys = scenarios.map(({ row }) => row.scenario_id)
  const shared = lockReferences(transaction, 'shared')
  const deletions = findDeletedScenarios(transaction, keys)
  // Two callers who name different things of one scenario both find them there.
  const locked = transaction.query(sql`/* lockScenarios */
    select from scenarios where scenario_id = any (${keys}::text[]) order by scenario_id for no key update`)
  const indexOf = new Map(scenarios.map(({ index, row }) => [row.scenario_id, index]))
  const writing = transaction.query<{
    scenario_id: string
    revision: number | null
    stored: boolean
  }>(sql`/* upsertScenarios */
    with input as materialized (
      select x.scenario_id as key, x.created_at as made_at, merged.*
      from jsonb_to_recordset(${stringifyExactly(scenarios.map(({ row }) => row))}::jsonb)
        as x(scenario_id text, given jsonb, otherwise jsonb, created_at timestamptz)
      left join scenarios s on s.scenario_id = x.scenario_id
      cross join lateral jsonb_populate_record(
        s, case when s.scenario_id is null then x.otherwise || x.given else x.given end) merged
      where not exists (select from deletions d where d.scenario_id = x.scenario_id)
    ), written as (
      insert into scenarios as s (scenario_id, external_id, source, name, task_prompt, ground_truth, difficulty_level,
        tags, expected_tools, estimated_duration_ms, metadata, is_active, created_at, updated_at, content_hash)
      select key, external_id, source, name, task_prompt, ground_truth, difficulty_level, tags, expected_tools,
        estimated_duration_ms, metadata, is_active, least(made_at, now()), now(),
        encode(sha256(convert_to(jsonb_build_array(external_id, source, name, task_prompt, ground_truth, difficulty_level,
          tags, expected_tools, estimated_duration_ms, metadata, is_active)::text, 'UTF8')), 'hex')
      from input where task_prompt is not null order by key
      on conflict (user_id, scenario_id) do update
        set external_id = excluded.external_id, source = excluded.source, name = excluded.name,
          task_prompt = excluded.task_prompt, ground_truth = excluded.ground_truth,
          difficulty_level = excluded.difficulty_level, tags = excluded.tags, expected_tools = excluded.expected_tools,
          estimated_duration_ms = excluded.estimated_duration_ms, metadata = excluded.metadata,
          is_active = excluded.is_active, content_hash = excluded.content_hash,
          revision = s.revision + ((s.task_prompt, s.ground_truth) is distinct from (excluded.task_prompt, excluded.ground_truth))::integer
        where (s.external_id, s.source, s.name, s.task_prompt, s.ground_truth, s.difficulty_level, s.tags, s.expected_tools,
            s.estimated_duration_ms, s.metadata, s.is_active)
          is distinct from (excluded.external_id, excluded.source, excluded.name, excluded.task_prompt, excluded.ground_truth,
            excluded.difficulty_level, excluded.tags, excluded.expected_tools, excluded.estimated_duration_ms,
            excluded.metadata, excluded.is_active)
      returning scenario_id, revision
    )
    select i.key as scenario_id, coalesce(w.revision, i.revision) as revision, w.scenario_id is not null as stored
    from input i
    left join written w on w.scenario_id = i.key`)
  const [, deleted, , written] = await Promise.all([shared, deletions, locked, writing])
  return [
    ...written.map(({ scenario_id, revision, stored }): ScenarioReceipt => {
      const index = indexOf.get(scenario_id)!
      if (revision === null) {
        const message = `There is no scenario "${scenario_id}" yet: a new one needs a taskPrompt.`
        return rejection(index, new Refusal('INVALID_VALUE', message, ['taskPrompt']), scenario_id)
      }
      return {
        index,
        scenarioId: scenario_id,
        status: stored ? 'STORED' : 'DUPLICATE',
        revision,
        refusal: null,
      }
    }),
    ...deleted.map((deletion) =>
      rejection(indexOf.get(deletion.key)!, deletedRefusal(deletion, ['scenarioId']), deletion.key),
    ),
  ]
}

export function rejection(
  index: number,
  refusal: Refusal,
  scenarioId: string | null = null,
): ScenarioReceipt {
  return { index, scenarioId, status: 'REJECTED', revision: null, refusal }
}

/** @throws Refusal INVALID_VALUE, TOO_LARGE, TIME_IN_FUTURE for the first fault found, with the field's path. */
function scenarioRow(input: ScenarioInput): ScenarioRow {
  const externalId = optionalText(input.externalId?.trim(), LENGTHS.externalId, ['externalId'])
  if (input.scenarioId == null && externalId === null) {
    throw new Refusal('INVALID_VALUE', 'A scenario needs a scenarioId or an externalId.', ['scenarioId'])
  }
  const scenarioId =
    input.scenarioId == null ? scenarioKey(externalId!) : checkedScenarioKey(input.scenarioId, ['scenarioId'])
  const otherwise: ScenarioRow['otherwise'] = {
    external_id: null,
    source: null,
    name: cutText(externalId ?? scenarioId, LENGTHS.scenarioName.max),
    ground_truth: null,
    difficulty_level: 'medium',
    tags: [],
    expected_tools: null,
    estimated_duration_ms: null,
    metadata: {},
    is_active: true,
  }
  const given: Partial<ScenarioColumns> = {}
  if (input.externalId !== undefined) given.external_id = externalId
  if (input.source !== undefined) {
    given.source = optionalText(input.source?.trim(), LENGTHS.label, ['source'])
  }
  if (input.name !== undefined) {
    given.name = optionalText(input.name?.trim(), LENGTHS.scenarioName, ['name']) ?? otherwise.name
  }
  if (input.taskPrompt != null) given.task_prompt = checkedPrompt(input.taskPrompt)
  if (input.groundTruth !== undefined) given.ground_truth = storableAt(input.groundTruth, ['groundTruth'])
  if (input.difficultyLevel !== undefined) {
    given.difficulty_level = input.difficultyLevel ?? otherwise.difficulty_level
  }
  if (input.tags !== undefined) given.tags = tagsAt(input.tags ?? [], ['tags'])
  if (input.expectedTools !== undefined) {
    given.expected_tools = storableAt(input.expectedTools, ['expectedTools'])
  }
  if (input.estimatedDurationMs !== undefined) {
    given.estimated_duration_ms = optionalInteger(input.estimatedDurationMs, 1, MAX_INTEGER, [
      'estimatedDurationMs',
    ])
  }
  if (input.metadata !== undefined) given.metadata = metadataAt(input.metadata ?? {}, ['metadata'])
  if (input.isActive != null) given.is_active = input.isActive
  const created_at = optionalPastTime(input.createdAt, databaseNow(), ['createdAt'])
  return { scenario_id: scenarioId, given, otherwise, created_at }
}

function checkedPrompt(given: string): string {
  const prompt = text(given, LENGTHS.any, ['taskPrompt'])
  checkBytes(prompt, BYTES.document, ['taskPrompt'])
  return prompt
}
