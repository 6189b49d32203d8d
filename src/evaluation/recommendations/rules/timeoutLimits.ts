import { isJsonObject, type JsonObject, type JsonValue } from '../../../json.ts'
import { clusteredShareInterval } from '../../../statistics/clusteredShare.ts'
import { normalQuantile } from '../../../statistics/distributions.ts'
import type { Interval } from '../../../statistics/intervals.ts'
import type { ChangeSummary } from '../../configurations/configDiff.ts'
import { readConfigTree } from '../../configurations/configDocument.ts'
import { pointerTo } from '../../configurations/yamlEdit.ts'
import { confidenceOf } from '../confidence.ts'
import { type Impact, LEVEL } from '../impact.ts'
import { counted, percent, seconds } from '../words.ts'
import { type Finding, insufficient, nothing, type Rule } from './rule.ts'
import { readTimeoutFigures, type TimeoutFigures } from './ruleFigures.ts'

/** One run in twenty. */
const TIMES_OUT_OFTEN = 0.05
const FEWEST_RUNS = 20
const FEWEST_SCENARIOS = 5
/** Of fewer neither the limit nor what it cuts off is known. */
const FEWEST_TIMEOUTS = 5
/** Successes whose percentiles tell how long the work takes. */
const FEWEST_SUCCESSES = 20
/** A limit is where most of the timeouts are, but for what stopping takes. */
const AT_THE_LIMIT = 0.1
/** Where one success in twenty comes this near, others are cut off. */
const CROWDED = 0.7
/** Where no success comes this near, what runs longer hangs. */
const FAR_AWAY = 0.5
/** A new limit is no further away than that: beyond it nothing has been seen. */
const MOST_TIMES = 3
const LEAST_TIMES = 1.25

interface TimeoutVersion {
  versionId: string
  versionNumber: number
  rawYaml: string
  simulations: readonly { simulationId: string; timeoutMs: number }[]
}

/** Timeouts against the limit that they run into: one that cuts off runs which would end, and one that lets hanging runs wait. */
export const TIMEOUT_LIMITS: Rule = {
  name: 'timeout_limit',
  async look(transaction, { version }) {
    const ids = version.simulations.map(({ simulationId }) => simulationId)
    return timeoutLimits(await readTimeoutFigures(transaction, ids), version)
  },
}

function timeoutLimits(figures: TimeoutFigures, version: TimeoutVersion): Finding {
  const {
    events: runs,
    counted: timeouts,
    clusters,
    timeoutMs,
    timedTimeouts,
    successMs,
    timedSuccesses,
  } = figures
  const under = `under version ${version.versionNumber}`
  if (runs < FEWEST_RUNS || clusters < FEWEST_SCENARIOS)
    return insufficient(
      `${counted(runs, 'run')} of ${counted(clusters, 'scenario')} ended ${under}: it takes ${FEWEST_RUNS} of ${FEWEST_SCENARIOS}.`,
    )
  const share = timeouts / runs
  const interval = clusteredShareInterval(figures, LEVEL)!
  if (interval.lower <= TIMES_OUT_OFTEN)
    return nothing(
      `${percent(share)} of ${counted(runs, 'run')} timed out ${under} (${percent(interval.lower)} to ${percent(interval.upper)}), which is not sure to be more than ${percent(TIMES_OUT_OFTEN)}.`,
      share > TIMES_OUT_OFTEN ? () => null : undefined,
    )
  if (timedTimeouts < FEWEST_TIMEOUTS || timeoutMs === null)
    return insufficient(
      `The duration of ${timedTimeouts} of ${counted(timeouts, 'timeout')} ${under} is known: it takes ${FEWEST_TIMEOUTS}.`,
    )
  if (timedSuccesses < FEWEST_SUCCESSES || successMs === null)
    return insufficient(
      `The duration of ${counted(timedSuccesses, 'success', 'successes')} ${under} is known: how long the work takes can be said from ${FEWEST_SUCCESSES} on.`,
    )
  const [p10, limitMs, p90] = timeoutMs
  if (p10 < limitMs * (1 - AT_THE_LIMIT) || p90 > limitMs * (1 + AT_THE_LIMIT))
    return nothing(`Runs time out ${under} after ${seconds(p10)} to ${seconds(p90)}: that is no one limit.`)
  const [medianMs, p95Ms, longestMs] = successMs
  const raises = p95Ms >= CROWDED * limitMs
  if (!raises && longestMs > FAR_AWAY * limitMs)
    return nothing(
      `Runs time out ${under} after ${seconds(limitMs)}; of those that succeeded 95 % took up to ${seconds(p95Ms)}, the longest ${seconds(longestMs)}: neither a higher nor a lower limit is sure to be better.`,
    )
  const suggestedMs = raises ? raised(limitMs, medianMs, share) : lowered(longestMs)
  const setting = settingOf(readConfigTree(version.rawYaml), limitMs)
  const ofSimulations = version.simulations.some(({ timeoutMs: ms }) => isNear(ms, limitMs))
  const changes: ChangeSummary | undefined = setting && [
    {
      path: setting.path,
      op: 'replace',
      before: setting.value,
      after: Math.ceil(suggestedMs / setting.unitMs),
    },
  ]
  const where = setting
    ? `It is ${setting.path} of the YAML.`
    : ofSimulations
      ? `It is the timeoutMs of the simulations: start the next one with timeoutMs: ${suggestedMs}.`
      : 'Where it is set cannot be told from the YAML.'
  const sentences = [
    `${percent(share)} of ${counted(runs, 'run')} timed out ${under} (${percent(interval.lower)} to ${percent(interval.upper)}), after ${seconds(limitMs)}.`,
    raises
      ? `Runs that succeeded come near to that: 95 % of ${timedSuccesses} took up to ${seconds(p95Ms)}. A limit of ${seconds(suggestedMs)} would let more of them end.`
      : `The longest of ${timedSuccesses} runs that succeeded took ${seconds(longestMs)}: what runs longer hangs. A limit of ${seconds(suggestedMs)} would end it sooner and lose none of those.`,
    where,
  ]
  return {
    status: 'FOUND',
    against: () => ({
      reason: `Runs time out ${under} after ${seconds(limitMs)}. ${where}`,
      isSure: true,
    }),
    found: [
      {
        subject: setting?.path ?? 'timeoutMs',
        type: 'performance_tuning',
        description: sentences.join(' '),
        confidence: confidenceOf((at) => clusteredShareInterval(figures, at)!.lower > TIMES_OUT_OFTEN),
        basis: { n: runs, estimate: share, ...interval },
        facts: {
          runs,
          scenarios: clusters,
          timeouts,
          timeoutShare: share,
          lower: interval.lower,
          upper: interval.upper,
          level: LEVEL,
          threshold: TIMES_OUT_OFTEN,
          limitMs,
          successP50Ms: medianMs,
          successP95Ms: p95Ms,
          successLongestMs: longestMs,
          suggestedTimeoutMs: suggestedMs,
          setting: setting?.path ?? (ofSimulations ? 'timeoutMs' : null),
        },
        impact: raises ? ofRaising(figures, interval) : ofLowering(figures, interval, limitMs, suggestedMs),
        ...(changes && { changes }),
        evidence: [
          ...figures.examples.map((example) => ({ ...example, summary: 'A run that timed out.' })),
          {
            configVersionId: version.versionId,
            summary: `The version with the limit of ${seconds(limitMs)}.`,
          },
          ...version.simulations.slice(0, 3).map(({ simulationId }) => ({
            simulationId,
            summary: 'A simulation whose runs are counted.',
          })),
        ],
      },
    ],
  }
}

