import { basename } from 'node:path'
import type { FailurePatternInput } from '../evaluation/outcomeInput.ts'
import { asPlainNumber, isText } from '../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { contentText, type ToolCall, tokensOf, toolCallsOf, toolUsageOf } from './chatMessages.ts'
import type { ImportedOutcome, ImportedRun, ImportedScenario, ParsedFile, ResultFormat } from './format.ts'
import {
  append,
  asFigure,
  asList,
  asObject,
  asText,
  BrokenRecord,
  canonicalJson,
  digest,
  domainOrUnknown,
  FreeTrials,
  givenAmount,
  Occurrences,
  objectOf,
  onOtherScale,
  type RecordPlace,
  readRecords,
  recordsIdentity,
  repetitionsOf,
  scoreOf,
  shortName,
  shown,
  TASK_AND_TRIAL,
  taskIdText,
} from './recordReading.ts'
import {
  callText,
  checkCounts,
  checkFailures,
  crashFailure,
  failure,
  failureFields,
  type RewardCheck,
  statusOf,
  unexplainedFailures,
} from './rewardChecks.ts'
import { isModelName, modelOrUnknown, runConfiguration } from './runConfiguration.ts'

const RECORD_KEYS = ['task_id', 'reward', 'info', 'traj', 'trial']

/** tau-bench's name for an answer to the user among the expected actions; it is no tool. */
const RESPOND_ACTION = 'respond'

/** What the file's name tells; the file itself holds neither model nor settings. */
interface NamedSettings {
  environment: string | null
  model: string | null
  temperature: number | null
  agentStrategy: string | null
  userModel: string | null
  userStrategy: string | null
  /** How many tasks the run has; null where the name says all, or nothing. */
  tasks: number | null
}

/**
 * Results of tau-bench: a list of `{task_id, reward, info, traj, trial}`, in one file the trials of one agent.
 * The format has no times, no tokens and no cost of the agent; model, strategy and temperature come from the
 * file's name when it is one that tau-bench gives or publishes.
 */
export const tauBench: ResultFormat = {
  name: 'tau-bench',
  isReadOneByOne: true,
  shape: { '[].task_id': 'value', '[].reward': 'number', '[].info': 'object', '[].traj': 'list' },
  detect: (document) =>
    asList(document).some((record) => RECORD_KEYS.filter((key) => key in asObject(record)).length >= 3),
  parse: (document, fileName) => {
    if (!Array.isArray(document))
      throw new Error('This is not a tau-bench result: it is not a list of records.')
    return parseRecords(document, fileName)
  },
}

function parseRecords(records: JsonValue[], fileName: string): ParsedFile {
  const named = namedSettings(basename(fileName))
  const policy = policyOf(records)
  const environment = domainOrUnknown(environmentOf(records, policy) ?? named.environment)
  const tasksOfTrial = new Map<number, string[]>()
  const trials = new FreeTrials()
  const occurrences = new Occurrences()
  const { outcomes, taskIds, rejected } = readRecords(
    records,
    (record, place) => {
      const outcome = outcomeOf(record, place, environment, named.model)
      append(tasksOfTrial, place.trial, place.taskId)
      return hasTrial(record) ? outcome : occurrences.of(outcome)
    },
    {
      ...TASK_AND_TRIAL,
      placeOf: (record, index) => {
        const place = TASK_AND_TRIAL.placeOf(record, index)
        if (hasTrial(record)) trials.take(place.taskId, place.trial)
        return hasTrial(record) ? place : { ...place, trial: trials.next(place.taskId) }
      },
    },
  )
  if (outcomes.length === 0) return { runs: [], rejected }
  const missing = missingRecords(tasksOfTrial, named.tasks)

  const agentStrategy =
    named.agentStrategy ?? (outcomes.some((outcome) => usedTools(outcome)) ? 'tool-calling' : null)
  const run: ImportedRun = {
    identity: recordsIdentity('tau-bench', records),
    knownByRecords: true,
    isOpenEnded: true,
    state: missing === 0 ? 'finished' : 'unfinished',
    name: shortName('tau-bench', environment, modelOrUnknown(named.model)),
    configuration: runConfiguration(
      ['tau-bench', environment, modelOrUnknown(named.model), agentStrategy],
      named.model,
      named.temperature,
      {
        agent: { strategy: agentStrategy },
        user_simulator: { model: named.userModel, strategy: named.userStrategy },
        environment: { name: environment, policy },
      },
    ),
    repetitions: repetitionsOf(outcomes),
    scenarios: scenariosOf(taskIds, records, environment),
    outcomes,
    metadata: { format: 'tau-bench', source_file: basename(fileName), environment },
  }
  const notes =
    missing === 0
      ? []
      : [
          `${missing} records are missing in the last trial: the run is not finished. ` +
            'Import it again when there are more; --complete ends the simulation',
        ]
  return { runs: [run], rejected, notes }
}

