import { basename, dirname, resolve } from 'node:path'
import type { ErrorCategory, FailurePatternInput, OutcomeInput } from '../../evaluation/outcomeInput.ts'
import { isText } from '../../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { shorten } from '../../text.ts'
import type { Beside, ImportedRun, ImportedScenario, ParsedFile, ResultFormat } from '../format.ts'
import {
  amountOf,
  asFigure,
  asList,
  asObject,
  asText,
  BrokenRecord,
  canonicalJson,
  digest,
  givenAmount,
  identityOfRecords,
  objectOf,
  onOtherScale,
  scoreOf,
  shortName,
  shown,
  sumOrNull,
  taskIdText,
} from '../recordReading.ts'
import { crashFailure, failure, failureFields, isPassed, type RunEnd, statusOf } from '../rewardChecks.ts'
import { modelOrUnknown, runConfiguration } from '../runConfiguration.ts'
import { dateOf, epochMs, spanMs, timeMsOf, timeOf } from '../sourceTimes.ts'
import { knownUsage } from '../tokenUsage.ts'
import { type AtifRun, isAtif, readAtif, versionNotes } from './atif.ts'

const MAX_TAG_LENGTH = 60

/** A trajectory may go on in so many files. */
const MAX_CONTINUATIONS = 100

/**
 * A trial of Harbor, which also runs Terminal-Bench 2: `result.json` in a folder of its own with the trajectory in
 * `agent/trajectory.json` (ATIF), the trials of a job in one folder. A trial is a part of the run of its job and agent;
 * trials of one task are repetitions.
 */
export const harbor: ResultFormat = {
  name: 'Harbor',
  shape: {
    task_name: 'text',
    trial_name: 'text',
    task_checksum: 'text',
    agent_info: 'object',
    verifier_result: 'object',
  },
  detect: (document) => {
    const { task_name, trial_name, ...rest } = asObject(document)
    const isNamed = asText(task_name) !== null && asText(trial_name) !== null
    return (
      isNamed &&
      ['agent_info', 'agent_result', 'verifier_result', 'exception_info'].some((key) => key in rest)
    )
  },
  gather: (trial, beside) => gatherTrial(trial, beside, ''),
  parse: (document, path) => parseTrial(asObject(document), path),
}

/** The summary of a job: its trials lie in folders below it. */
export function isJobSummary(document: unknown): boolean {
  const { n_total_trials, stats } = asObject(document)
  return asFigure(n_total_trials) !== null && isJsonObject(stats)
}

/** The trial with its trajectories and the summary of its job. `folder`: where the trial lies, as a prefix of paths. */
export async function gatherTrial(
  trial: JsonValue,
  beside: Beside,
  folder: string,
): Promise<{ format: ResultFormat; document: JsonValue }> {
  const stepNames = asList(asObject(trial).step_results).flatMap(
    (step) => asText(asObject(step).step_name) ?? [],
  )
  const agents = ['agent', ...stepNames.map((name) => `steps/${name}/agent`)]
  const trajectories: JsonValue[] = []
  for (const agent of agents) {
    let next: string | null = 'trajectory.json'
    for (let count = 0; next !== null && count < MAX_CONTINUATIONS; count++) {
      const trajectory: JsonValue = await beside.json(`${folder}${agent}/${next}`, isAtif)
      if (trajectory !== null) trajectories.push(trajectory)
      next = asText(asObject(trajectory).continued_trajectory_ref)
    }
    // Of subagents and summaries: what they used is in the trial's totals.
    for (const name of await beside.names(`${folder}${agent}`)) {
      if (name.endsWith('.json')) await beside.json(`${folder}${agent}/${name}`, isAtif)
    }
  }
  const job = await beside.json(`${folder}../result.json`, isJobSummary)
  return { format: harbor, document: { ...asObject(trial), trajectories, job } }
}

function parseTrial(document: JsonObject, path: string): ParsedFile {
  const { trajectories, job, ...trial } = document
  try {
    const read = asList(trajectories).map(asObject)
    return { runs: [runOf(trial, read, asObject(job), path)], rejected: [], notes: versionNotes(read) }
  } catch (error) {
    if (!(error instanceof BrokenRecord)) throw error
    return { runs: [], rejected: [{ record: `trial ${shown(trial.trial_name)}`, reason: error.message }] }
  }
}

