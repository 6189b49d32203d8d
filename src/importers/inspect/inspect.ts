import { basename } from 'node:path'
import { isText, stringifyExactly } from '../../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { shorten } from '../../text.ts'
import { contentText } from '../chatMessages.ts'
import type { ImportedRun, ImportedScenario, ParsedFile, ResultFormat, RunState } from '../format.ts'
import {
  asFigure,
  asList,
  asObject,
  asText,
  bounded,
  digest,
  namedByKeys,
  picked,
  readRecords,
  repetitionsOf,
  shortName,
  toTheSecond,
} from '../recordReading.ts'
import { modelOrUnknown, runConfiguration } from '../runConfiguration.ts'
import { dateOf, epochMs, timeOf } from '../sourceTimes.ts'
import { withAttachments } from './inspectAttachments.ts'
import { errorTextOf, gradeOf, type LogContext, sampleOutcome } from './inspectSample.ts'
import { logScorer } from './inspectScore.ts'

const MAX_TASK_LENGTH = 90
const MAX_SHOWN_SCORES = 3
const QUESTION_DIGEST_LENGTH = 16
/** More than Arc has repetitions. */
const MAX_EPOCHS = 1000

const STATES = new Map<string | null, RunState>([
  ['started', 'unfinished'],
  ['error', 'failed'],
  ['cancelled', 'cancelled'],
])

/** Those of `eval.config` that change how a sample goes; the others tell what is logged and how much runs at once. */
const SETTINGS = [
  'epochs',
  'epochs_reducer',
  'message_limit',
  'token_limit',
  'time_limit',
  'working_limit',
  'cost_limit',
  'approval',
  'fail_on_error',
  'continue_on_fail',
  'retry_on_error',
]

/**
 * Logs of Inspect, of one task and one model: `{version, status, eval, plan, results, stats, error, samples}`, from
 * a JSON file or put together from an `.eval` archive. An epoch is a repetition.
 */
export const inspect: ResultFormat = {
  name: 'Inspect',
  isReadOneByOne: true,
  shape: {
    'eval.run_id': 'text',
    'eval.task': 'text',
    'eval.model': 'text',
    status: 'text',
    samples: 'list',
  },
  detect: (document) => {
    const log = asObject(document)
    const { run_id, task, model } = asObject(log.eval)
    return [run_id, task, model].filter((value) => value !== undefined).length >= 2
  },
  parse: (document, fileName) => {
    if (!isJsonObject(document) || !isJsonObject(document.eval))
      throw new Error('This is not an Inspect log: it does not say what was evaluated.')
    return parseLog(document, document.eval, fileName)
  },
}

function parseLog(log: JsonObject, spec: JsonObject, fileName: string): ParsedFile {
  const samples = asList(log.samples)
  const context = contextOf(log, spec)
  const scenarios = new Map<string, ImportedScenario>()
  const scenarioIds = new ScenarioIds(context.task, asObject(spec.dataset).shuffled === true)
  const offScale: JsonValue[] = []
  const { outcomes, taskIds, rejected } = readRecords(
    samples,
    (record, place) => {
      const sample = withAttachments(record)
      const externalId = scenarioIds.of(sample, place.taskId)
      const outcome = sampleOutcome(sample, place, externalId, context)
      offScale.push(...valueOffScale(sample, context))
      if (!scenarios.has(place.taskId))
        scenarios.set(place.taskId, scenarioOf(place.taskId, externalId, sample, context.task))
      return outcome
    },
    namedByKeys('id', 'epoch', 1, ['sample', 'epoch']),
  )
  if (outcomes.length === 0) {
    const status = context.status === null ? '' : `, which is ${context.status},`
    const error = errorTextOf(log.error)
    const why = error === null ? '' : `: ${error}`
    return {
      runs: [],
      rejected,
      notes: samples.length > 0 ? [] : [`the log${status} holds no samples${why}`],
    }
  }
  const state = STATES.get(context.status) ?? 'finished'
  const epochs = state === 'unfinished' ? epochsOf(spec) : 1
  const stats = asObject(log.stats)
  const created = asText(spec.created)
  const run: ImportedRun = {
    identity: identityOf(spec, samples),
    name: shortName('Inspect', context.task, modelOrUnknown(context.model), toTheSecond(created)),
    configuration: configurationOf(log, spec, context),
    state,
    errorMessage: state === 'failed' ? errorTextOf(log.error) : null,
    createdAt: timeOf(spec, 'created'),
    startedAt: timeOf(stats, 'started_at') ?? dateOf(spec.created),
    completedAt: state === 'unfinished' ? null : timeOf(stats, 'completed_at'),
    repetitions: Math.max(repetitionsOf(outcomes), epochs),
    scenarios: taskIds.map((taskId) => scenarios.get(taskId)!),
    outcomes,
    metadata: {
      format: 'Inspect',
      source_file: basename(fileName),
      task: context.task,
      log_status: context.status,
      log_error: log.error ?? null,
      ...picked(spec, ['run_id', 'eval_id', 'eval_set_id', 'task_id', 'created', 'task_file']),
      ...picked(spec, ['tags', 'metadata', 'dataset', 'revision', 'packages']),
      results: log.results ?? null,
      stats: log.stats ?? null,
    },
  }
  return {
    runs: [run],
    rejected,
    notes: [...missingNotes(state, spec, samples), ...scaleNotes(offScale, context)],
  }
}

/** What the scorer gave the sample, if it is none of 0 to 1. */
function valueOffScale(sample: JsonObject, context: LogContext): JsonValue[] {
  const { value, given } = gradeOf({ ...sample, invalidation: null }, context)
  return value === null && given.value !== undefined && given.value !== null ? [given.value] : []
}

