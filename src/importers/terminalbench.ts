import { basename, dirname, resolve } from 'node:path'
import type { ErrorCategory, FailurePatternInput } from '../evaluation/outcomeInput.ts'
import { isText } from '../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import type { ImportedOutcome, ImportedRun, ImportedScenario, ParsedFile, ResultFormat } from './format.ts'
import {
  amountOf,
  asList,
  asObject,
  asText,
  BrokenRecord,
  canonicalJson,
  digest,
  figureIn,
  givenAmount,
  identityOfRecords,
  objectOf,
  type RecordPlace,
  readRecords,
  repetitionsOf,
  shortName,
  shown,
  sumOrNull,
  taskIdText,
  toTheSecond,
} from './recordReading.ts'
import {
  categoryByWord,
  endByWord,
  failure,
  failureFields,
  isPassed,
  type RunEnd,
  statusOf,
} from './rewardChecks.ts'
import { modelOrUnknown, runConfiguration } from './runConfiguration.ts'
import { dateOf, epochMs, spanMs, timeMsOf, timeOf } from './sourceTimes.ts'

/** How an agent or its test failed (`FailureMode`), and what kind of fault each is; the others are no failure. */
const FAULTS = new Map<string, ErrorCategory>([
  ['agent_timeout', 'timeout'],
  ['test_timeout', 'timeout'],
  ['context_length_exceeded', 'timeout'],
  ['output_length_exceeded', 'timeout'],
  ['parse_error', 'model_error'],
  ['fatal_llm_parse_error', 'model_error'],
  ['agent_installation_failed', 'sandbox_error'],
  ['unknown_agent_error', 'system_error'],
  ['unknown', 'unknown'],
])

const MAX_LISTED_TESTS = 50

/** `{task}.{attempt}-of-{attempts}.{run}`: an id may have dots in it. */
const TRIAL_NAME = /^(?<task>.+)\.(?<attempt>\d+)-of-(?<attempts>\d+)\.(?<run>.+)$/

/**
 * Results of Terminal-Bench 1: `results.json` of a run, with its trials in `results`, or of one trial in a folder below.
 * Which agent and model ran stands beside the run's, in `run_metadata.json`. The format has no cost and no trajectory.
 */
export const terminalBench: ResultFormat = {
  name: 'Terminal-Bench',
  isReadOneByOne: true,
  shape: { results: 'list', 'results[].task_id': 'text', 'results[].is_resolved': 'boolean' },
  detect: (document) => isTrial(document) || isRun(document),
  gather: async (document, beside) => {
    if (isRun(document)) {
      const metadata = await beside.json('run_metadata.json', isRunMetadata)
      for (const { task_id, trial_name } of asList(asObject(document).results).map(asObject)) {
        // Its own file repeats the trial.
        await beside.json(`${task_id}/${trial_name}/results.json`, isTrial)
      }
      return { format: terminalBench, document: { ...asObject(document), metadata } }
    }
    const run = await beside.json('../../results.json', isRun)
    const metadata = await beside.json('../../run_metadata.json', isRunMetadata)
    const results = run ? asObject(run) : { results: [document], is_part: true }
    return { format: terminalBench, document: { ...results, metadata } }
  },
  parse: (document, path) => {
    const run: JsonObject = isTrial(document) ? { results: [document as JsonObject] } : asObject(document)
    if (!Array.isArray(run.results))
      throw new Error('This is not a Terminal-Bench result: it has no list of results.')
    return parseRun(run, run.results, path)
  },
}

export function isRunMetadata(document: unknown): boolean {
  const { run_id, agent_name, output_path } = asObject(document)
  return asText(run_id) !== null && asText(agent_name) !== null && output_path !== undefined
}

function isTrial(document: unknown): boolean {
  const { task_id, trial_name, ...rest } = asObject(document)
  return (
    asText(task_id) !== null &&
    ('is_resolved' in rest || (asText(trial_name) !== null && 'failure_mode' in rest))
  )
}

function isRun(document: unknown): boolean {
  return asList(asObject(document).results).some(isTrial)
}

