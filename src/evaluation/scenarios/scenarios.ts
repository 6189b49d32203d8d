import { hash } from 'node:crypto'
import sql from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
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
  list,
  MAX_INTEGER,
  MAX_TAGS,
  optionalInteger,
  optionalText,
  storableAt,
  text,
} from '../../valueChecks.ts'
import { checkedScenarioKey, scenarioKey } from './scenarioKey.ts'

type Difficulty = 'easy' | 'medium' | 'hard'

/** A scenario as a caller describes it: by Arc's key, or by the source's own id, from which the key is derived. */
export interface ScenarioInput {
  scenarioId?: string | null
  externalId?: string | null
  source?: string | null
  name?: string | null
  taskPrompt: string
  groundTruth?: JsonValue
  difficultyLevel?: Difficulty | null
  tags?: readonly string[] | null
  expectedTools?: JsonValue
  estimatedDurationMs?: number | null
  metadata?: JsonObject | null
}

export interface ScenarioReceipt {
  index: number
  scenarioId: string | null
  status: 'STORED' | 'DUPLICATE' | 'REJECTED'
  /** Counts the changes of prompt or ground truth; null when rejected. */
  revision: number | null
  refusal: Refusal | null
}

interface ScenarioRow {
  scenario_id: string
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
  content_hash: string
}

/**
 * Stores scenarios that are new or changed. One receipt a row: STORED when something was written, DUPLICATE when the
 * tenant has it exactly so, REJECTED with the reason. A bad row costs no other.
 *
 * @throws Refusal TOO_MANY_ROWS, INVALID_VALUE when there is none.
 */
export async function upsertScenarios(
  transaction: TenantTransaction,
  inputs: readonly ScenarioInput[],
): Promise<ScenarioReceipt[]> {
  checkRows(inputs.length, ['scenarios'])
  const keys = new Set<string>()
  const { taken, refused } = checkEach(inputs, (input) => {
    const row = scenarioRow(input)
    if (keys.has(row.scenario_id)) throw invalid(row.scenario_id, 'sent once in a call', ['scenarioId'])
    keys.add(row.scenario_id)
    return row
  })
  const indexOf = new Map(taken.map(({ index, row }) => [row.scenario_id, index]))
  const written = await transaction.query<{
    scenario_id: string
    revision: number
    stored: boolean
  }>(sql`/* upsertScenarios */
    with input as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(taken.map(({ row }) => row))}::jsonb) as x(
        scenario_id text, external_id text, source text, name text, task_prompt text, ground_truth jsonb,
        difficulty_level text, tags text[], expected_tools jsonb, estimated_duration_ms integer, metadata jsonb,
        content_hash text)
    ), written as (
      insert into scenarios as s (scenario_id, external_id, source, name, task_prompt, ground_truth, difficulty_level,
        tags, expected_tools, estimated_duration_ms, metadata, content_hash)
      select * from input order by scenario_id
      on conflict (user_id, scenario_id) do update
        set external_id = excluded.external_id, source = excluded.source, name = excluded.name,
          task_prompt = excluded.task_prompt, ground_truth = excluded.ground_truth,
          difficulty_level = excluded.difficulty_level, tags = excluded.tags, expected_tools = excluded.expected_tools,
          estimated_duration_ms = excluded.estimated_duration_ms, metadata = excluded.metadata,
          content_hash = excluded.content_hash,
          revision = s.revision + ((s.task_prompt, s.ground_truth) is distinct from (excluded.task_prompt, excluded.ground_truth))::integer
        where s.content_hash <> excluded.content_hash
      returning scenario_id, revision
    )
    select scenario_id, coalesce(w.revision, s.revision) as revision, w.scenario_id is not null as stored
    from input
    left join written w using (scenario_id)
    left join scenarios s using (scenario_id)`)
  const receipts: ScenarioReceipt[] = [
    ...written.map(({ scenario_id, revision, stored }) => ({
      index: indexOf.get(scenario_id)!,
      scenarioId: scenario_id,
      status: stored ? ('STORED' as const) : ('DUPLICATE' as const),
      revision,
      refusal: null,
    })),
    ...refused.map(({ index, refusal }) => ({
      index,
      scenarioId: inputs[index]!.scenarioId ?? null,
      status: 'REJECTED' as const,
      revision: null,
      refusal,
    })),
  ]
  return receipts.sort((a, b) => a.index - b.index)
}

function scenarioRow(input: ScenarioInput): ScenarioRow {
  const externalId = optionalText(input.externalId?.trim(), LENGTHS.externalId, ['externalId'])
  if (input.scenarioId == null && externalId === null) {
    throw new Refusal('INVALID_VALUE', 'A scenario needs a scenarioId or an externalId.', ['scenarioId'])
  }
  const scenario_id =
    input.scenarioId == null ? scenarioKey(externalId!) : checkedScenarioKey(input.scenarioId, ['scenarioId'])
  const task_prompt = text(input.taskPrompt, LENGTHS.any, ['taskPrompt'])
  checkBytes(task_prompt, BYTES.document, ['taskPrompt'])
  const tags = list(input.tags ?? [], MAX_TAGS, ['tags']).map((tag, index) =>
    text(tag.trim(), LENGTHS.tag, ['tags', index]),
  )
  const described = {
    scenario_id,
    external_id: externalId,
    source: optionalText(input.source?.trim(), LENGTHS.label, ['source']),
    name:
      optionalText(input.name?.trim(), LENGTHS.scenarioName, ['name']) ??
      cutText(externalId ?? scenario_id, LENGTHS.scenarioName.max),
    task_prompt,
    ground_truth: storableAt(input.groundTruth, ['groundTruth']),
    difficulty_level: input.difficultyLevel ?? 'medium',
    tags: [...new Set(tags)],
    expected_tools: storableAt(input.expectedTools, ['expectedTools']),
    estimated_duration_ms: optionalInteger(input.estimatedDurationMs, 1, MAX_INTEGER, [
      'estimatedDurationMs',
    ]),
    metadata: storableAt(input.metadata ?? {}, ['metadata']),
  }
  return { ...described, content_hash: hash('sha256', JSON.stringify(described)) }
}