function runOf(trial: JsonObject, trajectories: JsonObject[], job: JsonObject, path: string): ImportedRun {
  const atif = readAtif(trajectories)
  const agent = objectOf(trial, 'agent_info')
  const settings = asObject(asObject(trial.config).agent)
  const modelInfo = asObject(agent.model_info)
  const model = modelOrUnknown(asText(modelInfo.name) ?? asText(settings.model_name) ?? atif.model)
  const agentName = asText(agent.name) ?? asText(settings.name) ?? 'unknown agent'
  const configuration = configurationOf(trial, agentName, model)
  const scenario = scenarioOf(trial, atif.prompt)
  const outcome = outcomeOf(trial, trajectories, atif, model)
  const { id = null, trial_name = null, task_checksum = null, started_at = null } = trial
  const identity = digest(['harbor', id, trial_name, task_checksum, started_at])
  const jobFolder = jobFolderOf(resolve(path))
  const jobId = asObject(trial.config).job_id ?? job.id ?? null
  const jobName = basename(asText(asObject(trial.config).trials_dir) ?? jobFolder)
  return {
    identity: identityOfRecords([identity]),
    partOf: canonicalJson(['harbor', jobId ?? jobFolder, configuration.name, configuration.yaml]),
    ...(jobId === null
      ? {}
      : { wholeIdentity: digest(['harbor', jobId, configuration.name, configuration.yaml]) }),
    ...plannedIn(job),
    partsRepeat: true,
    knownByRecords: true,
    state: isJsonObject(job.stats) && job.finished_at == null ? 'unfinished' : 'finished',
    startedAt: timeOf(job, 'started_at') ?? dateOf(trial.started_at),
    completedAt: timeOf(job, 'finished_at') ?? outcome.executionTime ?? null,
    name: shortName('Harbor', agentName, model, jobName),
    configuration,
    repetitions: 1,
    scenarios: [scenario],
    outcomes: [
      {
        ...outcome,
        scenarioExternalId: scenario.externalId,
        repetition: 1,
        takesFreeRepetition: true,
        identity,
      },
    ],
    metadata: {
      format: 'Harbor',
      source_file: basename(path),
      job_id: jobId,
      job: jobName,
      source: trial.source ?? null,
    },
  }
}

/** The trials of a job are those of all its agents. */
function plannedIn({ id, n_total_trials }: JsonObject): Pick<ImportedRun, 'planned'> {
  const [name, parts] = [asText(id), asFigure(n_total_trials)]
  return name === null || parts === null ? {} : { planned: { name, parts } }
}

function outcomeOf(
  trial: JsonObject,
  trajectories: JsonObject[],
  atif: AtifRun,
  model: string,
): Omit<ImportedRun['outcomes'][number], 'scenarioExternalId' | 'repetition' | 'identity'> {
  const exception = asObject(trial.exception_info)
  const reward = rewardOf(trial)
  const score = scoreOf(reward)
  const end = endOf(exception)
  const isOver =
    trial.finished_at != null || trial.verifier_result != null || isJsonObject(trial.exception_info)
  if (!isOver) throw new BrokenRecord('the trial is not finished')
  const status = statusOf(end, score)
  const failures = status === 'success' ? [] : failuresOf(exception, score)
  const [started, finished] = [timeMsOf(trial, 'started_at'), timeMsOf(trial, 'finished_at')]
  const { started_at } = trial
  return {
    status,
    executionTime: finished === null ? null : new Date(finished),
    executionTimeMs: spanMs(started, finished),
    reliabilityScore: score,
    ...usageOf(trial, atif, model),
    model,
    trajectory: {
      ...(isText(started_at) ? { start_time: started_at } : {}),
      status,
      messages: atif.messages,
      trial,
      trajectories: trajectories.map(({ steps: _steps, ...rest }) => rest),
    },
    metrics: {
      ...onOtherScale('reward', reward),
      rewards: asObject(trial.verifier_result).rewards ?? null,
      step_count: atif.steps,
      cached_tokens: givenAmount(agentResult(trial), 'n_cache_tokens'),
      agent_seconds: secondsOf(trial.agent_execution),
      verifier_seconds: secondsOf(trial.verifier),
    },
    toolUsage: atif.toolUsage,
    ...failureFields(failures, asText(exception.exception_message)),
  }
}

/** A verifier gives one reward or several by name; of several none is the run's unless it is called `reward`. */
function rewardOf(trial: JsonObject): JsonValue | undefined {
  const { rewards, reward } = objectOf(trial, 'verifier_result')
  if (!isJsonObject(rewards)) return reward
  const given = Object.values(rewards)
  return rewards.reward ?? (given.length === 1 ? given[0] : undefined)
}

/** What the agent used; in a task of several steps each of them states it. */
function agentResult(trial: JsonObject): JsonObject {
  if (isJsonObject(trial.agent_result)) return trial.agent_result
  const steps = asList(trial.step_results).map((step) => asObject(asObject(step).agent_result))
  const sum = (key: string) => sumOrNull(steps.map((step) => step[key]))
  return Object.fromEntries(
    ['n_input_tokens', 'n_cache_tokens', 'n_output_tokens', 'cost_usd'].map((key) => [key, sum(key)]),
  )
}

