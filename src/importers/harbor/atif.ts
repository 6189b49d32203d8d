import type { OutcomeInput } from '../../evaluation/outcomeInput.ts'
import type { JsonObject, JsonValue } from '../../json.ts'
import { contentText, toolCallsOf, toolUsageOf } from '../chatMessages.ts'
import { asFigure, asList, asObject, asText, bounded, sumOrNull } from '../recordReading.ts'

/** What an ATIF trajectory tells of an agent's run. */
export interface AtifRun {
  /** The first message of the user, which is the task. */
  prompt: string | null
  model: string | null
  /** The steps as chat messages, and the results of tools as messages of these. */
  messages: JsonObject[]
  steps: number
  /** Whether an agent took a step, for which a model was called. */
  wasCalled: boolean
  usage: Pick<OutcomeInput, 'promptTokens' | 'completionTokens' | 'costUsd'>
  toolUsage: OutcomeInput['toolUsage']
}

/** The versions 1.0 to 1.8 differ in optional fields. */
const NEWEST_MINOR = 8

const MAX_VERSION_LENGTH = 40

/** Whether a document is a trajectory of Harbor's interchange format, of any version. */
export function isAtif(document: unknown): document is JsonObject {
  const { schema_version, steps } = asObject(document)
  return Array.isArray(steps) && asText(schema_version)?.startsWith('ATIF') === true
}

/** What to tell the owner of trajectories whose version Arc does not know. */
export function versionNotes(trajectories: JsonObject[]): string[] {
  const versions = new Set(trajectories.flatMap(({ schema_version }) => asText(schema_version) ?? []))
  return [...versions]
    .filter((version) => !isKnown(version))
    .map(
      (version) =>
        `a trajectory is of ${bounded(version, MAX_VERSION_LENGTH)}, which Arc does not know: it is read as ATIF-v1.${NEWEST_MINOR}`,
    )
}

function isKnown(version: string): boolean {
  const minor = /^ATIF-v1\.(\d{1,3})(?:\.\d+)?$/.exec(version)?.[1]
  return minor !== undefined && Number(minor) <= NEWEST_MINOR
}

/**
 * Reads trajectories that go on with each other. Steps that repeat those of a trajectory before (`is_copied_context`)
 * count once; the tool calls of subagents that are embedded count as the agent's.
 */
export function readAtif(trajectories: JsonObject[]): AtifRun {
  const steps = trajectories.flatMap(({ steps }) => asList(steps).map(asObject)).filter(isOwn)
  const messages = steps.flatMap(messagesOf)
  const prompt = steps.find(({ source }) => source === 'user')
  const calls = [...messages, ...trajectories.flatMap(subagentMessages)]
  return {
    prompt: prompt ? asText(textOf(prompt.message)) : null,
    model: modelOf(trajectories, steps),
    messages,
    steps: steps.length,
    wasCalled: steps.some(({ source }) => source === 'agent'),
    usage: usageOf(trajectories, steps),
    toolUsage: toolUsageOf(toolCallsOf(calls), hasFailed),
  }
}

function isOwn({ is_copied_context }: JsonObject): boolean {
  return is_copied_context !== true
}

function modelOf(trajectories: JsonObject[], steps: JsonObject[]): string | null {
  const ofAgent = trajectories.flatMap(({ agent }) => asText(asObject(agent).model_name) ?? [])
  return ofAgent[0] ?? steps.flatMap(({ model_name }) => asText(model_name) ?? [])[0] ?? null
}

/** The totals, which run on from one trajectory to the next; else, and of several runs, the sums over the steps. */
function usageOf(trajectories: JsonObject[], steps: JsonObject[]): AtifRun['usage'] {
  const isOneRun = trajectories
    .slice(0, -1)
    .every(({ continued_trajectory_ref }) => asText(continued_trajectory_ref))
  const totals = isOneRun ? asObject(trajectories.at(-1)?.final_metrics) : {}
  const metrics = steps.map((step) => asObject(step.metrics))
  const amount = (total: string, ofStep: string) =>
    sumOrNull([totals[total]]) ?? sumOrNull(metrics.map((step) => step[ofStep]))
  return {
    promptTokens: amount('total_prompt_tokens', 'prompt_tokens'),
    completionTokens: amount('total_completion_tokens', 'completion_tokens'),
    costUsd: amount('total_cost_usd', 'cost_usd'),
  }
}

const ROLES = new Map([
  ['agent', 'assistant'],
  ['user', 'user'],
])

function messagesOf(step: JsonObject): JsonObject[] {
  const { source, message = '', timestamp, reasoning_content, tool_calls, observation } = step
  const time: JsonObject = timestamp === undefined ? {} : { timestamp }
  const calls = asList(tool_calls).map(asObject)
  const said: JsonObject = {
    role: ROLES.get(asText(source) ?? '') ?? 'system',
    content: message,
    ...time,
    ...(reasoning_content === undefined ? {} : { reasoning_content }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map(toolCallOf) }),
  }
  const results = asList(asObject(observation).results).map(asObject)
  return [said, ...results.map((result) => resultOf(result, calls))]
}

function toolCallOf({ tool_call_id, function_name, arguments: given, ...rest }: JsonObject): JsonObject {
  return {
    ...rest,
    id: tool_call_id ?? null,
    type: 'function',
    function: { name: function_name ?? null, arguments: given ?? {} },
  }
}

/**
 * A step has one time, its own, so that nothing tells how long a tool took. Some agents leave the id of the call out:
 * the only call of a step is meant.
 */
function resultOf({ source_call_id, content, ...rest }: JsonObject, calls: JsonObject[]): JsonObject {
  const only = calls.length === 1 ? calls[0]!.tool_call_id : undefined
  return { ...rest, role: 'tool', tool_call_id: source_call_id ?? only ?? null, content: content ?? '' }
}

function subagentMessages(trajectory: JsonObject): JsonObject[] {
  return asList(trajectory.subagent_trajectories)
    .map(asObject)
    .flatMap((subagent) => [
      ...asList(subagent.steps).map(asObject).filter(isOwn).flatMap(messagesOf),
      ...subagentMessages(subagent),
    ])
}

function textOf(message: JsonValue | undefined): string {
  return contentText({ content: message ?? '' })
}

/** ATIF has no field for it: agents leave the exit code or a flag in `extra`, and a text that says so. */
function hasFailed(result: JsonObject): boolean {
  const { is_error, exit_code, returncode } = asObject(result.extra)
  const code = asFigure(exit_code ?? returncode)
  return is_error === true || (code !== null && code !== 0) || contentText(result).startsWith('Error')
}
