import { basename } from 'node:path'
import type { FailurePatternInput, OutcomeStatus } from '../evaluation/outcomeInput.ts'
import { isExactNumber, stringifyExactly } from '../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { type ToolCall, toolUsageOf } from './chatMessages.ts'
import type { ImportedOutcome, ImportedScenario, ParsedFile, ResultFormat } from './format.ts'
import { madeOf } from './oneByOne.ts'
import {
  asList,
  asObject,
  asText,
  BrokenRecord,
  bounded,
  digest,
  domainOrUnknown,
  figureIn,
  objectOf,
  picked,
  type RecordPlace,
  readRecords,
  recordsIdentity,
  repetitionsOf,
  scoreOf,
  shortName,
  shown,
} from './recordReading.ts'
import { failure, failureFields, type RunEnd, statusOf, unexplainedFailures } from './rewardChecks.ts'
import { isModelName, modelOrUnknown, runConfiguration } from './runConfiguration.ts'

const MAX_DATASET_LENGTH = 60

/** What `meta` says of the agent; the rest of it tells where data and logs lay. */
const AGENT_SETTINGS = ['template', 'dialogue_limit', 'handicap', 'seed']

/** What the run's `meta` or else the file's path tells about the agent. */
interface RunSettings {
  model: string | null
  strategy: string | null
  maxTurns: number | null
  /** Whether the agent was not shown the schema of the database. */
  handicap: boolean
}

/** One turn: what the agent thought and did, and what the environment answered. */
interface Turn extends JsonObject {
  action: JsonValue
  observation: JsonValue
}

/**
 * Results of InterCode: records by task number, or `{meta, logs}` with them in `logs`; in one file one run of one
 * agent on one dataset. The format has no times, no tokens and no cost. Model and strategy come from `meta` or else
 * from the file's path when it is one that InterCode gives or publishes.
 */
export const interCode: ResultFormat = {
  name: 'InterCode',
  isReadOneByOne: true,
  isKeyedRecord: isRecord,
  shape: { '*.query': 'text', '*.turn_history': 'object', '*.summary': 'object' },
  detect: (document) => {
    const logs = logsOf(document)
    return Object.keys(logs).some((key) => isRecord(logs[key]))
  },
  parse: (document, fileName) => {
    if (!isJsonObject(document))
      throw new Error('This is not an InterCode result: it is not an object of records.')
    return parseLogs(logsOf(document), asObject(document.meta), fileName)
  },
}

function isRecord(value: unknown): boolean {
  const { turn_history: history, ...rest } = asObject(value)
  return isJsonObject(history) && ('summary' in rest || 'query' in rest)
}

function logsOf(document: unknown): JsonObject {
  const { logs } = asObject(document)
  return isJsonObject(logs) ? logs : asObject(document)
}

function parseLogs(logs: JsonObject, meta: JsonObject, fileName: string): ParsedFile {
  const keys = Object.keys(logs)
  const records = madeOf([logs], keys.length, (index) => withTaskId(logs[keys[index]!]!, keys[index]!))
  const settings = settingsOf(meta, fileName)
  const scenarios = new Map<string, ImportedScenario>()
  let first = undefined as JsonObject | undefined
  const { outcomes, rejected } = readRecords(records, (record, place) => {
    const outcome = outcomeOf(record, place, settings.model)
    const { scenarioExternalId: id } = outcome
    if (!scenarios.has(id)) scenarios.set(id, scenarioOf(id, record))
    first ??= record
    return outcome
  })
  if (first === undefined) return { runs: [], rejected }

  const environment = environmentOf(first)
  const dataset = datasetOf(first)
  const { turns_max: maxTurns = meta.max_turns ?? settings.maxTurns } = asObject(first.summary)
  const handicap = settings.handicap ? 'handicap' : null
  const run = {
    identity: recordsIdentity('intercode', records),
    knownByRecords: true,
    isOpenEnded: true,
    name: shortName('InterCode', dataset, modelOrUnknown(settings.model), settings.strategy, handicap),
    configuration: runConfiguration(
      ['InterCode', environment, modelOrUnknown(settings.model), settings.strategy, handicap],
      settings.model,
      meta.temperature,
      {
        agent: {
          strategy: settings.strategy,
          max_turns: maxTurns,
          ...(handicap ? { handicap: true } : {}),
          ...picked(meta, AGENT_SETTINGS),
        },
        environment: { name: environment },
      },
    ),
    repetitions: repetitionsOf(outcomes),
    scenarios: [...new Set(outcomes.map(({ scenarioExternalId: id }) => id))].map((id) => scenarios.get(id)!),
    outcomes,
    metadata: { format: 'InterCode', source_file: basename(fileName), environment, dataset, meta },
  }
  return { runs: [run], rejected }
}

