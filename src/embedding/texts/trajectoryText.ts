import { maskVariableParts } from '../../evaluation/failures/failurePattern.ts'
import type { OutcomeInput } from '../../evaluation/outcomeInput.ts'
import { LIST_FIELDS, type ToolCall, toolCallsOf } from '../../evaluation/outcomes/trajectory.ts'
import { isText } from '../../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { cutStart, cutText } from '../../text.ts'
import type { EmbeddedText } from './embeddedText.ts'
import { maskedWords, plainWords } from './plainWords.ts'

export interface EmbeddedTrajectory {
  /** As it is stored. */
  trajectory: JsonValue
  status: OutcomeInput['status']
  error?: string | null
  /** Of the scenario. */
  taskPrompt?: string | null
}

/** Characters of each part. All together are some 400 tokens: two parts for the embedded model. */
const MAX_TASK = 200
const MAX_LAST = 300
const MAX_ERROR = 300
/** Of the runs of equal steps the first and the last; what is between is counted. */
const FIRST_RUNS = 16
const LAST_RUNS = 8

const MAX_ENTITIES = 300
const MAX_ENTITY = 100
/** Two words in capitals within a sentence: people, places, products. A single one may begin a sentence or be a noun of German. */
const NAMES = /(?<=[\p{Ll},:;'’"] )\p{Lu}[\p{L}'’-]+(?: \p{Lu}[\p{L}'’-]+)+/gu

/**
 * What an agent did: the tools in their order, equal steps counted, with what failed; how it ended; the task in a line; what it said last. Whom
 * and what it was about is left out as far as it can be told: the values that tools were called with, names, ids, numbers. In the text of
 * a whole trajectory one name that is in every message outweighs all that was done.
 */
export const trajectoryText: EmbeddedText<EmbeddedTrajectory> = {
  kind: 'trajectory',
  version: 1,
  of({ trajectory, status, error, taskPrompt }) {
    const calls = toolCallsOf(trajectory)
    const entities = entitiesOf(calls)
    const said = (text: string, maxLength: number) => maskedWords(withoutNames(text, entities), maxLength)
    const task = said(cutText(taskPrompt ?? '', 4 * MAX_TASK), MAX_TASK)
    const last = said(lastWords(trajectory), MAX_LAST)
    const failure = said(error ?? '', MAX_ERROR)
    return [
      calls.length === 0 ? 'No tools.' : `Steps: ${stepsOf(calls, entities)}.`,
      `Ended with ${status}${failure ? `: ${failure}` : '.'}`,
      task && `Task: ${task}`,
      last && `Last: ${last}`,
    ]
      .filter(Boolean)
      .join('\n')
  },
}

/** `search flight, 3 × get user details (2 failed: error user not found), book` */
function stepsOf(calls: readonly ToolCall[], entities: readonly string[]): string {
  const runs: { step: string; count: number; failed: number; fault: string }[] = []
  for (const call of calls) {
    const step = stepOf(call)
    const run = runs.at(-1)
    const failed = call.errorType === null ? 0 : 1
    const fault = call.errorType ?? ''
    if (run?.step === step) {
      run.count++
      run.failed += failed
      run.fault ||= fault
    } else runs.push({ step, count: 1, failed, fault })
  }
  const shown = runs.map(({ step, count, failed, fault }) => {
    const times = count === 1 ? step : `${count} × ${step}`
    if (failed === 0) return times
    return `${times} (${failed === count ? '' : `${failed} `}failed: ${maskedWords(withoutNames(fault, entities), 60)})`
  })
  const left = shown.length - FIRST_RUNS - LAST_RUNS
  if (left > 0) shown.splice(FIRST_RUNS, left, `${left} more`)
  return shown.join(', ')
}

/** Of a shell the program that it was to run: `bash` says nothing. */
function stepOf({ tool, source }: ToolCall): string {
  const { command, cmd } = argumentsOf(source)
  const line = [command, cmd].find(isText)
  if (line === undefined) return plainWords(tool)
  const program = /^\s*(?:cd [^&;]*(?:&&|;)\s*)?(?:[A-Z_]+=\S* )*([\w.+-]+)/.exec(line)?.[1]
  return program === undefined ? plainWords(tool) : `${plainWords(tool)} ${program}`
}

function argumentsOf(source: JsonObject): JsonObject {
  const described = isJsonObject(source.function) ? source.function : source
  const given = described.arguments ?? described.input ?? described.args ?? source.kwargs
  if (isJsonObject(given)) return given
  if (!isText(given)) return {}
  try {
    const parsed = JSON.parse(given) as JsonValue
    return isJsonObject(parsed) ? parsed : {}
  } catch {
    // What a model wrote need not be JSON.
    return {}
  }
}

/** The texts that tools were called with, the longest first. */
function entitiesOf(calls: readonly ToolCall[]): string[] {
  const entities = new Set<string>()
  const add = (value: JsonValue | undefined) => {
    if (entities.size >= MAX_ENTITIES) return
    if (isText(value)) {
      const text = value.trim()
      if (text.length < 3 || text.length > MAX_ENTITY) return
      entities.add(text)
      // As it is in the faults of calls, which are masked when they are read.
      const masked = maskVariableParts(text)
      if (/\p{L}{3}/u.test(masked.replace(/<\w+>/g, ''))) entities.add(masked)
    } else if (Array.isArray(value)) value.forEach(add)
    else if (isJsonObject(value)) Object.values(value).forEach(add)
  }
  for (const { source } of calls) add(argumentsOf(source))
  return [...entities].sort((one, other) => other.length - one.length)
}

function withoutNames(text: string, entities: readonly string[]): string {
  let left = text.replace(NAMES, '…')
  for (const entity of entities) left = left.replaceAll(entity, '…')
  return left
}

/** The last text that the agent wrote; of steps the last thought or action. */
function lastWords(trajectory: JsonValue): string {
  if (!isJsonObject(trajectory)) return ''
  for (const field of LIST_FIELDS) {
    const list = trajectory[field]
    if (!Array.isArray(list)) continue
    for (let at = list.length - 1; at >= 0; at--) {
      const words = wordsOf(list[at]!).trim()
      // The end is where an answer is; its start is often politeness.
      if (words !== '') return cutStart(words, 4 * MAX_LAST)
    }
  }
  return isText(trajectory.text) ? cutStart(trajectory.text, 4 * MAX_LAST) : ''
}

function wordsOf(entry: JsonValue): string {
  if (!isJsonObject(entry)) return ''
  const { role, content, thought, response, action } = entry
  if (role !== undefined && role !== 'assistant') return ''
  if (isText(content)) return content
  if (Array.isArray(content))
    return content.map((block) => (isJsonObject(block) && isText(block.text) ? block.text : '')).join(' ')
  return [thought, response, action].find(isText) ?? ''
}
