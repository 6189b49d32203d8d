import { isText } from '../../exactNumbers.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { asFigure, asList, asObject, asText, scoreOf } from '../recordReading.ts'

/** The scorer whose word counts for all samples of a log. */
export interface LogScorer {
  /** Its key in the scores of a sample. */
  name: string
  /** The lowest and the highest value that it gives, where the log says so. */
  scale: [number, number] | null
}

/** What the scorer of the log said of a sample: 0 to 1, null when it cannot be read as such, or when it said nothing. */
export interface SampleScore {
  value: number | null
  scorer: string | null
  /** As the log has it: value, answer, explanation. Empty when there is none. */
  given: JsonObject
}

/** Inspect's letters for correct, partially correct, incorrect, no answer, and the words that its metrics take too. */
const NUMBER_BY_WORD = new Map([
  ['c', 1],
  ['p', 0.5],
  ['i', 0],
  ['n', 0],
  ['yes', 1],
  ['true', 1],
  ['no', 0],
  ['false', 0],
])

/**
 * The first scorer that the log names and a sample has, else the one that most samples have. Decided once for a log:
 * samples that are graded by different scorers have no common mean. Null where no sample has scores by name.
 */
export function logScorer(spec: JsonObject, results: JsonObject, samples: JsonValue[]): LogScorer | null {
  const samplesWith = new Map<string, number>()
  for (const sample of samples) {
    for (const name of Object.keys(asObject(asObject(sample).scores))) {
      samplesWith.set(name, (samplesWith.get(name) ?? 0) + 1)
    }
  }
  const described = [...asList(spec.scorers), ...asList(results.scores)].map(asObject)
  const listed = described.flatMap(({ scorer, name }) => [scorer, name].flatMap((key) => keyOf(key) ?? []))
  const [mostUsed] = [...samplesWith].sort(([, one], [, other]) => other - one)
  const name = listed.find((key) => samplesWith.has(key)) ?? mostUsed?.[0]
  if (name === undefined) return null
  const scales = described
    .filter((entry) => [entry.scorer, entry.name].some((key) => keyOf(key) === name))
    .flatMap(({ options, params, metadata }) => [options, params, metadata])
    .flatMap((settings) => [scaleIn(asObject(settings))])
  return { name, scale: scales.find((scale) => scale !== null) ?? null }
}

/** What the scorer gave the sample; logs of version 1 hold a single score without a name. */
export function sampleScore({ scores, score }: JsonObject, scorer: LogScorer | null): SampleScore {
  const entry = (scorer === null ? score : asObject(scores)[scorer.name]) ?? null
  const given = isJsonObject(entry) ? entry : entry === null ? {} : { value: entry }
  return { value: numberOf(given.value, scorer?.scale ?? null), scorer: scorer?.name ?? null, given }
}

/** Scorers are registered as `package/name`, and samples have the name alone. */
function keyOf(name: JsonValue | undefined): string | null {
  return asText(name)?.split('/').at(-1) ?? null
}

/** `min` and `max` of a scorer's settings, or its `scale` or `range`. */
function scaleIn(settings: JsonObject): [number, number] | null {
  const { min: least, max: most, min_score, max_score, scale, range } = settings
  const candidates = [[least, most], [min_score, max_score], scale, range].map((value) =>
    isJsonObject(value) ? [value.min, value.max] : asList(value),
  )
  for (const [min, max, ...others] of candidates) {
    const [low, high] = [asFigure(min), asFigure(max)]
    if (low !== null && high !== null && low < high && others.length === 0) return [low, high]
  }
  return null
}

/** A list, an object or a number on a scale that nobody names is no score from 0 to 1. */
function numberOf(value: JsonValue | undefined, scale: [number, number] | null): number | null {
  const figure = asFigure(value)
  if (figure !== null) return scoreOf(scale === null ? figure : (figure - scale[0]) / (scale[1] - scale[0]))
  if (typeof value === 'boolean') return value ? 1 : 0
  if (!isText(value)) return null
  const text = value.trim().toLowerCase()
  return NUMBER_BY_WORD.get(text) ?? (text === '' ? null : numberOf(Number(text), scale))
}