function parseRun(document: JsonObject, trials: JsonValue[], path: string): ParsedFile {
  const metadata = asObject(document.metadata)
  const model = modelOrUnknown(asText(metadata.model_name))
  const agent = asText(metadata.agent_name) ?? 'unknown agent'
  const scenarios = new Map<string, ImportedScenario>()
  const { outcomes, taskIds, rejected } = readRecords(
    trials,
    (record, place) => {
      const outcome = outcomeOf(record, place, model)
      if (!scenarios.has(place.taskId)) scenarios.set(place.taskId, scenarioOf(place.taskId, record))
      return outcome
    },
    {
      placeOf,
      labelOf: ({ task_id, trial_name }) =>
        asText(trial_name ?? task_id) ? [shown(trial_name ?? task_id)] : [],
    },
  )
  if (outcomes.length === 0) return { runs: [], rejected }
  const runId = asText(metadata.run_id) ?? trialParts(asObject(trials[0])).run ?? asText(document.id)
  const configuration = configurationOf(metadata, agent, model)
  const ends = outcomes.flatMap(({ executionTime }) => executionTime?.getTime() ?? [])
  const { n_attempts } = metadata
  const run: ImportedRun = {
    ...identityOf(document, metadata, runId, outcomes, configuration, path),
    isOpenEnded: !isJsonObject(document.metadata),
    state: isJsonObject(document.metadata) && metadata.end_time == null ? 'unfinished' : 'finished',
    startedAt: timeOf(metadata, 'start_time') ?? dateOf(asObject(trials[0]).trial_started_at),
    completedAt:
      timeOf(metadata, 'end_time') ??
      (ends.length === 0 ? null : new Date(ends.reduce((a, b) => Math.max(a, b)))),
    name: shortName('Terminal-Bench', agent, model, runId ?? toTheSecond(asText(metadata.start_time))),
    configuration,
    repetitions: Math.max(repetitionsOf(outcomes), Math.min(figureIn(n_attempts) || 1, 1000)),
    scenarios: taskIds.map((taskId) => scenarios.get(taskId)!),
    outcomes,
    metadata: {
      format: 'Terminal-Bench',
      source_file: basename(path),
      run_id: runId,
      ...withoutTaskIds(metadata),
    },
  }
  return { runs: [run], rejected }
}

/** A run is known by its id; the files of its trials alone are parts of it. */
function identityOf(
  document: JsonObject,
  metadata: JsonObject,
  runId: string | null,
  outcomes: ImportedOutcome[],
  configuration: ImportedRun['configuration'],
  path: string,
): Pick<ImportedRun, 'identity' | 'partOf' | 'wholeIdentity' | 'partsRepeat' | 'knownByRecords'> {
  // An id may be a word that somebody gives to each of their runs, or a second in which two began.
  const { agent_name = null, model_name = null, start_time = null } = metadata
  const name = asText(metadata.uuid) ?? (runId === null ? null : [runId, agent_name, model_name, start_time])
  if (document.is_part !== true) {
    return {
      identity: digest(['terminal-bench', name ?? outcomes.map(({ identity }) => identity ?? null).sort()]),
    }
  }
  const folder = dirname(dirname(dirname(resolve(path))))
  return {
    identity: identityOfRecords(outcomes.map(({ identity }) => identity ?? '')),
    partOf: canonicalJson(['terminal-bench', name ?? folder, configuration.name, configuration.yaml]),
    // Of the file with all trials, which comes later.
    ...(name === null ? {} : { wholeIdentity: digest(['terminal-bench', name]) }),
    partsRepeat: true,
    knownByRecords: true,
  }
}

function placeOf(record: JsonObject): RecordPlace {
  const taskId = taskIdText(record.task_id)
  if (taskId === null) throw new BrokenRecord(`task_id is ${shown(record.task_id)}`)
  return { taskId, trial: Math.max(0, (trialParts(record).attempt ?? 1) - 1) }
}

function trialParts({ trial_name }: JsonObject): { attempt: number | null; run: string | null } {
  const parts = TRIAL_NAME.exec(asText(trial_name) ?? '')?.groups
  return { attempt: parts ? Number(parts.attempt) : null, run: parts?.run ?? null }
}