function scaleNotes(values: JsonValue[], { scorer }: LogContext): string[] {
  if (values.length === 0) return []
  const different = [...new Set(values.map(written))]
  const listed = different.slice(0, MAX_SHOWN_SCORES).join(', ')
  const more = different.length > MAX_SHOWN_SCORES ? ' and others' : ''
  return [
    `${values.length} ${values.length === 1 ? 'sample is' : 'samples are'} ungraded: ${scorer?.name ?? 'the scorer'} gave ` +
      `${listed}${more}, which is no score from 0 to 1; metrics.scores has it`,
  ]
}

function written(value: JsonValue): string {
  return shorten(typeof value === 'number' ? String(value) : stringifyExactly(value), 40)
}

function missingNotes(state: RunState, spec: JsonObject, samples: JsonValue[]): string[] {
  if (state !== 'unfinished') return []
  const { sample_ids, samples: size } = asObject(spec.dataset)
  const perEpoch = Array.isArray(sample_ids) ? sample_ids.length : asFigure(size)
  const of = perEpoch === null ? '' : ` of ${perEpoch * epochsOf(spec)}`
  return [
    `the run is not finished, or was cut off: ${samples.length}${of} samples are in the log. ` +
      'Import it again when there are more; --complete ends the simulation',
  ]
}

function epochsOf(spec: JsonObject): number {
  const epochs = asFigure(asObject(spec.config).epochs)
  return epochs !== null && Number.isInteger(epochs) && epochs > 0 ? Math.min(epochs, MAX_EPOCHS) : 1
}

function contextOf(log: JsonObject, spec: JsonObject): LogContext {
  const { completed_at, started_at } = asObject(log.stats)
  return {
    task: bounded(asText(spec.task) ?? 'unknown', MAX_TASK_LENGTH),
    model: asText(spec.model),
    status: asText(log.status),
    scorer: logScorer(spec, asObject(log.results), asList(log.samples)),
    endedAtMs: epochMs(completed_at) ?? epochMs(started_at) ?? epochMs(spec.created),
  }
}

/**
 * A run is one task of one call of Inspect. Not `eval_id`, which old logs get when they are converted, nor the text of
 * `created`, whose zone changes then.
 */
function identityOf(spec: JsonObject, samples: JsonValue[]): string {
  const { run_id = null, task_id = null, task = null, model = null } = spec
  const named = run_id !== null || task_id !== null
  return digest([
    'inspect',
    run_id,
    task_id,
    task,
    model,
    epochMs(spec.created),
    ...(named ? [] : [digest(samples)]),
  ])
}

/** Since 2025 the settings of the model stand in `eval.model_generate_config`, before that in `plan.config`. */
function configurationOf(
  log: JsonObject,
  spec: JsonObject,
  { task, model }: LogContext,
): ImportedRun['configuration'] {
  const plan = asObject(log.plan)
  const generate = { ...asObject(plan.config), ...asObject(spec.model_generate_config) }
  const settings = {
    solver: plan.steps ?? null,
    generate_config: generate,
    model_args: spec.model_args ?? null,
    model_roles: spec.model_roles ?? null,
    task: picked(spec, ['task', 'task_version', 'task_args']),
    scorers: spec.scorers ?? null,
    sandbox: spec.sandbox ?? null,
    config: picked(asObject(spec.config), SETTINGS),
  }
  // What is empty is absent in the logs of other versions of Inspect: it must not make another configuration.
  const said = Object.entries(settings).filter(
    ([, value]) => value !== null && (typeof value !== 'object' || Object.keys(value).length > 0),
  )
  return runConfiguration(
    ['Inspect', task, modelOrUnknown(model)],
    model,
    generate.temperature,
    Object.fromEntries(said),
  )
}

/**
 * The names of the samples of a log, equal in all runs of its task: their ids. Inspect numbers samples without one after it
 * has shuffled them: there a number is another question in each run, and the question itself is the name.
 */
class ScenarioIds {
  readonly #task: string
  readonly #isShuffled: boolean
  /** Of each question the sample that has it first. */
  readonly #asked = new Map<string, string>()

  constructor(task: string, isShuffled: boolean) {
    this.#task = task
    this.#isShuffled = isShuffled
  }

  of({ id, input, target = null, choices = null }: JsonObject, sampleId: string): string {
    if (!this.#isShuffled || asFigure(id) === null) return `inspect/${this.#task}/${sampleId}`
    const asked = digest([promptOf(input), target, choices]).slice(0, QUESTION_DIGEST_LENGTH)
    const first = this.#asked.get(asked) ?? sampleId
    this.#asked.set(asked, first)
    return `inspect/${this.#task}/asks ${asked}${first === sampleId ? '' : ` ${sampleId}`}`
  }
}

function scenarioOf(
  sampleId: string,
  externalId: string,
  sample: JsonObject,
  task: string,
): ImportedScenario {
  const { input, target, metadata } = sample
  return {
    externalId,
    name: shortName(task, sampleId),
    taskPrompt: promptOf(input),
    groundTruth: target === undefined ? null : { target },
    difficultyLevel: null,
    tags: ['inspect', task],
    expectedTools: null,
    source: 'Inspect',
    metadata: {
      ...asObject(metadata),
      task,
      sample_id: sampleId,
      ...picked(sample, ['choices', 'sandbox', 'files', 'setup']),
    },
  }
}

/** The input is a text or a list of chat messages; those of several roles are told apart by them. */
function promptOf(input: JsonValue | undefined): string | null {
  if (isText(input)) return asText(input)
  const messages = asList(input).map(asObject)
  const texts = messages.flatMap((message) => {
    const text = asText(contentText(message))
    return text === null
      ? []
      : [messages.length === 1 ? text : `${asText(message.role) ?? 'unknown'}:\n${text}`]
  })
  return asText(texts.join('\n\n'))
}
