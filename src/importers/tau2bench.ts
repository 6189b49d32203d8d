import { basename } from 'node:path'
import type { ErrorCategory, FailurePatternInput } from '../evaluation/outcomeInput.ts'
import { isText, stringifyExactly } from '../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { contentText, tokensOf, toolCallsOf, toolUsageOf } from './chatMessages.ts'
import type { ImportedOutcome, ImportedRun, ImportedScenario, ParsedFile, ResultFormat } from './format.ts'
import {
  amountOf,
  asList,
  asObject,
  asText,
  BrokenRecord,
  digest,
  domainOrUnknown,
  givenAmount,
  objectOf,
  onOtherScale,
  type RecordPlace,
  readRecords,
  repetitionsOf,
  scoreOf,
  shortName,
  shown,
  sumOrNull,
  TASK_AND_TRIAL,
  taskIdText,
  toTheSecond,
} from './recordReading.ts'
import {
  callText,
  categoryByWord,
  checkCounts,
  checkFailures,
  crashFailure,
  endByWord,
  failure,
  failureFields,
  type RewardCheck,
  type RunEnd,
  statusOf,
  unexplainedFailures,
} from './rewardChecks.ts'
import { modelOrUnknown, runConfiguration } from './runConfiguration.ts'
import { dateOf, timeOf } from './sourceTimes.ts'
import { missingTrials, placesOf, plannedRuns } from './tau2Places.ts'
import {
  gatherSimulations,
  isResults,
  isSimulation,
  messagesOfTicks,
  missingFiles,
  resultsIn,
} from './tau2Shapes.ts'
import { knownUsage } from './tokenUsage.ts'

/** The ends at which the conversation itself was over; the reward alone tells how such a run went. */
const REGULAR_ENDS = ['user_stop', 'agent_stop']

/** The other ends that tau2-bench knows (`TerminationReason`), and what kind of fault each is. */
const FAULT_BY_END = new Map<string, ErrorCategory>([
  ['max_steps', 'timeout'],
  ['timeout', 'timeout'],
  ['too_many_errors', 'tool_error'],
  ['agent_error', 'model_error'],
  ['invalid_agent_message', 'model_error'],
  ['context_window_exceeded', 'timeout'],
  ['user_error', 'system_error'],
  ['infrastructure_error', 'system_error'],
  ['unexpected_error', 'system_error'],
])

/** Those of them that are limits: of steps, of time, of the model's context. */
const LIMITS = ['max_steps', 'timeout', 'context_window_exceeded']

/**
 * Results of tau2-bench: `{timestamp, info, tasks, simulations}`, one run of one agent on one domain. Its times
 * have no zone and are read as UTC.
 */
export const tau2Bench: ResultFormat = {
  name: 'tau2-bench',
  isReadOneByOne: true,
  shape: {
    info: 'object',
    simulations: 'list',
    'simulations[].task_id': 'value',
    'simulations[].reward_info': 'object',
  },
  detect: (document) => isResults(document) || isSimulation(document) || asList(document).some(isSimulation),
  gather: async (document, beside) => ({
    format: tau2Bench,
    document: Array.isArray(document) ? resultsIn(document) : await gatherSimulations(document, beside),
  }),
  parse: (document, fileName) => {
    const results = resultsIn(document as JsonValue)
    if (!Array.isArray(results.simulations))
      throw new Error('This is not a tau2-bench result: it has no list of simulations.')
    return parseResults(results, results.simulations, fileName)
  },
}