function outcomeOf(record: JsonObject, place: RecordPlace, model: string): ImportedOutcome {
  const { is_resolved: resolved = null, id, trial_name } = record
  if (resolved !== null && typeof resolved !== 'boolean')
    throw new BrokenRecord(`is_resolved is ${shown(resolved)}, not true or false`)
  const score = resolved === null ? null : Number(resolved)
  const mode = asText(record.failure_mode)
  const status = statusOf(endOf(mode), score)
  const tests = objectOf(record, 'parser_results')
  const [started, ended] = [timeMsOf(record, 'trial_started_at'), timeMsOf(record, 'trial_ended_at')]
  const tokens = usageOf(record)
  return {
    scenarioExternalId: externalIdOf(place.taskId),
    repetition: place.trial + 1,
    ...(trialParts(record).attempt === null ? { takesFreeRepetition: true } : {}),
    identity: digest(['terminal-bench', id ?? trial_name ?? record]),
    status,
    executionTime: ended === null ? null : new Date(ended),
    executionTimeMs: spanMs(started, ended),
    reliabilityScore: score,
    ...tokens,
    tokensUsed: sumOrNull([tokens.promptTokens, tokens.completionTokens]),
    costUsd: null,
    model,
    trajectory: {
      ...record,
      ...(isText(record.trial_started_at) ? { start_time: record.trial_started_at } : {}),
      status,
      messages: asText(record.instruction) === null ? [] : [{ role: 'user', content: record.instruction! }],
    },
    metrics: {
      failure_mode: mode,
      tests: {
        met: Object.values(tests).filter((result) => result === 'passed').length,
        total: Object.keys(tests).length,
      },
      command_count: givenAmount(record, 'n_commands'),
      agent_seconds: secondsOf(record.agent_started_at, record.agent_ended_at),
      test_seconds: secondsOf(record.test_started_at, record.test_ended_at),
    },
    toolUsage: [],
    ...failureFields(status === 'success' ? [] : failuresOf(mode, score, tests)),
  }
}

/** An agent that does not count its tokens gives 0 of both: they are unknown. */
function usageOf(record: JsonObject): { promptTokens: number | null; completionTokens: number | null } {
  const promptTokens = amountOf(record, 'total_input_tokens')
  const completionTokens = amountOf(record, 'total_output_tokens')
  const isUnknown = !promptTokens && !completionTokens
  return isUnknown ? { promptTokens: null, completionTokens: null } : { promptTokens, completionTokens }
}

function endOf(mode: string | null): RunEnd {
  if (mode === null || ['unset', 'none'].includes(mode)) return 'finished'
  const category = FAULTS.get(mode)
  if (category === undefined) return endByWord(mode)
  return category === 'timeout' ? 'timeout' : 'error'
}

function failuresOf(mode: string | null, score: number | null, tests: JsonObject): FailurePatternInput[] {
  const ended =
    mode === null || endOf(mode) === 'finished'
      ? []
      : [
          failure(
            mode,
            FAULTS.get(mode) ?? categoryByWord(mode),
            `The trial ended with: ${mode.replaceAll('_', ' ')}.`,
          ),
        ]
  const unmet = Object.entries(tests).filter(([, result]) => result !== 'passed')
  const failed = unmet
    .slice(0, MAX_LISTED_TESTS)
    .map(([test, result]) =>
      failure(`test:${test}`, 'validation_error', `The test ${test} ended as: ${shown(result)}.`),
    )
  const unexplained =
    score === null || isPassed(score) || ended.length + failed.length > 0
      ? []
      : [
          failure(
            'unresolved',
            'validation_error',
            'The task was not resolved; the file does not say what was missing.',
          ),
        ]
  return [...ended, ...failed, ...unexplained]
}

function configurationOf(metadata: JsonObject, agent: string, model: string): ImportedRun['configuration'] {
  const { agent_kwargs = null, dataset_name = null, dataset_version = null } = metadata
  return runConfiguration(['Terminal-Bench', agent, model], model, asObject(agent_kwargs).temperature, {
    agent: { name: agent, kwargs: agent_kwargs },
    dataset: { name: dataset_name, version: dataset_version },
  })
}

function scenarioOf(taskId: string, record: JsonObject): ImportedScenario {
  return {
    externalId: externalIdOf(taskId),
    name: shortName(taskId),
    taskPrompt: asText(record.instruction),
    groundTruth: null,
    difficultyLevel: null,
    tags: ['terminal-bench'],
    expectedTools: null,
    source: 'terminal-bench',
    metadata: { task_id: taskId, tests: Object.keys(asObject(record.parser_results)) },
  }
}

function externalIdOf(taskId: string): string {
  return `terminal-bench/${taskId}`
}

function withoutTaskIds({ task_ids: _ids, ...metadata }: JsonObject): JsonObject {
  return metadata
}

function secondsOf(start: JsonValue | undefined, end: JsonValue | undefined): number | null {
  const ms = spanMs(epochMs(start), epochMs(end))
  return ms === null ? null : ms / 1000
}
