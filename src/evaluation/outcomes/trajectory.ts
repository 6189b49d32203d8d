import { isoTimeMs } from '../../calendar.ts'
import { asPlainNumber, isText } from '../../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { mapKey } from '../../mapKey.ts'
import { cutText } from '../../text.ts'
import { LENGTHS, MAX_ERROR_TYPES } from '../../valueChecks.ts'
import { maskVariableParts } from '../failures/failurePattern.ts'
import type { OutcomeStatus, ToolUsageInput } from '../outcomeInput.ts'

/**
 * The trajectory as it is stored: always an object with `start_time` and `status`, which are added where they are
 * missing or null and otherwise left as the source has them. A list becomes `{steps}`, a text `{text}`, a number
 * or boolean `{value}`. At most the top level is copied; a trajectory that has both is returned itself.
 */
export function normaliseTrajectory(
  trajectory: JsonValue | undefined,
  status: OutcomeStatus,
  startTime: Date,
): JsonObject {
  const fields = trajectoryFields(trajectory ?? null)
  if (fields.start_time != null && fields.status != null) return fields
  return {
    ...fields,
    start_time: fields.start_time ?? startTime.toISOString(),
    status: fields.status ?? status,
  }
}

/** The same without what follows from the outcome: of a trajectory that takes the place of a stored one. */
export function trajectoryFields(trajectory: JsonValue): JsonObject {
  if (trajectory === null) return {}
  if (Array.isArray(trajectory)) return { steps: trajectory }
  if (typeof trajectory === 'object') return trajectory
  return isText(trajectory) ? { text: trajectory } : { value: trajectory }
}

/** Where a trajectory may keep its messages or steps; the first list that holds a tool call is the one read. */
export const LIST_FIELDS = ['messages', 'steps', 'traj', 'full_trajectory', 'trajectory'] as const

/** How many steps or messages it has: of the first of LIST_FIELDS that is a list; 0 without one. */
export function stepCountOf(trajectory: JsonObject): number {
  for (const field of LIST_FIELDS) {
    const list = trajectory[field]
    if (Array.isArray(list)) return list.length
  }
  return 0
}

/**
 * How often and how well each tool was used, in the order of first use; an empty list for unknown shapes.
 *
 * Read are chat messages (`tool_calls`, `function_call`, results with role `tool` or `function`), items and content
 * blocks (`function_call`, `tool_use`, `tool_result`), and steps (`{tool: "name"}`, `{action: "name …"}`,
 * `{action: {name}}`). A tool that the simulated user calls counts as `user:<name>`. A call fails when its result
 * or step has a truthy `error` or `is_error`, an exit code other than 0 (`extra.returncode`), or a text that starts
 * with "Error"; a call without a result counts as not failed.
 *
 * A duration comes from the call's own field, else the result's (`DURATION_FIELDS`), else from the time between
 * the message of the call and the message of its result.
 */
export function deriveToolUsage(trajectory: JsonValue): ToolUsageInput[] {
  return usageByTool(toolCallsOf(trajectory))
}

/** The calls of tools in their order, read as `deriveToolUsage` says. */
export function toolCallsOf(trajectory: JsonValue): ToolCall[] {
  if (Array.isArray(trajectory)) return readToolCalls(trajectory)
  if (!isJsonObject(trajectory)) return []
  for (const field of LIST_FIELDS) {
    const list = trajectory[field]
    if (!Array.isArray(list)) continue
    const calls = readToolCalls(list)
    if (calls.length > 0) return calls
  }
  return []
}

/** One call of a tool, as far as its use tells of it. */
export interface UsedTool {
  tool: string
  /** Milliseconds; null where nothing tells them. */
  durationMs: number | null
  /** Null when the call did not fail. */
  errorType: string | null
}

export interface ToolCall extends UsedTool {
  /** What has the name and the arguments: the call, the step or the block of a message. */
  source: JsonObject
  /** Milliseconds since 1970, with microseconds where the source has them. */
  calledAt: number | null
  answered: boolean
}

