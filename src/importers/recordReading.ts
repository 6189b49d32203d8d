import { createHash, hash } from 'node:crypto'
import { asPlainNumber, isExactNumber, isText, parseExactly, stringifyExactly } from '../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import { cutText, isLongerThan, shorten } from '../text.ts'
import { LENGTHS } from '../valueChecks.ts'
import type { ImportedOutcome, ImportedScenario, RejectedRecord } from './format.ts'
import { namedNumbers } from './lenientJson.ts'
import { isReadOneByOne, madeOf } from './oneByOne.ts'
import { noteUnknown } from './unknownFigures.ts'

/** More trials than any benchmark runs; a higher number is a broken field and would make a run of that size. */
export const MAX_TRIALS = 1000

/** With the benchmark's name they make a scenario's external id. */
const MAX_TASK_ID_LENGTH = LENGTHS.externalId.max - 100
const MAX_DOMAIN_LENGTH = 60

/** Of configurations, by Arc's rule; the names of runs and scenarios are kept as short, to be read in a list. */
export const MAX_NAME_LENGTH = LENGTHS.configurationName.max

/** A record that cannot be stored as it is. The message is for whoever owns the file. */
export class BrokenRecord extends Error {}

/** Which task and which trial (0-based) of it a record is. */
export interface RecordPlace {
  taskId: string
  trial: number
  /** Which run of the file it belongs to, where a file holds several. */
  run?: string
}

/** How the records of a format say what they are. */
interface RecordNaming {
  /** Throws BrokenRecord for a record that does not say it. */
  placeOf(record: JsonObject, index: number): RecordPlace
  /** What a person finds the record by, e.g. `task 3`. */
  labelOf(record: JsonObject): string[]
}

/** The object, or an empty one where the file has something else. */
export function asObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {}
}

/** The list, or an empty one where the file has something else. */
export function asList(value: unknown): JsonValue[] {
  return Array.isArray(value) ? value : []
}

/** The text, or null where the file has something else or nothing but spaces. */
export function asText(value: unknown): string | null {
  return isText(value) && value.trim() !== '' ? value : null
}

/** The number to count with, as JavaScript has it; null where the file has something else. */
export function asFigure(value: unknown): number | null {
  const figure = asPlainNumber(value)
  return typeof figure === 'number' ? figure : null
}

const WRITTEN_NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const NOT_A_NUMBER = ['nan', 'inf', 'infinity']

/** The same, also where a writer has put it into a text: `"0.5"`, `"NaN"`. */
export function figureIn(value: JsonValue | undefined): number | null {
  const text = asText(value)?.trim()
  if (text === undefined) return asFigure(value)
  if (WRITTEN_NUMBER.test(text)) return Number(text)
  return NOT_A_NUMBER.includes(text.toLowerCase().replace(/^[+-]/, '')) ? Number.NaN : null
}

/** The text as one line; a long one ends in a hash of the whole, so that two that begin alike stay two. */
export function bounded(text: string, maxLength: number): string {
  const line = text.replace(/[\s\p{Cc}]+/gu, ' ').trim()
  return isLongerThan(line, maxLength)
    ? `${cutText(line, maxLength - 9)} ${hash('sha256', line).slice(0, 8)}`
    : line
}

/** The name of a run or a scenario, made of what is known of it. */
export function shortName(...parts: (string | null)[]): string {
  return shorten(
    parts
      .filter((part) => part !== null)
      .join(' ')
      .trim(),
    MAX_NAME_LENGTH,
  )
}

/** An ISO time without what is below the second, and without its zone. */
export function toTheSecond(time: string | null): string | null {
  return time && cutText(time, 19)
}

/** The tree that a text says as JSON. A text that says none, and any other value, is itself. */
export function treeIn(value: JsonValue | undefined): JsonValue {
  if (!isText(value)) return value ?? null
  try {
    return parseExactly(value) as JsonValue
  } catch {
    return value
  }
}

/** Adds a value to the list under a key. */
export function append<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key)
  if (list) list.push(value)
  else lists.set(key, [value])
}