function parseResults(results: JsonObject, simulations: JsonValue[], fileName: string): ParsedFile {
  const info = asObject(results.info)
  const agent = asObject(info.agent_info)
  const model = asText(agent.llm)
  const domain = domainOrUnknown(asText(asObject(info.environment_info).domain_name))
  const timestamp = asText(results.timestamp) ?? dateOf(results.timestamp)?.toISOString() ?? null
  const identity = identityOf(results, simulations)
  const runName = timestamp === null ? [domain, model] : [identity]
  const places = placesOf(simulations)
  const { outcomes, taskIds, rejected } = readRecords(
    simulations,
    (record, place) => outcomeOf(record, place, domain, model, timestamp === null, runName),
    {
      ...TASK_AND_TRIAL,
      placeOf: (record, index) => {
        const place = TASK_AND_TRIAL.placeOf(record, index)
        return { ...place, trial: places[index]!.trial, run: places[index]!.run }
      },
    },
  )
  if (outcomes.length === 0) return { runs: [], rejected }

  const whole = plannedRuns(results)
  const missing = missingTrials(whole, places)
  const planned = missing === 0 ? { taskIds: [], trials: 1 } : whole
  const startedAt = dateOf(results.timestamp) ?? firstStart(simulations)
  const { agent_info, user_info, environment_info, ...runFacts } = info
  const {
    max_steps = null,
    max_errors = null,
    num_trials = null,
    git_commit = null,
    seed: _seed,
    ...others
  } = runFacts
  // What a later version of tau2-bench can set besides, and an earlier one does not know: null where it is not set.
  const set = Object.entries(others).filter(([, value]) => value !== null)
  const run: ImportedRun = {
    identity,
    knownByRecords: timestamp === null,
    isOpenEnded: timestamp === null,
    missing,
    missingNote: `${missing} of ${whole.tasks * whole.trials} trials are missing`,
    createdAt: startedAt,
    startedAt,
    completedAt: lastOf(outcomes),
    name: shortName('tau2-bench', domain, modelOrUnknown(model), toTheSecond(timestamp)),
    configuration: runConfiguration(
      ['tau2-bench', domain, modelOrUnknown(model), asText(agent.implementation)],
      model,
      asObject(agent.llm_args).temperature,
      {
        agent: agent_info ?? null,
        user_simulator: user_info ?? null,
        environment: environment_info ?? null,
        max_steps,
        max_errors,
        num_trials,
        git_commit,
        ...Object.fromEntries(set),
      },
    ),
    repetitions: Math.max(repetitionsOf(outcomes), planned.trials),
    scenarios: scenariosOf([...new Set([...taskIds, ...planned.taskIds])], asList(results.tasks), domain),
    outcomes,
    metadata: { ...runFacts, format: 'tau2-bench', source_file: basename(fileName), domain, timestamp },
  }
  const lost = missingFiles(results)
  const notes = lost === 0 ? [] : [`${lost} simulations of the index are in no file of the folder`]
  return { runs: [run], rejected, notes }
}

function firstStart(simulations: JsonValue[]): Date | null {
  const starts = simulations.flatMap((simulation) => dateOf(asObject(simulation).start_time)?.getTime() ?? [])
  return starts.length === 0 ? null : new Date(starts.reduce((first, start) => Math.min(first, start)))
}

function lastOf(outcomes: ImportedOutcome[]): Date | null {
  const ends = outcomes.flatMap(({ executionTime }) => executionTime?.getTime() ?? [])
  return ends.length === 0 ? null : new Date(ends.reduce((latest, end) => Math.max(latest, end)))
}

/**
 * A run is its start and its settings, except how often it runs each task: its simulations become more while it goes on,
 * and their rewards may be computed anew. Where the file does not say when it started, the simulations are all that
 * tells it from another.
 */
function identityOf(results: JsonObject, simulations: JsonValue[]): string {
  const { timestamp = null } = results
  const { num_trials: _trials, ...info } = asObject(results.info)
  const ids = simulations.map((simulation) => {
    const { id, task_id, trial } = asObject(simulation)
    return digest(id ?? [task_id ?? null, trial ?? null])
  })
  return digest(['tau2-bench', timestamp, info, ...(timestamp === null ? ids.sort() : [])])
}

/**
 * By its id, which tells an attempt from another at the same task and trial; else, where its place in the run does not
 * name it, by what was said.
 */
function recordIdentity(record: JsonObject, taskId: string, runName: JsonValue[], isNamedByPlace: boolean) {
  const { id = null, start_time = null, trial = null } = record
  if (id === null && isNamedByPlace) return {}
  const said = id === null ? [trial, messagesOf(record)] : []
  return { identity: digest(['tau2-bench', ...runName, taskId, id, start_time, ...said]) }
}

