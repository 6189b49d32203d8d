import type { ErrorCategory, FailurePatternInput } from '../evaluation/outcomeInput.ts'
import { deriveToolUsage } from '../evaluation/outcomes/trajectory.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { contentText } from './chatMessages.ts'
import type { ResultFormat } from './format.ts'
import {
  amountOf,
  asList,
  asObject,
  asText,
  BrokenRecord,
  objectOf,
  shown,
  sumOrNull,
} from './recordReading.ts'
import {
  categoryByWord,
  crashFailure,
  endByWord,
  failure,
  failureFields,
  type RunEnd,
  statusOf,
} from './rewardChecks.ts'
import { modelOrUnknown, runConfiguration } from './runConfiguration.ts'
import { epochMs, spanOf } from './sourceTimes.ts'
import { knownUsage } from './tokenUsage.ts'
import { filledIn, instanceIdOf, readTrajectoryFile, stemOf, type Trajectory } from './trajectoryFile.ts'

/**
 * A trajectory of mini-swe-agent (`.traj.json`): `{info, messages, trajectory_format, instance_id}`, one instance a
 * file, with the whole configuration in `info.config`. It has no score, because SWE-bench grades the patches
 * later: outcomes are ungraded.
 */
export const miniSweAgent: ResultFormat = {
  name: 'mini-swe-agent',
  shape: { messages: 'list', 'info.exit_status': 'text', 'info.config': 'object', trajectory_format: 'text' },
  detect: (document) => {
    const { info, messages, trajectory_format } = asObject(document)
    return (
      Array.isArray(messages) &&
      isJsonObject(info) &&
      (asText(trajectory_format)?.startsWith('mini-swe-agent') ||
        'mini_version' in info ||
        'exit_status' in info)
    )
  },
  parse: (document, path) => {
    if (!isJsonObject(document))
      throw new Error('This is not a trajectory of mini-swe-agent: it is not an object.')
    return readTrajectoryFile('mini-swe-agent', document, path, (read) => trajectoryOf(read, path))
  },
}

function trajectoryOf(document: JsonObject, path: string): Trajectory {
  if (!Array.isArray(document.messages))
    throw new BrokenRecord(`messages is ${shown(document.messages)}, not a list`)
  const messages = document.messages.map(asObject).map(chatMessageOf)
  const info = objectOf(document, 'info')
  const stats = objectOf(info, 'model_stats')
  const config = asObject(info.config)
  const modelSettings = asObject(config.model)
  const model = modelOrUnknown(asText(modelSettings.model_name))
  const exitStatus = asText(info.exit_status)
  const status = statusOf(endOf(exitStatus), null)
  const failures = status === 'success' ? [] : [failureOf(info, exitStatus, messages.length)]
  const usages = messages.map(usageOf)
  const usage = knownUsage(
    {
      promptTokens: sumOrNull(usages.map((usage) => usage.prompt_tokens ?? usage.input_tokens)),
      completionTokens: sumOrNull(usages.map((usage) => usage.completion_tokens ?? usage.output_tokens)),
      tokensUsed: sumOrNull(usages.map(tokensOf)),
    },
    amountOf(stats, 'instance_cost'),
    messages.some(({ role }) => role === 'assistant'),
  )
  const times = messages.flatMap(({ extra }) => epochMs(asObject(extra).timestamp) ?? [])
  const [start, end] = [times[0], times.at(-1)]
  const answer = messages.findIndex(({ role }) => role === 'assistant')
  const trajectory = {
    ...document,
    messages,
    status,
    ...(start === undefined ? {} : { start_time: new Date(start).toISOString() }),
  }
  return {
    instanceId: instanceIdOf(document.instance_id, stemOf(path)),
    problem: problemOf(messages, asObject(config.agent)),
    model,
    configuration: configurationOf(info, config, model),
    beginning: {
      asked: document.messages.slice(0, answer < 0 ? undefined : answer),
      answered: document.messages[answer] ?? null,
    },
    isUnfinished: exitStatus === null && asText(info.exception_str) === null,
    outcome: {
      status,
      executionTime: end === undefined ? null : new Date(end),
      reliabilityScore: null,
      executionTimeMs: spanOf(times),
      ...usage,
      model,
      trajectory,
      metrics: {
        exit_status: exitStatus,
        api_calls: stats.api_calls ?? null,
        message_count: messages.length,
        has_patch: asText(info.submission) !== null,
      },
      toolUsage: deriveToolUsage(messages.some(callsTools) ? messages : commandsOf(messages)),
      ...failureFields(failures, asText(info.exception_str)),
    },
  }
}

/** Limits of steps, of cost, of time and of the model's context, and the faults that mini-swe-agent has names for. */
const FAULTS = new Map<string, ErrorCategory>([
  ['LimitsExceeded', 'timeout'],
  ['TimeExceeded', 'timeout'],
  ['ContextWindowExceededError', 'timeout'],
  ['FormatError', 'model_error'],
  ['RepeatedFormatError', 'model_error'],
])

