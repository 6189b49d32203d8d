import { basename } from 'node:path'
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
  treeIn,
} from './recordReading.ts'
import { categoryByWord, endByWord, failure, failureFields, type RunEnd, statusOf } from './rewardChecks.ts'
import { modelOrUnknown, runConfiguration } from './runConfiguration.ts'
import { knownUsage } from './tokenUsage.ts'
import {
  filledIn,
  instanceIdOf,
  readTrajectoryFile,
  runFolder,
  stemOf,
  type Trajectory,
} from './trajectoryFile.ts'

/** What kind of fault or limit ended a run, by its `exit_status`. */
const FAULTS = new Map<string, ErrorCategory>([
  ['exit_cost', 'timeout'],
  ['exit_context', 'timeout'],
  ['exit_format', 'model_error'],
  ['exit_api', 'model_error'],
  ['exit_error', 'system_error'],
  ['exit_environment_error', 'sandbox_error'],
  ['exit_command_timeout', 'timeout'],
  ['exit_total_execution_time', 'timeout'],
  ['exit_command', 'tool_error'],
])

/** What the name of a run of SWE-agent before 1.0 tells; such a file has no configuration in it. */
interface NamedSettings {
  model: string | null
  data: string | null
  config: string | null
  temperature: number | null
  topP: number | null
  costLimit: number | null
  instance: string | null
}

/**
 * A trajectory of SWE-agent (`.traj`): `{environment, trajectory, history, info, replay_config}`, one instance a
 * file. It has no score, because SWE-bench grades the patches later, and no times: outcomes are ungraded, and the
 * duration is that of the commands, where the steps state it. Before version 1.0 the settings are in the name of
 * the run's folder only.
 */
export const sweAgent: ResultFormat = {
  name: 'SWE-agent',
  shape: { trajectory: 'list', info: 'object', history: 'list' },
  detect: (document) => {
    const { trajectory, info, history, environment, replay_config } = asObject(document)
    return (
      Array.isArray(trajectory) && isJsonObject(info) && [history, environment, replay_config].some(Boolean)
    )
  },
  parse: (document, path) => {
    if (!isJsonObject(document))
      throw new Error('This is not a trajectory of SWE-agent: it is not an object.')
    return readTrajectoryFile('SWE-agent', document, path, (read) => trajectoryOf(read, path))
  },
}

function trajectoryOf(document: JsonObject, path: string): Trajectory {
  const steps = document.trajectory
  if (!Array.isArray(steps)) throw new BrokenRecord(`trajectory is ${shown(steps)}, not a list of steps`)
  const info = objectOf(document, 'info')
  const stats = objectOf(info, 'model_stats')
  const replay = asObject(treeIn(document.replay_config))
  const agent = asObject(replay.agent)
  const named = namedSettings(path)
  const agentModel = asObject(agent.model)
  const model = modelOrUnknown(asText(agentModel.name) ?? named.model)
  const exitStatus = asText(info.exit_status)
  const status = statusOf(endOf(exitStatus), null)
  const failures = status === 'success' ? [] : [failureOf(exitStatus, steps.length)]
  const [promptTokens, completionTokens] = [
    amountOf(stats, 'tokens_sent'),
    amountOf(stats, 'tokens_received'),
  ]
  const tokensUsed = sumOrNull([promptTokens, completionTokens])
  const usage = knownUsage(
    { promptTokens, completionTokens, tokensUsed },
    amountOf(stats, 'instance_cost'),
    steps.length > 0,
  )
  const seconds = sumOrNull(steps.map((step) => asObject(step).execution_time))
  const trajectory = { ...document, status }
  return {
    instanceId: instanceIdOf(asObject(replay.problem_statement).id, named.instance ?? stemOf(path)),
    problem: problemOf(document, replay),
    model,
    configuration: configurationOf(document, replay, named, model),
    beginning: { asked: problemOf(document, replay), answered: steps[0] ?? null },
    isUnfinished: exitStatus === null,
    outcome: {
      status,
      reliabilityScore: null,
      executionTimeMs: seconds === null ? null : Math.round(seconds * 1000),
      ...usage,
      model,
      trajectory,
      metrics: {
        exit_status: exitStatus,
        api_calls: stats.api_calls ?? null,
        step_count: steps.length,
        has_patch: asText(info.submission) !== null,
      },
      toolUsage: deriveToolUsage(steps.map(withFailure)),
      ...failureFields(failures),
    },
  }
}

/** Of `submitted (exit_cost)`, a run that was cut off and whose patch was submitted all the same, what cut it off. */
function exitOf(exitStatus: string): string {
  return /^submitted \((\w+)\)$/.exec(exitStatus)?.[1] ?? exitStatus
}