function outcomeOf(
  record: JsonObject,
  place: RecordPlace,
  domain: string,
  model: string | null,
  isKnownByRecords: boolean,
  runName: JsonValue[],
): ImportedOutcome {
  const rewardInfo = objectOf(record, 'reward_info')
  const score = scoreOf(rewardInfo.reward)
  const messages = messagesOf(record)
  const checks = checksOf(rewardInfo)
  const status = statusOf(endOf(record), score)
  const failures = status === 'success' ? [] : failuresOf(record, score, checks)
  const durationSeconds = amountOf(record, 'duration')
  const hasTrial = (record.trial ?? null) !== null
  return {
    scenarioExternalId: externalIdOf(domain, place.taskId),
    repetition: place.trial + 1,
    retryCount: Number(place.run ?? 0),
    ...(hasTrial ? {} : { takesFreeRepetition: true }),
    ...recordIdentity(record, place.taskId, runName, hasTrial && !isKnownByRecords),
    status,
    executionTime: timeOf(record, 'end_time'),
    reliabilityScore: score,
    executionTimeMs: durationSeconds === null ? null : Math.round(durationSeconds * 1000),
    ...usageOf(record, messages),
    model: modelOrUnknown(model),
    trajectory: { ...record, status, messages },
    metrics: {
      ...onOtherScale('reward', rewardInfo.reward),
      reward_basis: rewardInfo.reward_basis ?? null,
      reward_breakdown: rewardInfo.reward_breakdown ?? null,
      checks: checkCounts(checks),
      user_cost_usd: givenAmount(record, 'user_cost'),
      message_count: messages.length,
    },
    toolUsage: toolUsageOf(toolCallsOf(messages), hasFailed),
    ...failureFields(failures, asText(asObject(record.info).error)),
  }
}

/** A voice run has what its agent used in one place, where its messages state nothing. */
function usageOf(
  record: JsonObject,
  messages: JsonValue[],
): Pick<ImportedOutcome, 'promptTokens' | 'completionTokens' | 'tokensUsed' | 'costUsd'> {
  const { records, cost = null } = asObject(record.agent_usage)
  const tokens = tokensOf(messages)
  const given = amountOf(record, 'agent_cost') ?? amountOf({ cost }, 'cost')
  const wasCalled = messages.some((message) => asObject(message).role === 'assistant')
  if (tokens.tokensUsed !== null) return knownUsage(tokens, given, wasCalled)
  const promptTokens = sumOrNull(asList(records).map((used) => asObject(used).input_tokens))
  const completionTokens = sumOrNull(asList(records).map((used) => asObject(used).output_tokens))
  const tokensUsed = sumOrNull([promptTokens, completionTokens])
  return knownUsage({ promptTokens, completionTokens, tokensUsed }, given, wasCalled)
}

/** Results of other origin than tau2-bench itself have no flag; what its tools raise begins with the word. */
function hasFailed({ error, content }: JsonObject): boolean {
  return typeof error === 'boolean' ? error : contentText({ content: content ?? null }).startsWith('Error')
}

/** A voice run has null here and its conversation in `ticks`, which stay in the trajectory as they are. */
function messagesOf({ messages, ticks }: JsonObject): JsonValue[] {
  if (messages === undefined || messages === null) return messagesOfTicks(asList(ticks))
  if (Array.isArray(messages)) return messages
  throw new BrokenRecord(`messages is ${shown(messages)}, not a list`)
}

/** A conversation that was cut off and graded all the same is as good as its grade. */
function endOf(record: JsonObject): RunEnd {
  const reason = reasonOf(record)
  if (reason !== null && LIMITS.includes(reason)) return 'timeout'
  if (asText(asObject(record.info).error) !== null) return 'error'
  if (reason === null || REGULAR_ENDS.includes(reason)) return 'finished'
  return FAULT_BY_END.has(reason) ? 'error' : endByWord(reason)
}