/**
 * Where 95 % would end if durations are log-normal: through the median of those that succeeded, and the limit with the share that it cuts off. A guess beyond what was seen, so at
 * most three times the limit; two digits.
 */
function raised(limitMs: number, medianMs: number, share: number): number {
  const cut = normalQuantile(Math.min(0.99, Math.max(0.51, 1 - share)))
  const sigma = Math.log(limitMs / Math.max(medianMs, 1)) / cut
  const wanted = medianMs * Math.exp(normalQuantile(0.95) * sigma)
  return twoDigits(Math.min(MOST_TIMES * limitMs, Math.max(LEAST_TIMES * limitMs, wanted)))
}

/** Half as long again as the longest success: the next one may take longer. */
const lowered = (longestMs: number) => twoDigits(1.5 * longestMs)

/** Up: 87,300 → 88,000 */
function twoDigits(ms: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(ms)) - 1)
  return Math.ceil(ms / unit) * unit
}

/** If what is cut off succeeded as often as what ended did. */
function ofRaising({ events, counted, succeeded }: TimeoutFigures, { lower, upper }: Interval): Impact {
  const ended = events - counted
  const rate = ended === 0 ? 0 : succeeded / ended
  const left = 0.05
  const won = (share: number) => Math.max(0, share - left) * rate
  const before = succeeded / events
  const change = won(counted / events)
  return {
    metric: 'SUCCESS_RATE',
    before,
    after: before + change,
    change,
    lower: 0,
    upper: won(upper),
    level: LEVEL,
    n: events,
    of: 'RUNS',
    ...(lower > left && { lower: Math.min(change, won(lower)) }),
  }
}

function ofLowering(
  { events, counted }: TimeoutFigures,
  { lower, upper }: Interval,
  limitMs: number,
  suggestedMs: number,
): Impact {
  const saved = suggestedMs - limitMs
  return {
    metric: 'DURATION_MS',
    before: null,
    after: null,
    change: (counted / events) * saved,
    lower: upper * saved,
    upper: lower * saved,
    level: LEVEL,
    n: events,
    of: 'RUNS',
  }
}

const isNear = (ms: number, limitMs: number) => Math.abs(ms - limitMs) <= AT_THE_LIMIT * limitMs

const NAMES_A_LIMIT =
  /time_?out|time_?limit|deadline|max_?(time|duration|seconds|minutes|ms)|max_?(run|execution)_?time/i

interface Setting {
  path: string
  value: number
  unitMs: number
}

/** The one number of the tree that has the name of a limit and is, in some unit, what runs time out at; undefined where there is none, or several. */
export function settingOf(tree: JsonObject, limitMs: number): Setting | undefined {
  const found: Setting[] = []
  const search = (value: JsonValue, steps: (string | number)[]) => {
    if (Array.isArray(value)) for (const [index, each] of value.entries()) search(each, [...steps, index])
    else if (isJsonObject(value))
      for (const [key, each] of Object.entries(value)) search(each, [...steps, key])
    else if (typeof value === 'number' && value > 0) {
      const name = String(steps.at(-1))
      const unitMs = NAMES_A_LIMIT.test(name) && unitsOf(name).find((unit) => isNear(value * unit, limitMs))
      if (unitMs) found.push({ path: pointerTo(steps), value, unitMs })
    }
  }
  search(tree, [])
  return found.length === 1 ? found[0] : undefined
}

/** In milliseconds: what the name says, else seconds or milliseconds, whichever fits. */
function unitsOf(name: string): number[] {
  if (/(_ms|Ms|_millis|Millis|milliseconds)$/.test(name)) return [1]
  if (/(_s|_secs?|_seconds|Secs?|Seconds)$/.test(name)) return [1_000]
  if (/(_mins?|_minutes|Minutes)$/.test(name)) return [60_000]
  return [1_000, 1, 60_000]
}
