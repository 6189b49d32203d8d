import type { ToolUsageInput } from '../evaluation/outcomeInput.ts'
import { errorType, type UsedTool, usageByTool } from '../evaluation/outcomes/trajectory.ts'
import { isText } from '../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { append, asFigure, asList, asObject, asText, treeIn } from './recordReading.ts'

/** OpenTelemetry's status of a span that failed. */
const FAILED_SPAN = 2

/** The tools that the traces of a file have, by the result that they belong to. */
export type TracedTools = Map<string, UsedTool[]>

/** Reads `traces`, which stand beside the results: a trace names its result by two numbers. */
export function tracedTools(traces: JsonValue | undefined): TracedTools {
  const tools: TracedTools = new Map()
  for (const trace of asList(traces)) {
    const { metadata, testCaseId, spans } = asObject(trace)
    const { testIdx, promptIdx } = asObject(metadata)
    const key = asFigure(testIdx) === null ? asText(testCaseId) : resultKey(testIdx, promptIdx)
    if (key === null) continue
    for (const span of asList(spans).filter(isJsonObject)) {
      for (const tool of spanCall(span)) append(tools, key, tool)
    }
  }
  return tools
}

function resultKey(testIdx: JsonValue | undefined, promptIdx: JsonValue | undefined): string {
  return `${asFigure(testIdx)}-${asFigure(promptIdx) ?? 0}`
}

/**
 * The tools of a result: the calls that the model answered with, those that the provider lists, and the spans of the
 * trace. One call may stand in several of them, so that for each tool the one that has the most calls of it counts.
 */
export function toolUsageOf(record: JsonObject, traced: TracedTools): ToolUsageInput[] {
  const response = asObject(record.response)
  const listed = [asObject(response.metadata).toolCalls, asObject(record.metadata).toolCalls]
  const sources = [
    traced.get(resultKey(record.testIdx, record.promptIdx)) ?? [],
    listed.flatMap(asList).filter(isJsonObject).flatMap(listedCall),
    calledIn(response.output).flatMap((call) => toolOf(nameOf(call))),
  ]
  const best = new Map<string, UsedTool[]>()
  for (const calls of sources) {
    const ofTool = new Map<string, UsedTool[]>()
    for (const call of calls) append(ofTool, call.tool, call)
    for (const [tool, used] of ofTool) {
      if (used.length > (best.get(tool)?.length ?? 0)) best.set(tool, used)
    }
  }
  return usageByTool([...best.values()].flat())
}

/**
 * The tool calls that an answer is or holds: a list of OpenAI's or Anthropic's, a message with `tool_calls` or
 * `function_call`; also as JSON text.
 */
export function calledIn(output: JsonValue | undefined): JsonObject[] {
  const answer = isText(output) && /^\s*[[{]/.test(output) ? treeIn(output) : (output ?? null)
  if (Array.isArray(answer)) return answer.filter(isJsonObject).filter(isCall)
  if (!isJsonObject(answer)) return []
  const { tool_calls, function_call, content } = answer
  if (Array.isArray(tool_calls))
    return tool_calls.filter(isJsonObject).filter((call) => nameOf(call) !== null)
  if (isJsonObject(function_call)) return [function_call]
  if (Array.isArray(content)) return content.filter(isJsonObject).filter(isCall)
  return isCall(answer) ? [answer] : []
}

/** An answer may be any JSON: that something in it has a name makes it no call. */
function isCall(entry: JsonObject): boolean {
  const isTyped = ['function', 'function_call', 'tool_use'].includes(asText(entry.type) ?? '')
  return nameOf(entry) !== null && (isTyped || 'arguments' in asObject(entry.function))
}

function nameOf(call: JsonObject): string | null {
  return asText(asObject(call.function).name) ?? asText(call.name)
}

function listedCall(call: JsonObject): UsedTool[] {
  const { is_error, error, output, duration_ms } = call
  const failed = is_error === true || (error !== undefined && error !== null && error !== false)
  const durationMs = asFigure(duration_ms)
  return toolOf(
    nameOf(call),
    failed ? errorType(asText(error) ?? asText(output) ?? '') : null,
    durationMs !== null && durationMs >= 0 ? durationMs : null,
  )
}

/** A span of a tool says so by an attribute of OpenTelemetry's conventions, or by its name. */
function spanCall({
  name,
  attributes,
  startTime,
  endTime,
  statusCode,
  statusMessage,
}: JsonObject): UsedTool[] {
  const { 'gen_ai.tool.name': tool, 'tool.name': other, 'error.type': error } = asObject(attributes)
  const named = /^execute_tool (.+)$/.exec(asText(name) ?? '')?.[1] ?? null
  const failed = asFigure(statusCode) === FAILED_SPAN || asText(error) !== null
  const [start, end] = [asFigure(startTime), asFigure(endTime)]
  return toolOf(
    asText(tool) ?? asText(other) ?? named,
    failed ? errorType(asText(error) ?? asText(statusMessage) ?? '') : null,
    start === null || end === null || end < start ? null : end - start,
  )
}

function toolOf(
  tool: string | null,
  error: string | null = null,
  durationMs: number | null = null,
): UsedTool[] {
  return tool === null ? [] : [{ tool, errorType: error, durationMs }]
}