/** Its value, also where the member of the enumeration was written: `TerminationReason.MAX_STEPS`. */
function reasonOf({ termination_reason }: JsonObject): string | null {
  return asText(termination_reason)?.trim().replace(/^.*\./s, '').toLowerCase() ?? null
}

function failuresOf(record: JsonObject, score: number | null, checks: RewardCheck[]): FailurePatternInput[] {
  const reason = reasonOf(record)
  const { error, traceback } = asObject(record.info)
  const crash = asText(error) === null ? [] : [crashFailure(asText(error)!, asText(traceback))]
  const end =
    reason === null || REGULAR_ENDS.includes(reason) ? [] : [endFailure(reason, asList(record.messages))]
  const explained = crash.length + end.length > 0 || checks.some((check) => check.decisive && !check.met)
  return [...crash, ...end, ...(explained ? [] : unexplainedFailures(score)), ...checkFailures(checks)]
}

function endFailure(reason: string, messages: JsonValue[]): FailurePatternInput {
  const category = FAULT_BY_END.get(reason) ?? categoryByWord(reason)
  return failure(reason, category, `The simulation was ended after ${messages.length} messages: ${reason}.`)
}

/** All that tau2-bench checked. It also checks what the task's reward does not depend on (`reward_basis`). */
function checksOf(rewardInfo: JsonObject): RewardCheck[] {
  const basis = asList(rewardInfo.reward_basis)
  return [
    ...databaseChecks(rewardInfo.db_check, basis.includes('DB')),
    ...asList(rewardInfo.env_assertions).map((check) => environmentCheck(asObject(check), basis)),
    ...asList(rewardInfo.action_checks).map((check) => actionCheck(asObject(check), basis)),
    ...asList(rewardInfo.communicate_checks).map((check) => communicateCheck(asObject(check), basis)),
    ...asList(rewardInfo.nl_assertions).map((check) => statementCheck(asObject(check), basis)),
  ]
}

function databaseChecks(check: JsonValue | undefined, decisive: boolean): RewardCheck[] {
  if (!isJsonObject(check)) return []
  const unmetMessage = 'The database should have ended in the state that the expected actions lead to.'
  return [{ kind: 'db', met: check.db_match === true, decisive, unmetMessage }]
}

function environmentCheck(check: JsonObject, basis: JsonValue[]): RewardCheck {
  const {
    env_type,
    func_name,
    arguments: callArguments,
    assert_value,
    message,
  } = asObject(check.env_assertion)
  const name = asText(func_name) ?? 'unknown'
  const value = assert_value ?? true
  return {
    kind: 'env',
    subject: name,
    met: check.met === true,
    decisive: basis.includes('ENV_ASSERTION'),
    unmetMessage: sentences([
      `At the end, ${callText(name, callArguments)} on the side of the ${asText(env_type) ?? 'environment'} should have been ${isText(value) ? value : stringifyExactly(value)}.`,
      message,
    ]),
  }
}

function actionCheck(check: JsonObject, basis: JsonValue[]): RewardCheck {
  const action = asObject(check.action)
  const name = asText(action.name) ?? 'unknown'
  const requestor = asText(action.requestor) ?? 'assistant'
  return {
    kind: 'action',
    subject: name,
    met: check.action_match === true,
    decisive: basis.includes('ACTION'),
    unmetMessage: `Expected call by the ${requestor} that was not made: ${callText(name, action.arguments)}.`,
  }
}

function communicateCheck(check: JsonObject, basis: JsonValue[]): RewardCheck {
  return {
    kind: 'communicate',
    met: check.met === true,
    decisive: basis.includes('COMMUNICATE'),
    unmetMessage: sentences([
      `The agent should have told the user "${asText(check.info) ?? ''}".`,
      check.justification,
    ]),
  }
}

function statementCheck(check: JsonObject, basis: JsonValue[]): RewardCheck {
  return {
    kind: 'nl',
    met: check.met === true,
    decisive: basis.includes('NL_ASSERTION'),
    unmetMessage: sentences([`Expected: ${asText(check.nl_assertion) ?? ''}`, check.justification]),
  }
}