function endOf(exitStatus: string | null): RunEnd {
  if (exitStatus === null) return 'error'
  if (exitStatus === 'Submitted') return 'finished'
  const fault = FAULTS.get(exitStatus)
  if (fault === undefined) return endByWord(exitStatus)
  return fault === 'timeout' ? 'timeout' : 'error'
}

/** A run that an exception ended has its class as exit status. */
function failureOf(info: JsonObject, exitStatus: string | null, messages: number): FailurePatternInput {
  const exception = asText(info.exception_str)
  if (exception !== null) {
    const crash = crashFailure(exception, asText(info.traceback))
    return exitStatus === null
      ? crash
      : { ...crash, failureType: failure(exitStatus, 'unknown', '').failureType }
  }
  return exitStatus === null
    ? failure('unfinished', 'unknown', `The run has no exit status: it broke off after ${messages} messages.`)
    : failure(
        exitStatus,
        FAULTS.get(exitStatus) ?? categoryByWord(exitStatus),
        `The run ended after ${messages} messages: ${exitStatus}.`,
      )
}

/** Without what is of one instance: its image, and the file that it was written to. */
function configurationOf(info: JsonObject, config: JsonObject, model: string): Trajectory['configuration'] {
  const { output_path: _path, ...agent } = asObject(config.agent)
  const { image: _image, ...environment } = asObject(config.environment)
  const modelSettings = asObject(config.model)
  const temperature = asObject(modelSettings.model_kwargs).temperature
  return runConfiguration(['mini-swe-agent', model], model, temperature, {
    ...Object.fromEntries(Object.entries(config).filter(([key]) => key !== 'model')),
    agent,
    environment,
    model_settings: modelSettings,
    mini_version: info.mini_version ?? null,
  })
}

/** What the model stated of the call: with the message of the Responses API, else with the answer that it came from. */
function usageOf({ object, usage, extra }: JsonObject): JsonObject {
  return asObject(object === 'response' ? usage : asObject(asObject(extra).response).usage)
}

/** An answer of the Responses API, and the result of a call in it, as the chat message that they are. */
function chatMessageOf(message: JsonObject): JsonObject {
  if (message.object === 'response') {
    const items = asList(message.output).map(asObject)
    const calls = items.filter(({ type }) => type === 'function_call')
    return {
      ...message,
      role: 'assistant',
      content: items.map(contentText).join(''),
      ...(calls.length === 0
        ? {}
        : {
            tool_calls: calls.map(({ id = null, call_id = id, name = null, arguments: given = null }) => ({
              id: call_id,
              type: 'function',
              function: { name, arguments: given },
            })),
          }),
    }
  }
  if (message.type !== 'function_call_output') return message
  const { call_id = null, output = '' } = message
  return { ...message, role: 'tool', tool_call_id: call_id, content: output }
}

/** The issue in the first message of the user, which the agent's template surrounds with its instructions. */
function problemOf(messages: JsonObject[], agent: JsonObject): string | null {
  const first = messages.find(({ role }) => role === 'user')
  const message = first ? asText(contentText(first)) : null
  return message === null
    ? null
    : (filledIn(message, agent.instance_template, /\{\{\s*task\s*\}\}/) ?? message)
}

function callsTools({ tool_calls }: JsonObject): boolean {
  return asList(tool_calls).length > 0
}

/**
 * The commands of a model that was not given a tool and writes them into its text, with their results, which come as
 * messages of the user, one for each command.
 */
function commandsOf(messages: JsonObject[]): JsonValue[] {
  const commands: JsonObject[] = []
  const open: JsonObject[] = []
  for (const message of messages) {
    const extra = asObject(message.extra)
    if (message.role === 'assistant') {
      for (const _command of Array.isArray(extra.actions) ? extra.actions : fencedCommands(message)) {
        const command: JsonObject = { tool: 'bash' }
        commands.push(command)
        open.push(command)
      }
    } else {
      const returncode = extra.returncode ?? returncodeIn(contentText(message))
      const command = returncode === null ? undefined : open.shift()
      if (command) command.extra = { returncode }
    }
  }
  return commands
}

function fencedCommands(message: JsonObject): string[] {
  return [...contentText(message).matchAll(/^```(?:mswea_bash_command|bash)\n/gm)].map(([fence]) => fence)
}

function returncodeIn(text: string): number | null {
  const found = /^\s*<returncode>(-?\d{1,9})<\/returncode>/.exec(text)
  return found ? Number(found[1]) : null
}

function tokensOf({
  total_tokens,
  prompt_tokens,
  completion_tokens,
  input_tokens,
  output_tokens,
}: JsonObject) {
  return (
    total_tokens ??
    sumOrNull([prompt_tokens ?? input_tokens, completion_tokens ?? output_tokens]) ??
    undefined
  )
}