/** The key is the task's number; some records repeat it and some do not. */
function withTaskId(record: JsonValue, key: string): JsonValue {
  return isJsonObject(record) && record.task_id === undefined ? { ...record, task_id: key } : record
}

function outcomeOf(record: JsonObject, place: RecordPlace, model: string | null): ImportedOutcome {
  const { turn_history: _turnHistory, ...rest } = record
  const summary = objectOf(record, 'summary')
  const history = objectOf(record, 'turn_history')
  const turns = turnsOf(history)
  const { actions = null, observations = null, thoughts = null } = history
  const scenarioExternalId = `intercode/${environmentOf(record)}/${datasetOf(record)}/${place.taskId}`
  const score = bestScoreOf(summary)
  const turnsTaken = figureIn(summary.turns_taken) ?? turns.length
  const status = statusOf(endOf(turnsTaken, summary.turns_max), score)
  const failures = status === 'success' ? [] : failuresOf(record, score, status, turnsTaken)
  return {
    scenarioExternalId,
    repetition: place.trial + 1,
    // What was done and seen: a later grade leaves it.
    identity: digest(['intercode', scenarioExternalId, place.trial, actions, observations, thoughts]),
    status,
    reliabilityScore: score,
    costUsd: null,
    model: modelOrUnknown(model),
    trajectory: { ...rest, status, steps: turns },
    metrics: {
      ...summary,
      turns_taken: figureIn(summary.turns_taken) === null ? turns.length : summary.turns_taken!,
      last_turn_reward_parts: asObject(record.info).reward ?? null,
    },
    toolUsage: toolUsageOf(
      turns.map((turn) => callOf(turn, environmentOf(record))),
      (result) => result.valid === false,
    ),
    ...failureFields(failures),
  }
}

/** The lists of `turn_history` turn by turn. They are equally long, save where a run broke off. */
function turnsOf(history: JsonObject): Turn[] {
  const actions = history.actions ?? []
  if (!Array.isArray(actions)) throw new BrokenRecord(`turn_history.actions is ${shown(actions)}, not a list`)
  const { actions: _actions, observations, thoughts, rewards, ...others } = history
  return actions.map((action, index) => ({
    ...valuesAt(index, { thought: thoughts ?? null }),
    action,
    observation: asList(observations)[index] ?? null,
    ...valuesAt(index, { reward: rewards ?? null, ...others }),
  }))
}

function valuesAt(index: number, lists: JsonObject): JsonObject {
  const values = Object.entries(lists).map(([key, list]) => [key, asList(list)[index]] as const)
  return Object.fromEntries(values.filter((entry): entry is [string, JsonValue] => entry[1] !== undefined))
}

/** Every turn is one call of the environment; what it could not run is a failed one. */
function callOf({ action, observation, valid_action }: Turn, environment: string): ToolCall {
  return {
    name: environment,
    byUser: false,
    arguments: action,
    calledAtMs: null,
    result: { content: observation, valid: valid_action ?? null },
  }
}

/** A wrong flag of a capture-the-flag task costs 1; a run with nothing better has no reward, not a negative one. */
function bestScoreOf({ max_reward: given }: JsonObject): number | null {
  const reward = figureIn(given)
  return scoreOf(reward !== null && reward >= -1 ? Math.max(0, reward) : given)
}

function endOf(taken: number, allowed: JsonValue | undefined): RunEnd {
  return taken >= (figureIn(allowed) ?? Number.POSITIVE_INFINITY) ? 'timeout' : 'finished'
}