/** The calls summed up by tool, in the order of first use. */
export function usageByTool(calls: readonly UsedTool[]): ToolUsageInput[] {
  const positionsByTool = new Map<string, number[]>()
  for (let position = 0; position < calls.length; position++) {
    const { tool } = calls[position]!
    const positions = positionsByTool.get(tool)
    if (positions) positions.push(position)
    else positionsByTool.set(tool, [position])
  }
  const usage: ToolUsageInput[] = []
  for (const [toolName, positions] of positionsByTool) {
    let failed = 0
    let timed = 0
    let totalMs = 0
    const errorTypes: string[] = []
    for (const position of positions) {
      const call = calls[position]!
      if (call.errorType !== null) failed++
      if (call.durationMs !== null) {
        timed++
        totalMs += call.durationMs
      }
      if (call.errorType && errorTypes.length < MAX_ERROR_TYPES && !errorTypes.includes(call.errorType)) {
        errorTypes.push(call.errorType)
      }
    }
    usage.push({
      toolName,
      callCount: positions.length,
      avgDurationMs: timed === 0 ? null : Math.round((totalMs / timed) * 1000) / 1000,
      successRate: (positions.length - failed) / positions.length,
      toolSequence: positions,
      errorTypes,
    })
  }
  return usage
}

function readToolCalls(list: JsonValue[]): ToolCall[] {
  const log = new ToolCallLog()
  for (const entry of list) {
    if (isJsonObject(entry)) readEntry(log, entry)
  }
  return log.calls
}

/** Exactly one shape is read per entry: some sources repeat one call in two of them. */
function readEntry(log: ToolCallLog, entry: JsonObject): void {
  if (entry.role === 'tool' || entry.role === 'function') {
    log.addResult(entry.tool_call_id ?? entry.id, entry, entry.content, entry)
  } else if (Array.isArray(entry.tool_calls) && entry.tool_calls.length > 0) {
    for (const call of entry.tool_calls) {
      if (isJsonObject(call)) log.addCall(calledTool(call, entry), call.id, call, entry)
    }
  } else if (isJsonObject(entry.function_call)) {
    log.addCall(calledTool(entry.function_call, entry), undefined, entry.function_call, entry)
  } else if (isText(entry.tool)) {
    readStep(log, entry.tool, entry)
  } else if (isText(entry.action)) {
    readStep(log, FIRST_WORD.exec(entry.action)?.[0], entry)
  } else if (isJsonObject(entry.action)) {
    readStep(log, entry.action.name ?? entry.action.tool, entry)
  } else if (Array.isArray(entry.content)) {
    for (const block of entry.content) {
      if (isJsonObject(block)) readItem(log, block, entry)
    }
  } else if (isText(entry.type)) {
    readItem(log, entry, entry)
  }
}