/** The sum of the numbers from 0 up; null when there is none to add. */
export function sumOrNull(values: (JsonValue | undefined)[]): number | null {
  const numbers = values.flatMap((value) => {
    const figure = figureIn(value)
    return figure !== null && Number.isFinite(figure) && figure >= 0 ? [figure] : []
  })
  return numbers.length === 0 ? null : numbers.reduce((sum, number) => sum + number, 0)
}

/** The value with the keys of every object in it sorted. */
export function sortKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (!isJsonObject(value)) return value
  // Not by assignment: a key `__proto__` would vanish into the prototype.
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortKeys(value[key]!)]),
  )
}

/** One text for equal values, whatever the order of their keys. */
export function canonicalJson(value: JsonValue): string {
  return stringifyExactly(sortKeys(value))
}

/** The same in pieces, so that lists whose items are read one by one are never held whole. */
function* canonicalPieces(value: JsonValue): Generator<string> {
  if (!Array.isArray(value) || !(isReadOneByOne(value) || value.some((item) => Array.isArray(item)))) {
    yield canonicalJson(value) ?? 'null'
    return
  }
  yield '['
  for (let index = 0; index < value.length; index++) {
    if (index > 0) yield ','
    yield* canonicalPieces(value[index]!)
  }
  yield ']'
}

/**
 * One hash for equal values, whatever the order of their keys. All that is nested too deeply for this process counts as
 * the same: such a record is rejected, and must not cost the others.
 */
export function digest(value: JsonValue): string {
  try {
    const sum = createHash('sha256')
    for (const piece of canonicalPieces(value)) sum.update(piece)
    return sum.digest('hex')
  } catch (error) {
    if (error instanceof RangeError) return hash('sha256', 'nested too deeply')
    throw error
  }
}

/** Identity of a run that has none of its own: what its records are, whatever their order. */
export function recordsIdentity(format: string, records: JsonValue[]): string {
  return digest([format, ...records.map(digest).sort()])
}

/** The identity of a run that is no more than its records, in whatever order. */
export function identityOfRecords(identities: string[]): string {
  return hash('sha256', canonicalJson([...identities].sort()))
}

/** Sums of floating-point parts miss a bound by less than this. */
const BOUND_TOLERANCE = 1e-9

/**
 * The score 0 to 1; null for none, and for a number, a list or an object on another scale, which is neither cut to the
 * range nor guessed at: `onOtherScale` keeps it. Throws BrokenRecord for what is no measure at all.
 */
export function scoreOf(given: JsonValue | undefined, name = 'reward'): number | null {
  const score = figureIn(given)
  if (score === null && (isText(given) || typeof given === 'boolean'))
    throw new BrokenRecord(`${name} is ${shown(given)}, not a score`)
  return score === null ? null : fromZeroToOne(score)
}

/** The number when it is one from 0 to 1, but for what sums of floating-point parts miss a bound by; else null. */
export function fromZeroToOne(score: number): number | null {
  const isWithin = score >= -BOUND_TOLERANCE && score <= 1 + BOUND_TOLERANCE
  return isWithin ? Math.min(1, Math.max(0, score)) : null
}

/** For the metrics: under its name what was given as a score and is none from 0 to 1. */
export function onOtherScale(name: string, given: JsonValue | undefined): JsonObject {
  return given === undefined || given === null || scoreOf(given, name) !== null ? {} : { [name]: given }
}

/** The number from 0 up under `key`, or null when the record has none. Anything else is unknown as well, and is noted. */
export function amountOf(record: JsonObject, key: string): number | null {
  const value = record[key]
  if (value === undefined || value === null) return null
  const figure = figureIn(value)
  if (figure !== null && !Number.isFinite(figure)) return null
  if (figure !== null && figure >= 0) return figure
  noteUnknown(record, key, `${key} is ${shown(value)}, not a number from 0 up`)
  return null
}

