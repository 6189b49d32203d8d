import { isText } from '../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { contentText } from './chatMessages.ts'
import { asFigure, asList, asObject, asText } from './recordReading.ts'

/** Actions that are no calls of a tool. */
const NO_TOOLS = [
  'message',
  'system',
  'recall',
  'condensation',
  'condensation_request',
  'change_agent_state',
  'null',
]

/**
 * The events of a run as chat messages. Read are the events of OpenHands before 1.0 (`action` and `observation`, alone or
 * in pairs) and those of its agent SDK (`kind`); what neither says nor does anything is left out.
 */
export function chatMessagesOf(history: JsonValue[]): JsonObject[] {
  return history
    .flatMap((event) => (Array.isArray(event) ? event : [event]))
    .filter(isJsonObject)
    .flatMap((event) => ('kind' in event ? messageOfKind(event) : messageOfEvent(event)))
}

/** Whether a result is that of a call that failed. */
export function hasFailed({ error, content }: JsonObject): boolean {
  return error === true || contentText({ content: content ?? '' }).startsWith('Error')
}

function messageOfEvent(event: JsonObject): JsonObject[] {
  const { id, timestamp, source, action, args, observation, content, cause, extras } = event
  const time = timeOf(timestamp)
  const kind = asText(action)
  const given = asObject(args)
  if (kind !== null && NO_TOOLS.includes(kind)) {
    const text = asText(given.content) ?? asText(event.message)
    if (text === null || !['message', 'system'].includes(kind)) return []
    const role = kind === 'system' ? 'system' : source === 'user' ? 'user' : 'assistant'
    return [{ role, content: text, ...time }]
  }
  if (kind !== null) {
    const name = asText(asObject(event.tool_call_metadata).function_name) ?? kind
    const { thought, ...rest } = given
    const call: JsonObject = { id: id ?? null, type: 'function', function: { name, arguments: rest } }
    return [{ role: 'assistant', content: asText(thought) ?? '', tool_calls: [call], ...time }]
  }
  if (asText(observation) === null || cause === undefined || cause === null) return []
  const { exit_code = asObject(asObject(extras).metadata).exit_code } = asObject(extras)
  const failed = observation === 'error' || (asFigure(exit_code) ?? 0) > 0
  return [
    {
      role: 'tool',
      tool_call_id: cause,
      content: content ?? '',
      ...(failed ? { error: true } : {}),
      ...time,
    },
  ]
}

function messageOfKind(event: JsonObject): JsonObject[] {
  const { kind, timestamp, tool_name, tool_call_id = null } = event
  const time = timeOf(timestamp)
  switch (kind) {
    case 'SystemPromptEvent':
      return [
        {
          role: 'system',
          content: textOf(asObject(event.system_prompt).text ?? event.system_prompt),
          ...time,
        },
      ]
    case 'MessageEvent': {
      const { role, content } = asObject(event.llm_message)
      return [{ role: role ?? 'user', content: textOf(content), ...time }]
    }
    case 'ActionEvent': {
      const { kind: _kind, ...given } = asObject(event.action)
      const call: JsonObject = {
        id: tool_call_id,
        type: 'function',
        function: { name: asText(tool_name) ?? 'unknown', arguments: given },
      }
      return [{ role: 'assistant', content: textOf(event.thought), tool_calls: [call], ...time }]
    }
    case 'ObservationEvent': {
      const { is_error, exit_code, content, output, ...rest } = asObject(event.observation)
      const failed = is_error === true || (asFigure(exit_code) ?? 0) > 0
      const said = content ?? output ?? rest.text ?? ''
      return [{ role: 'tool', tool_call_id, content: said, ...(failed ? { error: true } : {}), ...time }]
    }
    case 'AgentErrorEvent':
    case 'UserRejectObservation':
      return [
        {
          role: 'tool',
          tool_call_id,
          content: textOf(event.error ?? event.rejection_reason),
          error: true,
          ...time,
        },
      ]
    default:
      return []
  }
}

function timeOf(timestamp: JsonValue | undefined): JsonObject {
  return isText(timestamp) ? { timestamp } : {}
}

function textOf(content: JsonValue | undefined): string {
  return contentText({ content: Array.isArray(content) ? asList(content) : (content ?? '') })
}