function sentences(parts: (JsonValue | undefined)[]): string {
  return parts.flatMap((part) => asText(part) ?? []).join(' ')
}

function scenariosOf(taskIds: string[], tasks: JsonValue[], domain: string): ImportedScenario[] {
  const taskById = new Map<string, JsonObject>()
  for (const task of tasks.filter(isJsonObject)) {
    const taskId = taskIdText(task.id)
    if (taskId !== null && !taskById.has(taskId)) taskById.set(taskId, task)
  }
  return taskIds.map((taskId) => scenarioOf(taskId, taskById.get(taskId) ?? {}, domain))
}

/** `task` is empty when the file's list of tasks lacks this one. */
function scenarioOf(taskId: string, task: JsonObject, domain: string): ImportedScenario {
  const { id, user_scenario, evaluation_criteria, ...rest } = task
  const { issue, faults, persona } = telecomId(taskId)
  return {
    externalId: externalIdOf(domain, taskId),
    name: shortName(
      issue === null
        ? `tau2-bench ${domain} task ${taskId}`
        : `tau2-bench ${domain} ${issue} (persona ${persona}): ${faults.join(', ')}`,
    ),
    taskPrompt: promptOf(asObject(user_scenario)) ?? null,
    groundTruth: isJsonObject(evaluation_criteria) ? evaluation_criteria : null,
    difficultyLevel: difficultyOf(persona),
    tags: [
      'tau2-bench',
      domain,
      ...(issue === null ? [] : [issue]),
      ...(persona === null ? [] : [`persona:${persona.toLowerCase()}`]),
    ],
    expectedTools: expectedToolsOf(asObject(evaluation_criteria).actions),
    source: 'tau2-bench',
    metadata: { ...rest, task_id: taskId, domain, ...(issue === null ? {} : { issue, faults, persona }) },
  }
}

function externalIdOf(domain: string, taskId: string): string {
  return `tau2/${domain}/${taskId}`
}

/** Telecom tasks are named by what is wrong: `[mms_issue]bad_vpn|data_mode_off[PERSONA:Hard]`. */
function telecomId(taskId: string): { issue: string | null; faults: string[]; persona: string | null } {
  const parts = /^\[(\w+)\](.*?)(?:\[PERSONA:(\w+)\])?$/.exec(taskId)
  if (!parts) return { issue: null, faults: [], persona: null }
  const [, issue = null, faults = '', persona = null] = parts
  return { issue, faults: faults.split('|').filter(Boolean), persona }
}

/** The persona is the source's only statement of difficulty; a task without one has none. */
function difficultyOf(persona: string | null): 'easy' | 'medium' | 'hard' | null {
  if (persona === null) return null
  if (persona === 'Hard') return 'hard'
  return persona === 'Easy' ? 'easy' : 'medium'
}

/** The agent's tools of the reference solution, each once; the simulated user's own tools are left out. */
function expectedToolsOf(actions: JsonValue | undefined): string[] | null {
  if (!Array.isArray(actions)) return null
  const names = actions.map(asObject).flatMap(({ name, requestor }) => {
    return isText(name) && (requestor ?? 'assistant') === 'assistant' ? [name] : []
  })
  return [...new Set(names)]
}

/** What the simulated user was told, each part under its heading; null when there is nothing. */
function promptOf(userScenario: JsonObject): string | null {
  const { instructions, persona } = userScenario
  const parts = isJsonObject(instructions)
    ? Object.entries(instructions).filter(([key]) => key !== 'domain')
    : [['instructions', instructions ?? null] as const]
  const sections = [...parts, ['persona', persona ?? null] as const].flatMap(([key, value]) => {
    const text = isText(value) ? value.trim() : value === null ? '' : stringifyExactly(value)
    return text === '' ? [] : [`${headingOf(key)}:\n${text}`]
  })
  return sections.length === 0 ? null : sections.join('\n\n')
}

function headingOf(key: string): string {
  const words = key.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