function failuresOf(
  record: JsonObject,
  score: number | null,
  status: OutcomeStatus,
  turnsTaken: number,
): FailurePatternInput[] {
  const parts = Object.entries(asObject(asObject(record.info).reward)).map(
    ([key, value]) => `${key} ${isExactNumber(value) ? stringifyExactly(value) : value}`,
  )
  const reward =
    score === null || parts.length === 0
      ? unexplainedFailures(score)
      : [
          failure(
            'reward',
            'validation_error',
            `The best reward of all turns is ${score}; that of the last turn is made of ${parts.join(', ')}.`,
          ),
        ]
  return status === 'timeout'
    ? [failure('max_turns', 'timeout', `The agent used up its turns (${turnsTaken}).`), ...reward]
    : reward
}

function scenarioOf(externalId: string, record: JsonObject): ImportedScenario {
  const { task_id: taskId, query, dataset, gold, hardness } = record
  const environment = environmentOf(record)
  return {
    externalId,
    name: shortName(
      `InterCode ${datasetOf(record)} task ${isExactNumber(taskId) ? stringifyExactly(taskId) : taskId}`,
    ),
    taskPrompt: asText(query),
    groundTruth: gold === undefined ? null : { gold },
    difficultyLevel: difficultyOf(hardness),
    tags: ['intercode', environment],
    expectedTools: null,
    source: 'InterCode',
    metadata: { task_id: taskId ?? null, environment, dataset: dataset ?? null, hardness: hardness ?? null },
  }
}

/** Spider's own words for how hard a query is; only its records have one. */
function difficultyOf(hardness: JsonValue | undefined): ImportedScenario['difficultyLevel'] {
  if (hardness === 'extra') return 'hard'
  return hardness === 'easy' || hardness === 'medium' || hardness === 'hard' ? hardness : null
}

/** `ic_bash` is `bash`: it names the one tool that the agent has. */
function environmentOf({ environment }: JsonObject): string {
  return domainOrUnknown(asText(environment)?.replace(/^ic_/, '') ?? null)
}

/** `./data/nl2bash/nl2bash_fs_4.json` is `nl2bash_fs_4`. */
function datasetOf({ dataset }: JsonObject): string {
  const name = basename(asText(dataset) ?? '').replace(/\.\w+$/, '')
  return bounded(name || 'unknown', MAX_DATASET_LENGTH)
}

/**
 * Reads `{model}/ic_{environment}_{strategy}_{model}_{n}_turns_fs_{part}_handicap.json`, of which all but the beginning
 * may be missing, with the folders also written into the name as `{model}__ic_…`. Any other path tells nothing. The
 * part of the dataset (`fs`) stands in the records.
 */
function settingsOf(meta: JsonObject, path: string): RunSettings {
  const parts = path.split(/[\\/]|__/)
  const [, told] = /^ic_[a-z0-9]+_(.+?)(?:\.subset\d+)?\.json$/.exec(parts.at(-1) ?? '') ?? []
  const named = told === undefined ? null : namedSettings(told, parts.at(-2) ?? '')
  return {
    model: asText(meta.model) ?? named?.model ?? null,
    strategy: asText(meta.policy) ?? named?.strategy ?? null,
    maxTurns: named?.maxTurns ?? null,
    handicap: meta.handicap === true || (named?.handicap ?? false),
  }
}

/** What a name says beside the environment, in the folder of a model or another one. */
function namedSettings(told: string, folder: string): RunSettings {
  const turns = /(?:^|[-_])(\d+)_turns?(?=_|$)/.exec(told)
  // Behind the turns stand the part of the dataset and the handicap.
  const words = told
    .slice(0, turns?.index)
    .replace(/_handicap$/, '')
    .replace(/_fs_\d+$/, '')
    .split('_')
  const modelAt = words.findIndex((word) => word === folder || isModelName(word))
  return {
    model: modelAt >= 0 ? words.slice(modelAt).join('_') : isModelName(folder) ? folder : null,
    strategy: asText((modelAt < 0 ? words : words.slice(0, modelAt)).join('_')),
    maxTurns: turns ? Number(turns[1]) : null,
    handicap: told.endsWith('_handicap'),
  }
}
