import type { ToolUsageInput } from '../evaluation/outcomeInput.ts'
import { errorType, usageByTool } from '../evaluation/outcomes/trajectory.ts'
import { isText } from '../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { append, asList, asObject, asText, figureIn, treeIn } from './recordReading.ts'
import { epochMs } from './sourceTimes.ts'

/** One call of a tool found in a conversation. */
export interface ToolCall {
  name: string
  /** Called by the simulated user, not by the agent that is evaluated. */
  byUser: boolean
  /** The arguments as a tree, also where the message holds them as JSON text. */
  arguments: JsonValue
  /** Milliseconds since 1970, null where the message has no time. */
  calledAtMs: number | null
  /** The tool's message, null when the conversation ended before it came. */
  result: JsonObject | null
  /** Where the file states it; else it is the time from the call to the result. */
  durationMs?: number | null
}

/**
 * Every tool call of a conversation in its order, with its result. Reads OpenAI messages
 * (`tool_calls[].function`, results by `tool_call_id`), those of tau2-bench (`tool_calls[].name`, `requestor`,
 * results by `id`) and of Inspect (the name as `tool_calls[].function`). What is no message or names no tool is passed over.
 */
export function toolCallsOf(messages: JsonValue[]): ToolCall[] {
  const calls: ToolCall[] = []
  // A queue per id, because some providers repeat ids and some send empty ones: the oldest open call is answered.
  const open = new Map<JsonValue | undefined, ToolCall[]>()
  for (const message of messages) {
    if (!isJsonObject(message)) continue
    if (message.role === 'tool') {
      const call = open.get(message.tool_call_id ?? message.id)?.shift()
      if (call) call.result = message
    }
    for (const entry of asList(message.tool_calls).filter(isJsonObject)) {
      const call = toolCallOf(entry, message)
      if (!call) continue
      calls.push(call)
      append(open, entry.id, call)
    }
  }
  return calls
}

/**
 * The calls summed up by tool, in the order of first use. A tool of the simulated user is named
 * `user:<tool>`, so that it never counts as the agent's. A call without a result counts as not failed.
 */
export function toolUsageOf(calls: ToolCall[], isFailure: (result: JsonObject) => boolean): ToolUsageInput[] {
  return usageByTool(
    calls.map((call) => ({
      tool: call.byUser ? `user:${call.name}` : call.name,
      durationMs: durationOf(call),
      errorType: call.result && isFailure(call.result) ? errorType(contentText(call.result)) : null,
    })),
  )
}

/** Tokens of the agent's own model calls (`usage` of its messages); null when no message states any. */
export function tokensOf(messages: JsonValue[]): {
  promptTokens: number | null
  completionTokens: number | null
  tokensUsed: number | null
} {
  const usages = messages
    .filter(isJsonObject)
    .filter((message) => message.role === 'assistant' && isJsonObject(message.usage))
    .map((message) => asObject(message.usage))
  if (usages.length === 0) return { promptTokens: null, completionTokens: null, tokensUsed: null }
  const promptTokens = sumOf(usages, 'prompt_tokens')
  const completionTokens = sumOf(usages, 'completion_tokens')
  return { promptTokens, completionTokens, tokensUsed: promptTokens + completionTokens }
}

/** The text of a message, also where its content is a list of parts; empty when it has none. */
export function contentText(message: JsonObject): string {
  if (isText(message.content)) return message.content
  return asList(message.content)
    .map((part) => asText(asObject(part).text) ?? '')
    .join('')
}

function toolCallOf(entry: JsonObject, message: JsonObject): ToolCall | null {
  const described = isJsonObject(entry.function) ? entry.function : entry
  const name = asText(described.name) ?? asText(entry.function)
  if (name === null) return null
  return {
    name,
    byUser: (entry.requestor ?? message.role) === 'user',
    // What a model wrote as arguments need not be JSON: that is the model's fault, not the file's.
    arguments: treeIn(described.arguments),
    calledAtMs: epochMs(message.timestamp),
    result: null,
  }
}

function durationOf({ calledAtMs, result, durationMs }: ToolCall): number | null {
  if (typeof durationMs === 'number') return durationMs
  const endedAtMs = epochMs(result?.timestamp)
  return calledAtMs === null || endedAtMs === null || endedAtMs < calledAtMs ? null : endedAtMs - calledAtMs
}

function sumOf(usages: JsonObject[], key: string): number {
  return usages.reduce((sum, usage) => {
    const count = figureIn(usage[key])
    return count !== null && count > 0 ? sum + count : sum
  }, 0)
}