function endOf(exitStatus: string | null): RunEnd {
  if (exitStatus === null) return 'error'
  const exit = exitOf(exitStatus)
  if (exit === 'submitted') return 'finished'
  const fault = FAULTS.get(exit)
  if (fault === undefined) return endByWord(exit)
  return fault === 'timeout' ? 'timeout' : 'error'
}

function failureOf(exitStatus: string | null, steps: number): FailurePatternInput {
  if (exitStatus === null)
    return failure('unfinished', 'unknown', `The run has no exit status: it broke off after ${steps} steps.`)
  const exit = exitOf(exitStatus)
  return failure(
    exit,
    FAULTS.get(exit) ?? categoryByWord(exit),
    `The run ended after ${steps} steps: ${exitStatus}.`,
  )
}

/** What SWE-agent and the shells in its sandboxes begin an answer with that is a failure. */
const FAILED =
  /^\s*(Your proposed edit has introduced new syntax error|(?:EXECUTION|COMMAND) (?:TIMED OUT|FAILED)|The command .* was cancelled because it took more than|(?:\/bin\/)?(?:ba)?sh: .*: command not found)/
const TRACEBACK = /^Traceback \(most recent call last\):\r?\n(?:[ \t].*\r?\n|\r?\n)*(\w[\w.]*)/m
/** They show what stands in a file: a traceback there is none of theirs. */
const READERS = /^(?:cat|head|tail|less|more|grep|sed|awk|git|open|goto|scroll_\w+|search_\w+|find_file)\b/

/** A step for counting tools: with the error that its observation tells of, which has no field of its own. */
function withFailure(step: JsonValue): JsonValue {
  if (!isJsonObject(step) || typeof step.observation !== 'string') return step
  const [, failed] = FAILED.exec(step.observation) ?? []
  if (failed !== undefined) return { ...step, error: failed }
  if (READERS.test(asText(step.action)?.trimStart() ?? '')) return step
  const [, exception] = TRACEBACK.exec(step.observation) ?? []
  return exception === undefined ? step : { ...step, error: exception }
}

/** Without what is of one instance: its image, its repository, its problem, and the name that a replay gives it. */
function configurationOf(
  document: JsonObject,
  replay: JsonObject,
  named: NamedSettings,
  model: string,
): Trajectory['configuration'] {
  if (isJsonObject(replay.agent)) {
    const { name: _name, ...agent } = replay.agent
    const { repo: _repo, deployment, ...environment } = asObject(replay.env)
    const { image: _image, ...container } = asObject(deployment)
    return runConfiguration(['SWE-agent', model], model, asObject(agent.model).temperature, {
      agent,
      environment: { ...environment, deployment: container },
    })
  }
  const { data, config, temperature, topP, costLimit } = named
  const system = asList(document.history)
    .map(asObject)
    .find(({ role }) => role === 'system')
  return runConfiguration(['SWE-agent', model, data, config], model, temperature, {
    agent: { config, top_p: topP, per_instance_cost_limit: costLimit },
    data,
    system_template: system ? asText(contentText(system)) : null,
  })
}

/** The issue: as the configuration has it, else from the first message that is no demonstration. */
function problemOf(document: JsonObject, replay: JsonObject): string | null {
  const stated = asText(asObject(replay.problem_statement).text)
  if (stated !== null) return stated
  const first = asList(document.history)
    .map(asObject)
    .find(({ role, is_demo }) => role === 'user' && is_demo !== true)
  const message = first ? asText(contentText(first)) : null
  if (message === null) return null
  const template = asObject(asObject(replay.agent).templates).instance_template
  const issue = /\bISSUE:\n(.*?)\n\s*INSTRUCTIONS:\n/s.exec(message)
  return filledIn(message, template, /\{?\{\s*problem_statement\s*\}\}?/) ?? asText(issue?.[1]) ?? message
}

/** `{model}__{data}__{config}__t-{temperature}__p-{top_p}__c-{cost limit}__install-{0 or 1}`, and maybe more. */
const RUN_NAME =
  /^(?<model>.+?)__(?<data>.+)__(?<config>(?:(?!__).)+)__t-(?<t>[\d.]+)__p-(?<p>[\d.]+)__c-(?<c>[\d.]+)__install-\d+(?:__(?<rest>.+))?$/

/** By the name of the folder, or of a file that has it in front of the instance. Any other name tells nothing. */
function namedSettings(path: string): NamedSettings {
  const stem = stemOf(path)
  const ofFile = RUN_NAME.exec(stem)?.groups
  const found = ofFile ?? RUN_NAME.exec(basename(runFolder(path, stem)))?.groups
  return {
    model: found?.model ?? null,
    data: found?.data ?? null,
    config: found?.config ?? null,
    temperature: numberIn(found?.t),
    topP: numberIn(found?.p),
    costLimit: numberIn(found?.c),
    instance: ofFile?.rest ?? null,
  }
}

function numberIn(text: string | undefined): number | null {
  const number = Number(text)
  return text === undefined || Number.isNaN(number) ? null : number
}