/** The same as the record has it, with all its digits: for the metrics. */
export function givenAmount(record: JsonObject, key: string): JsonValue {
  return amountOf(record, key) === null ? null : record[key]!
}

/** The object under `key`, empty when the record has none. Throws BrokenRecord for anything else. */
export function objectOf(record: JsonObject, key: string): JsonObject {
  const value = record[key]
  if (value === undefined || value === null) return {}
  if (isJsonObject(value)) return value
  throw new BrokenRecord(`${key} is ${shown(value)}, not an object`)
}

/** Those of the keys that the object has, in the order given. */
export function picked(object: JsonObject, keys: string[]): JsonObject {
  return Object.fromEntries(keys.flatMap((key) => (object[key] === undefined ? [] : [[key, object[key]]])))
}

/** The value of a file as a person can recognise it in a sentence. */
export function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'missing'
  if (Array.isArray(value)) return 'a list'
  if (isJsonObject(value)) return 'an object'
  return shorten(typeof value === 'number' ? String(value) : stringifyExactly(value), 40)
}

/**
 * Reads the records of a file, in their order. What `readRecord` throws as BrokenRecord, a record that is no
 * object, names no task or has no sensible trial, and a second record of the same task and trial go into
 * `rejected`, named by their place in the file counted from 1. `taskIds`: the tasks of the outcomes, each once; `runs`:
 * which run each outcome is of, where the file holds several.
 */
export function readRecords(
  records: JsonValue[],
  readRecord: (record: JsonObject, place: RecordPlace, index: number) => ImportedOutcome,
  naming: RecordNaming = TASK_AND_TRIAL,
): {
  outcomes: ImportedOutcome[]
  taskIds: string[]
  runs: (string | undefined)[]
  rejected: RejectedRecord[]
} {
  const outcomes: ImportedOutcome[] = []
  const runs: (string | undefined)[] = []
  const rejected: RejectedRecord[] = []
  const taskIds = new Set<string>()
  const recordNumberByPlace = new Map<string, number>()
  for (let index = 0; index < records.length; index++) {
    const record = records[index]!
    try {
      if (!isJsonObject(record)) throw new BrokenRecord(`it is ${shown(record)}, not an object`)
      const place = naming.placeOf(record, index)
      const outcome = readRecord(record, place, index)
      const placeKey = JSON.stringify([place.taskId, place.trial, place.run])
      const earlier = recordNumberByPlace.get(placeKey)
      if (earlier !== undefined) throw new BrokenRecord(`record ${earlier} is the same task and trial`)
      recordNumberByPlace.set(placeKey, index + 1)
      taskIds.add(place.taskId)
      const again = () => readRecord(records[index] as JsonObject, place, index)
      runs.push(place.run)
      outcomes.push(isReadOneByOne(records) ? withoutTrajectory(outcome, again) : outcome)
    } catch (error) {
      // The stack is used up by nothing but a tree that is as deep.
      const fault = error instanceof RangeError ? new BrokenRecord('it is nested too deeply') : error
      if (!(fault instanceof BrokenRecord)) throw fault
      rejected.push({ record: recordLabel(record, index, naming), reason: fault.message })
    }
  }
  return { outcomes, taskIds: [...taskIds], runs, rejected }
}

/** The scenarios that records describe, each with the index of the record that does, which is read again for it. */
export function scenariosAt(
  records: JsonValue[],
  indexById: ReadonlyMap<string, number>,
  scenarioOf: (externalId: string, record: JsonObject) => ImportedScenario,
): ImportedScenario[] {
  const all = [...indexById]
  return madeOf([records], all.length, (place) => {
    const [externalId, index] = all[place]!
    return scenarioOf(externalId, records[index] as JsonObject)
  })
}

/** The outcome with its trajectory, which is most of it, read again where it is sent. */
function withoutTrajectory(outcome: ImportedOutcome, again: () => ImportedOutcome): ImportedOutcome {
  const { trajectory: _trajectory, metrics, ...rest } = outcome
  const named = metrics && (namedNumbers(metrics) as JsonObject)
  return Object.defineProperty({ ...rest, metrics: named }, 'trajectory', {
    enumerable: true,
    get: () => namedNumbers(again().trajectory ?? null),
  })
}