/**
 * tau-bench writes trial by trial, each with all tasks: how many of the first trial's tasks the last one lacks, or of
 * those that the file's name counts.
 */
function missingRecords(tasksOfTrial: Map<number, string[]>, named: number | null): number {
  const trials = [...tasksOfTrial.keys()]
  const last = new Set(tasksOfTrial.get(Math.max(...trials)))
  const first = tasksOfTrial.get(Math.min(...trials)) ?? []
  return Math.max(first.filter((task) => !last.has(task)).length, (named ?? 0) - last.size)
}

function hasTrial({ trial = null }: JsonObject): boolean {
  return trial !== null
}

function outcomeOf(
  record: JsonObject,
  place: RecordPlace,
  environment: string,
  model: string | null,
): ImportedOutcome {
  const { traj, ...rest } = record
  const info = objectOf(record, 'info')
  const score = scoreOf(record.reward)
  const messages = messagesOf(traj, info)
  const calls = toolCallsOf(messages)
  const checks = checksOf(info, calls)
  // What ran out of steps has the reward 0, and the file names no limit.
  const status = statusOf(asText(info.error) === null ? 'finished' : 'error', score)
  const failures = status === 'success' ? [] : failuresOf(info, score, checks)
  return {
    scenarioExternalId: externalIdOf(environment, place.taskId),
    repetition: place.trial + 1,
    ...(hasTrial(record) ? {} : { takesFreeRepetition: true }),
    // No two runs say word for word the same, and a later grade leaves what was said; two that crashed at once are equal.
    ...(messages.length === 0
      ? {}
      : { identity: digest(['tau-bench', place.taskId, record.trial ?? null, messages]) }),
    status,
    reliabilityScore: score,
    ...tokensOf(messages),
    costUsd: null,
    model: modelOrUnknown(model),
    trajectory: { ...rest, status, messages },
    metrics: {
      ...onOtherScale('reward', record.reward),
      reward_breakdown: numbersOf(rewardPartsOf(info)),
      checks: checkCounts(checks),
      user_cost_usd: givenAmount(info, 'user_cost'),
      message_count: messages.length,
    },
    toolUsage: toolUsageOf(calls, (result) => contentText(result).startsWith('Error')),
    ...failureFields(failures, asText(info.error)),
  }
}

/** A crashed run may come without messages; any other must have a list of them. */
function messagesOf(traj: JsonValue | undefined, info: JsonObject): JsonValue[] {
  if (Array.isArray(traj)) return traj
  if ((traj === undefined || traj === null) && asText(info.error) !== null) return []
  throw new BrokenRecord(`traj is ${shown(traj)}, not a list of messages`)
}

/**
 * tau-bench compares the database with the one after the expected actions (`r_actions`) and, where a task has
 * outputs, looks for them in what the agent said (`r_outputs`). With outputs it keeps only the result of those,
 * so outputs that were all said in a run without reward mean that the database was wrong.
 */
function checksOf(info: JsonObject, calls: ToolCall[]): RewardCheck[] {
  const { reward } = asObject(info.reward_info)
  const { r_actions: databaseReward, outputs } = rewardPartsOf(info)
  const saidOutputs = Object.entries(asObject(outputs))
  const allSaid = saidOutputs.length > 0 && saidOutputs.every(([, said]) => said === true)
  const databaseRight = databaseReward ?? (allSaid ? reward : undefined)
  const checks: RewardCheck[] = saidOutputs.map(([output, said]) => ({
    kind: 'communicate',
    met: said === true,
    decisive: true,
    unmetMessage: `The agent should have told the user "${output}".`,
  }))
  if (databaseRight !== undefined && databaseRight !== null) {
    checks.push({
      kind: 'db',
      met: Number(asPlainNumber(databaseRight)) === 1,
      decisive: true,
      unmetMessage: 'The database should have ended in the state that the expected actions lead to.',
    })
  }
  return asText(info.error) === null ? [...checks, ...expectedCallChecks(info, calls)] : checks
}

/** Whether each expected action was called with just its arguments; other ways to the same state are accepted. */
function expectedCallChecks(info: JsonObject, calls: ToolCall[]): RewardCheck[] {
  const made = new Set(calls.map((call) => canonicalJson([call.name, call.arguments])))
  return expectedActions(asObject(info.task)).map(({ name, kwargs }) => ({
    kind: 'action',
    subject: name,
    met: made.has(canonicalJson([name, kwargs])),
    decisive: false,
    unmetMessage: `Expected call that was not made: ${callText(name, kwargs)}.`,
  }))
}