function usageOf(
  trial: JsonObject,
  { usage, wasCalled }: AtifRun,
  model: string,
): Pick<OutcomeInput, 'promptTokens' | 'completionTokens' | 'tokensUsed' | 'costUsd'> {
  const result = agentResult(trial)
  const promptTokens = amountOf(result, 'n_input_tokens') ?? usage.promptTokens ?? null
  const completionTokens = amountOf(result, 'n_output_tokens') ?? usage.completionTokens ?? null
  const tokensUsed = sumOrNull([promptTokens, completionTokens])
  const costUsd = amountOf(result, 'cost_usd') ?? usage.costUsd ?? null
  // An agent without a model, which plays the solution back, has used nothing indeed.
  const isOfModel = wasCalled || model !== modelOrUnknown(null)
  return knownUsage({ promptTokens, completionTokens, tokensUsed }, costUsd, isOfModel)
}

/** By the class of the exception: the time, the context and the answer of a model have limits. */
function endOf({ exception_type }: JsonObject): RunEnd {
  const type = asText(exception_type)
  if (type === null) return 'finished'
  if (/Timeout|(?:Context|Output)(?:Length|Window)|LimitExceeded/.test(type)) return 'timeout'
  return /Cancel|KeyboardInterrupt/.test(type) ? 'cancelled' : 'error'
}

const CATEGORIES: [RegExp, ErrorCategory][] = [
  [/Timeout|(?:Context|Output)(?:Length|Window)|LimitExceeded/, 'timeout'],
  [/Environment|Sandbox|Docker|Healthcheck|AgentSetup|Download|Upload/, 'sandbox_error'],
  [/Reward|Verifier|AddTests/, 'system_error'],
]

function failuresOf(exception: JsonObject, score: number | null): FailurePatternInput[] {
  const type = asText(exception.exception_type)
  if (type !== null) {
    const crash = crashFailure(
      asText(exception.exception_message) ?? type,
      asText(exception.exception_traceback),
    )
    const category =
      CATEGORIES.find(([pattern]) => pattern.test(type))?.[1] ?? crash.failureCategory ?? 'unknown'
    return [{ ...crash, failureType: failure(type, category, '').failureType, failureCategory: category }]
  }
  return score === null || isPassed(score)
    ? []
    : [failure('reward', 'validation_error', `The verifier gave a reward of ${score}.`)]
}

/** Without what is of one trial: its task, its names and its folder. */
function configurationOf(trial: JsonObject, agentName: string, model: string): ImportedRun['configuration'] {
  const { task: _task, trial_name: _name, trials_dir: _dir, job_id: _job, ...config } = asObject(trial.config)
  const settings = asObject(config.agent)
  const { name: _agent, model_name: _model, ...agent } = settings
  const { version, model_info } = asObject(trial.agent_info)
  return runConfiguration(['Harbor', agentName, model], model, asObject(settings.kwargs).temperature, {
    agent: { name: agentName, version: version ?? null, model_info: model_info ?? null, ...agent },
    ...Object.fromEntries(Object.entries(config).filter(([key]) => key !== 'agent')),
  })
}

/** Named by its dataset: `terminal-bench/fix-git`, which older versions give in two fields. */
function scenarioOf(trial: JsonObject, prompt: string | null): ImportedScenario {
  const name = taskIdText(trial.task_name)
  if (name === null) throw new BrokenRecord(`task_name is ${shown(trial.task_name)}`)
  const source = asText(trial.source)
  const task = name.includes('/') || source === null ? name : `${source}/${name}`
  return {
    externalId: `harbor/${task}`,
    name: shortName(task),
    taskPrompt: prompt,
    groundTruth: null,
    difficultyLevel: null,
    tags: ['harbor', ...(source === null ? [] : [shorten(source, MAX_TAG_LENGTH)])],
    expectedTools: null,
    source: 'harbor',
    metadata: {
      task_name: name,
      source,
      task_id: trial.task_id ?? null,
      task_checksum: trial.task_checksum ?? null,
    },
  }
}

/** A trial is read by its result, or by its trajectory in the folder `agent`. */
function jobFolderOf(path: string): string {
  const folder = dirname(path)
  return dirname(basename(folder) === 'agent' ? dirname(folder) : folder)
}

function secondsOf(timing: JsonValue | undefined): number | null {
  const { started_at, finished_at } = asObject(timing)
  const ms = spanMs(epochMs(started_at), epochMs(finished_at))
  return ms === null ? null : ms / 1000
}