/** `find_file a.py` and `search[query]` call `find_file` and `search`. */
const FIRST_WORD = /[^\s[(]+/

/** A step holds the call and its result, so its one timestamp tells no duration. */
function readStep(log: ToolCallLog, tool: JsonValue | undefined, step: JsonObject): void {
  const call = log.addCall(tool, undefined, step, step)
  if (call) answer(call, step, step.observation ?? step.output ?? step.result, null)
}

function calledTool(call: JsonObject, message: JsonObject): JsonValue | undefined {
  const name = isJsonObject(call.function) ? call.function.name : (call.function ?? call.name)
  const byUser = call.requestor === 'user' || message.role === 'user'
  return byUser && isText(name) ? `user:${name}` : name
}

/** A content block of a message, or an item that stands in the list by itself (then it is its own message). */
function readItem(log: ToolCallLog, item: JsonObject, message: JsonObject): void {
  switch (item.type) {
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use':
      log.addCall(item.name, item.id, item, message)
      break
    case 'function_call':
      log.addCall(item.name, item.call_id ?? item.id, item, message)
      break
    case 'tool_result':
    case 'mcp_tool_result':
      log.addResult(item.tool_use_id, item, item.content, message)
      break
    case 'function_call_output':
      log.addResult(item.call_id, item, item.output, message)
      break
  }
}

class ToolCallLog {
  readonly calls: ToolCall[] = []
  private readonly callsById = new Map<JsonValue, ToolCall>()
  private firstUnanswered = 0

  addCall(
    tool: JsonValue | undefined,
    id: JsonValue | undefined,
    source: JsonObject,
    message: JsonObject,
  ): ToolCall | undefined {
    if (!isText(tool) || tool === '') return undefined
    const call: ToolCall = {
      tool: cutText(tool, LENGTHS.toolName.max),
      source,
      calledAt: timeOf(message),
      durationMs: durationMsOf(source),
      answered: false,
      errorType: null,
    }
    this.calls.push(call)
    if (id != null) this.callsById.set(idOf(id), call)
    return call
  }

  /** A result without an id answers the oldest call that has no answer yet. */
  addResult(
    id: JsonValue | undefined,
    result: JsonObject,
    content: JsonValue | undefined,
    message: JsonObject,
  ): void {
    const call = id == null ? this.oldestUnanswered() : this.callsById.get(idOf(id))
    if (call && !call.answered) answer(call, result, content, timeOf(message))
  }

  private oldestUnanswered(): ToolCall | undefined {
    while (this.calls[this.firstUnanswered]?.answered) this.firstUnanswered++
    return this.calls[this.firstUnanswered]
  }
}

/** Some are a whole signature long. */
function idOf(id: JsonValue): JsonValue {
  return typeof id === 'string' ? mapKey(id) : id
}

function answer(
  call: ToolCall,
  result: JsonObject,
  content: JsonValue | undefined,
  answeredAt: number | null,
): void {
  call.answered = true
  call.errorType = errorTypeOf(result, content)
  call.durationMs ??= durationMsOf(result)
  if (
    call.durationMs === null &&
    call.calledAt !== null &&
    answeredAt !== null &&
    answeredAt >= call.calledAt
  ) {
    call.durationMs = answeredAt - call.calledAt
  }
}

/** What failed, in a form that repeats from call to call; null when the call did not fail. */
function errorTypeOf(result: JsonObject, content: JsonValue | undefined): string | null {
  const text = textOf(content)
  const { error, extra } = result
  if (error) {
    if (isText(error)) return errorType(error)
    return errorType(
      isJsonObject(error) ? textOf(error.type ?? error.name ?? error.code ?? error.message) : text,
    )
  }
  if (result.is_error || text.startsWith('Error')) return errorType(text)
  const exitCode = asPlainNumber(isJsonObject(extra) ? extra.returncode : undefined)
  return typeof exitCode === 'number' && exitCode !== 0 ? `exit code ${exitCode}` : null
}

/** What a failed call said: the first line, masked, so that "Plan P1006 not found" and "Plan P1007 not found" are one type. */
export function errorType(text: string): string {
  const { max } = LENGTHS.errorType
  const [firstLine = ''] = cutText(text, 2 * max)
    .trimStart()
    .split('\n', 1)
  return cutText(maskVariableParts(firstLine), max) || 'error'
}

/** A text, or the first text block of a list. */
function textOf(content: JsonValue | undefined): string {
  if (isText(content)) return content
  if (!Array.isArray(content)) return ''
  for (const block of content) {
    if (isJsonObject(block) && isText(block.text)) return block.text
  }
  return ''
}

/** The fields in which sources give a duration, with their unit in milliseconds, in the order of preference. */
const DURATION_FIELDS = [
  ['duration_ms', 1],
  ['durationMs', 1],
  ['latency_ms', 1],
  ['execution_time_ms', 1],
  ['duration_seconds', 1000],
  ['execution_time_seconds', 1000],
  ['execution_time', 1000],
  ['duration', 1000],
] as const

function durationMsOf(source: JsonObject): number | null {
  for (const [field, unitMs] of DURATION_FIELDS) {
    const duration = asPlainNumber(source[field])
    if (typeof duration === 'number' && duration >= 0) return duration * unitMs
  }
  return null
}

/** Numbers below are seconds since 1970, others milliseconds: as milliseconds it would be March 1973. */
const MIN_EPOCH_MS = 1e11

function timeOf(source: JsonObject): number | null {
  const { extra } = source
  const time = asPlainNumber(
    source.timestamp ?? source.created_at ?? (isJsonObject(extra) ? extra.timestamp : null),
  )
  if (typeof time === 'number') return time < MIN_EPOCH_MS ? time * 1000 : time
  return typeof time === 'string' ? isoTimeMs(time) : null
}