function failuresOf(info: JsonObject, score: number | null, checks: RewardCheck[]): FailurePatternInput[] {
  const error = asText(info.error)
  if (error !== null) return [crashFailure(error, asText(info.traceback))]
  const failures = checkFailures(checks)
  if (score !== null && checks.some((check) => check.decisive && !check.met)) return failures
  // tau-bench computes the parts of the reward when a conversation ends; one that ran out of steps has none.
  return score === 0 && info.reward_info === null
    ? [failure('unfinished', 'timeout', 'The conversation was cut off before it ended.'), ...failures]
    : [...unexplainedFailures(score), ...failures]
}

/** Without the hash of the expected database, which is no measure; it stays in the trajectory. */
function numbersOf(parts: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => asFigure(value) !== null))
}

function rewardPartsOf(info: JsonObject): JsonObject {
  return asObject(asObject(info.reward_info).info)
}

function scenariosOf(taskIds: string[], records: JsonValue[], environment: string): ImportedScenario[] {
  const tasks = new Map<string, JsonObject>()
  for (const record of records) {
    const taskId = taskIdText(asObject(record).task_id)
    const task = asObject(asObject(record).info).task
    if (taskId !== null && isJsonObject(task) && !tasks.has(taskId)) tasks.set(taskId, task)
  }
  return taskIds.map((taskId) => scenarioOf(taskId, tasks.get(taskId) ?? {}, environment))
}

/** `task` is empty when every record of the task crashed: then the file holds no description of it. */
function scenarioOf(taskId: string, task: JsonObject, environment: string): ImportedScenario {
  const { instruction, actions, outputs, ...rest } = task
  return {
    externalId: externalIdOf(environment, taskId),
    name: shortName(`tau-bench ${environment} task ${taskId}`),
    taskPrompt: asText(instruction) ?? null,
    groundTruth:
      actions === undefined && outputs === undefined
        ? null
        : { actions: actions ?? null, outputs: outputs ?? null },
    difficultyLevel: null,
    tags: ['tau-bench', environment],
    expectedTools: actions === undefined ? null : [...new Set(expectedActions(task).map(({ name }) => name))],
    source: 'tau-bench',
    metadata: { ...rest, task_id: taskId, environment },
  }
}

function externalIdOf(environment: string, taskId: string): string {
  return `tau-bench/${environment}/${taskId}`
}

function expectedActions(task: JsonObject): { name: string; kwargs: JsonValue }[] {
  return asList(task.actions).flatMap((action) => {
    const { name, kwargs } = asObject(action)
    return isText(name) && name !== RESPOND_ACTION ? [{ name, kwargs: kwargs ?? {} }] : []
  })
}

function usedTools(outcome: ImportedOutcome): boolean {
  return (outcome.toolUsage ?? []).length > 0
}

/** The first system message: what the agent was told, the same in every record of a run. */
function policyOf(records: JsonValue[]): string | null {
  for (const record of records) {
    const first = asObject(asList(asObject(record).traj)[0])
    if (first.role === 'system') return asText(contentText(first))
  }
  return null
}

/** The domain by the policy's heading, else by the tools that its tasks or runs name; null when nothing tells. */
function environmentOf(records: JsonValue[], policy: string | null): string | null {
  const heading = /^#*\s*(\w+) agent policy/im.exec(policy ?? '')
  if (heading) return heading[1]!.toLowerCase()
  for (const record of records) {
    const { info, traj } = asObject(record)
    const expected = expectedActions(asObject(asObject(info).task)).map(({ name }) => name)
    const called = toolCallsOf(asList(traj)).map(({ name }) => name)
    for (const tool of [...expected, ...called]) {
      if (/_(reservation|flight)/.test(tool)) return 'airline'
      if (/_(order|product)/.test(tool)) return 'retail'
    }
  }
  return null
}

/**
 * Reads `{strategy}-{model}-{temperature}_range_{start}-{end}_user-{user model}-{user strategy}_{time}.json`, as
 * tau-bench writes, and `{model}-{environment}….json`, as it publishes. Any other name tells nothing.
 */
function namedSettings(name: string): NamedSettings {
  const written =
    /^((?:[a-z]+-)*tool-calling|few-shot|react|act)-(.+)-(\d+(?:\.\d+)?)_range_(-?\d+)-(-?\d+)_user-(.+)-([a-z]+)_\w+\.json$/.exec(
      name,
    )
  if (written) {
    const [
      ,
      agentStrategy = null,
      model = null,
      temperature,
      start,
      end,
      userModel = null,
      userStrategy = null,
    ] = written
    return {
      environment: null,
      model,
      temperature: Number(temperature),
      agentStrategy,
      userModel,
      userStrategy,
      tasks: Number(end) > Number(start) ? Number(end) - Number(start) : null,
    }
  }
  const published = /^(.+?)-(airline|retail)(?=[-_.])/.exec(name)
  return {
    environment: published?.[2] ?? null,
    model: published && isModelName(published[1]!) ? published[1]! : null,
    temperature: null,
    agentStrategy: null,
    userModel: null,
    userStrategy: null,
    tasks: null,
  }
}
