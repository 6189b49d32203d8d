import { createHash } from 'node:crypto'
import type { Sql } from '../../db/tenantTransaction.ts'
import { type JsonObject, type JsonValue, storableJson, storableText } from '../../json.ts'
import { type InputPath, Refusal } from '../../refusal.ts'
import { SCENARIO_KEY, scenarioKey } from './scenarioKey.ts'

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

const MAX_PROMPT_BYTES = 1_048_576
const MAX_INT = 2_147_483_647

/**
 * Stores scenarios that are new or changed. One receipt a row: STORED when something was written, DUPLICATE when the
 * tenant has it exactly so, REJECTED with the reason. A bad row costs no other.
 */
export async function upsertScenarios(
  sql: Sql,
  inputs: readonly ScenarioInput[],
): Promise<ScenarioReceipt[]> {
  const receipts: ScenarioReceipt[] = []
  const rows = new Map<string, ScenarioRow & { index: number }>()
  inputs.forEach((input, index) => {
    try {
      const row = scenarioRow(input)
      if (rows.has(row.scenario_id)) {
        throw new Refusal('INVALID_VALUE', `The scenario ${row.scenario_id} stands in this call twice.`, [
          'scenarioId',
        ])
      }
      rows.set(row.scenario_id, { ...row, index })
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      receipts.push({
        index,
        scenarioId: input.scenarioId ?? null,
        status: 'REJECTED',
        revision: null,
        refusal: error,
      })
    }
  })
  const written = await sql.query<{ scenario_id: string; revision: number; stored: boolean }>(
    `/* upsertScenarios */
    with input as materialized (
      select * from jsonb_to_recordset($1::jsonb) as x(
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
    left join scenarios s using (scenario_id)`,
    [JSON.stringify([...rows.values()])],
  )
  for (const { scenario_id, revision, stored } of written) {
    receipts.push({
      index: rows.get(scenario_id)!.index,
      scenarioId: scenario_id,
      status: stored ? 'STORED' : 'DUPLICATE',
      revision,
      refusal: null,
    })
  }
  return receipts.sort((a, b) => a.index - b.index)
}

function scenarioRow(input: ScenarioInput): ScenarioRow {
  const externalId = optionalText(input.externalId, 500, ['externalId'])
  if (typeof input.scenarioId === 'string' && !SCENARIO_KEY.test(input.scenarioId)) {
    throw new Refusal(
      'INVALID_VALUE',
      'scenarioId takes 1 to 100 lower-case letters, digits and _; give any other id as externalId and the key is derived from it.',
      ['scenarioId'],
    )
  }
  if (!input.scenarioId && !externalId) {
    throw new Refusal('INVALID_VALUE', 'A scenario needs a scenarioId or an externalId.', ['scenarioId'])
  }
  const scenario_id = input.scenarioId ?? scenarioKey(externalId!)
  const task_prompt = storableText(input.taskPrompt)
  const bytes = Buffer.byteLength(task_prompt)
  if (bytes === 0) throw new Refusal('INVALID_VALUE', 'taskPrompt is empty.', ['taskPrompt'])
  if (bytes > MAX_PROMPT_BYTES)
    throw new Refusal('TOO_LARGE', `taskPrompt has ${bytes} bytes; the limit is 1 MiB.`, ['taskPrompt'])
  const tags = (input.tags ?? []).map((tag, index) => requiredText(tag, 100, ['tags', index]))
  if (tags.length > 20)
    throw new Refusal('INVALID_VALUE', `There are ${tags.length} tags; a scenario has at most 20.`, ['tags'])
  const duration = input.estimatedDurationMs ?? null
  if (duration !== null && (!Number.isInteger(duration) || duration < 1 || duration > MAX_INT)) {
    throw new Refusal(
      'INVALID_VALUE',
      `estimatedDurationMs is ${duration}; it has to be a whole number from 1.`,
      ['estimatedDurationMs'],
    )
  }
  const described = {
    scenario_id,
    external_id: externalId,
    source: optionalText(input.source, 200, ['source']),
    name: optionalText(input.name, 200, ['name']) || (externalId ?? scenario_id).slice(0, 200),
    task_prompt,
    ground_truth: storable(input.groundTruth, 'groundTruth'),
    difficulty_level: input.difficultyLevel ?? 'medium',
    tags: [...new Set(tags)],
    expected_tools: storable(input.expectedTools, 'expectedTools'),
    estimated_duration_ms: duration,
    metadata: (storable(input.metadata, 'metadata') ?? {}) as JsonObject,
  }
  return { ...described, content_hash: createHash('sha256').update(JSON.stringify(described)).digest('hex') }
}

function storable(value: unknown, field: string): JsonValue {
  if (value === undefined || value === null) return null
  try {
    return storableJson(value).value
  } catch (error) {
    throw error instanceof Refusal ? error.at(field) : error
  }
}

function optionalText(value: string | null | undefined, limit: number, path: InputPath): string | null {
  return value === null || value === undefined || value.trim() === ''
    ? null
    : requiredText(value, limit, path)
}

function requiredText(value: string, limit: number, path: InputPath): string {
  const text = storableText(value).trim()
  if (text === '') throw new Refusal('INVALID_VALUE', `${path[0]} is empty.`, path)
  if ([...text].length > limit)
    throw new Refusal('INVALID_VALUE', `${path[0]} is longer than ${limit} characters.`, path)
  return text
}