/** Repetitions of a run: the highest one that was read. At least 1. */
export function repetitionsOf(outcomes: ImportedOutcome[]): number {
  return outcomes.reduce((highest, outcome) => Math.max(highest, outcome.repetition), 1)
}

/** The task's id as text, null when the record has none that can be used. 3 and "3" are one task. */
export function taskIdText(value: JsonValue | undefined): string | null {
  const digits = typeof value === 'number' || isExactNumber(value) ? stringifyExactly(value) : ''
  const text = /^-?\d+$/.test(digits) ? digits : asText(value)
  return text !== null && isLongerThan(text, MAX_TASK_ID_LENGTH) ? bounded(text, MAX_TASK_ID_LENGTH) : text
}

/** The name of a benchmark's domain as scenario ids and tags hold it; `unknown` where nothing tells it. */
export function domainOrUnknown(name: string | null): string {
  return shorten(name ?? 'unknown', MAX_DOMAIN_LENGTH)
}

/**
 * Records that hold their task under the one key and their trial, counted from `firstTrial`, under the other.
 * `words`: what the format calls the two.
 */
export function namedByKeys(
  taskKey: string,
  trialKey: string,
  firstTrial: number,
  [taskWord, trialWord]: [string, string],
): RecordNaming {
  return {
    placeOf: (record) => ({
      taskId: taskIdOf(record, taskKey),
      trial: trialOf(record, trialKey, firstTrial),
    }),
    labelOf: ({ [taskKey]: task, [trialKey]: trial }) => [
      ...(task === undefined ? [] : [`${taskWord} ${isText(task) ? shorten(task, 80) : shown(task)}`]),
      ...(trial === undefined ? [] : [`${trialWord} ${shown(trial)}`]),
    ],
  }
}

export const TASK_AND_TRIAL = namedByKeys('task_id', 'trial', 0, ['task', 'trial'])

/** Tells records apart that say the same, by which time it is that they do. */
export class Occurrences {
  readonly #seen = new Map<string, number>()

  of(outcome: ImportedOutcome): ImportedOutcome {
    const { identity } = outcome
    if (identity === undefined) return outcome
    const before = this.#seen.get(identity) ?? 0
    this.#seen.set(identity, before + 1)
    return before === 0 ? outcome : { ...outcome, identity: digest([identity, before]) }
  }
}

/** The trials of tasks, given out one after the other; those that records state are taken. */
export class FreeTrials {
  readonly #taken = new Map<string, Set<number>>()

  take(taskId: string, trial: number): void {
    this.#taken.set(taskId, this.#of(taskId).add(trial))
  }

  next(taskId: string): number {
    const taken = this.#of(taskId)
    let trial = 0
    while (taken.has(trial)) trial++
    this.take(taskId, trial)
    return trial
  }

  #of(taskId: string): Set<number> {
    return this.#taken.get(taskId) ?? new Set()
  }
}

function taskIdOf(record: JsonObject, key: string): string {
  const taskId = taskIdText(record[key])
  if (taskId !== null) return taskId
  throw new BrokenRecord(
    record[key] === undefined
      ? `${key} is missing`
      : `${key} is ${shown(record[key])}, not a whole number or a text`,
  )
}

function trialOf(record: JsonObject, key: string, first: number): number {
  const given = record[key] ?? first
  const trial = figureIn(given)
  const last = first + MAX_TRIALS - 1
  if (trial !== null && Number.isInteger(trial) && trial >= first && trial <= last) return trial - first
  throw new BrokenRecord(`${key} is ${shown(given)}, not a whole number from ${first} to ${last}`)
}

function recordLabel(record: JsonValue, index: number, naming: RecordNaming): string {
  const parts = isJsonObject(record) ? naming.labelOf(record) : []
  return parts.length === 0 ? `record ${index + 1}` : `record ${index + 1} (${parts.join(', ')})`
}
