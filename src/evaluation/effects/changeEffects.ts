import { EffectRegression, FEWEST_EFFECTS } from '../../statistics/effectRegression.ts'
import { type Interval, studentInterval } from '../../statistics/intervals.ts'
import { meanOf } from '../../statistics/sums.ts'
import { inTurns } from '../../turns.ts'
import type { ChangeKey } from './changeKeys.ts'
import { METRICS, type Metric, shownEffect } from './deltas.ts'

/** A diff of which runs were compared. */
export interface MeasuredDiff {
  changes: readonly ChangeKey[]
  /** How many pairs of runs there are. */
  runPairs: number
  effects: Readonly<Partial<Record<Metric, { effect: number; variance: number }>>>
}

/** What a change does in one metric. Effects are as a person reads them (`shownEffect`). */
export interface ChangeEffect extends ChangeKey {
  metric: Metric
  onlyDiffs: number
  onlyRunPairs: number
  /** Mean over the diffs that change only this; null of none. Its interval is over these diffs: null of fewer than two. */
  onlyEffect: number | null
  onlyLower: number | null
  onlyUpper: number | null
  diffs: number
  runPairs: number
  /** What is its own among all that changed with it (EffectRegression); null where that is not told apart. */
  effect: number | null
  lower: number | null
  upper: number | null
}

type PredictionReason = 'no_change' | 'too_many_changes' | 'no_history' | 'too_little_history'

export interface PredictedDelta {
  metric: Metric
  /** Null for a reason, as are the bounds, between which 95 % of what is measured should fall. */
  expected: number | null
  lower: number | null
  upper: number | null
  /** How many diffs it follows from. */
  diffs: number
  reason: PredictionReason | null
}

/** A change that a prediction follows from: how many of the diffs changed it, and how many only it. */
export interface PredictionBasis extends ChangeKey {
  diffs: number
  onlyDiffs: number
}

export interface ImpactPrediction {
  metrics: PredictedDelta[]
  basis: PredictionBasis[]
}

const formOf = ({ path, op, direction, valueBefore, valueAfter }: ChangeKey) =>
  JSON.stringify([path, op, direction, valueBefore, valueAfter])

interface KnownDiff {
  /** The numbers of its changes. */
  causes: readonly number[]
  runPairs: number
  effects: MeasuredDiff['effects']
}

/** What is known from diffs that were measured. */
export class ChangeHistory {
  readonly #causes = new Map<string, number>()
  readonly #keys: ChangeKey[] = []
  readonly #diffs: readonly KnownDiff[]
  readonly #regressions = new Map<Metric, EffectRegression | null>()

  constructor(measured: readonly MeasuredDiff[]) {
    this.#diffs = measured
      .filter(({ changes }) => changes.length > 0)
      .map(({ changes, runPairs, effects }) => ({
        causes: changes.map((key) => this.#causeOf(key)),
        runPairs,
        effects,
      }))
  }

  /** What each change does, of a metric after the other, in steps of a few milliseconds most of which bring nothing. */
  *effects(): Generator<ChangeEffect[], undefined> {
    for (const metric of METRICS) {
      const regression = yield* this.#regressionOf(metric)
      const shown = (effect: number | undefined) =>
        effect === undefined ? null : shownEffect(metric, effect)
      yield [...byCause(this.#withMetric(metric))].map(([cause, diffs]) => {
        const only = diffs.filter(({ causes }) => causes.length === 1)
        const ofOnly = only.map(({ effects }) => effects[metric]!)
        const interval = intervalOf(ofOnly)
        const own = regression?.of(cause)
        return {
          ...this.#keys[cause]!,
          metric,
          onlyDiffs: only.length,
          onlyRunPairs: pairsOf(only),
          onlyEffect: shown(only.length === 0 ? undefined : meanOf(ofOnly.map(({ effect }) => effect))),
          onlyLower: shown(interval?.lower),
          onlyUpper: shown(interval?.upper),
          diffs: diffs.length,
          runPairs: pairsOf(diffs),
          effect: shown(own?.effect),
          lower: shown(own?.interval.lower),
          upper: shown(own?.interval.upper),
        }
      })
    }
  }

  /** What these changes together should do, if each of them was seen before. No changes: of a diff that has none, or `tooMany`. */
  async predict(changes: readonly ChangeKey[], tooMany = false): Promise<ImpactPrediction> {
    return {
      basis: this.#basisOf(changes),
      metrics: (await inTurns(this.#predicted(changes, tooMany))).flat(),
    }
  }

  #basisOf(changes: readonly ChangeKey[]): PredictionBasis[] {
    const all = byCause(this.#diffs)
    return changes.map((key) => {
      const diffs = all.get(this.#causes.get(formOf(key))!) ?? []
      return {
        ...key,
        diffs: diffs.length,
        onlyDiffs: diffs.filter((diff) => diff.causes.length === 1).length,
      }
    })
  }

  *#predicted(changes: readonly ChangeKey[], tooMany: boolean): Generator<PredictedDelta[], undefined> {
    const causes = changes.map((key) => this.#causes.get(formOf(key)))
    const without = changes.length > 0 ? undefined : tooMany ? 'too_many_changes' : 'no_change'
    for (const metric of METRICS) {
      const diffs = this.#withMetric(metric)
      const met = byCause(diffs)
      const isNew = causes.some((cause) => !met.has(cause!))
      // Nothing is fitted for a reason that is known without it.
      const regression = without || isNew ? null : yield* this.#regressionOf(metric)
      const none = { metric, expected: null, lower: null, upper: null, diffs: diffs.length }
      if (regression === null) {
        yield [{ ...none, reason: without ?? (isNew ? 'no_history' : 'too_little_history') }]
        continue
      }
      const { effect, interval } = regression.predict(causes as number[])
      yield [
        {
          ...none,
          expected: shownEffect(metric, effect),
          lower: shownEffect(metric, interval.lower),
          upper: shownEffect(metric, interval.upper),
          reason: null,
        },
      ]
    }
  }

  #causeOf(key: ChangeKey): number {
    const form = formOf(key)
    const known = this.#causes.get(form)
    if (known !== undefined) return known
    const { path, op, direction, valueBefore, valueAfter } = key
    this.#causes.set(form, this.#keys.length)
    return this.#keys.push({ path, op, direction, valueBefore, valueAfter }) - 1
  }

  /** Null where too few were measured. Steps bring nothing. */
  *#regressionOf(metric: Metric): Generator<never[], EffectRegression | null> {
    const known = this.#regressions.get(metric)
    if (known !== undefined) return known
    const measured = this.#withMetric(metric).map(({ causes, effects }) => ({ causes, ...effects[metric]! }))
    let regression: EffectRegression | null = null
    if (measured.length >= FEWEST_EFFECTS) {
      const steps = EffectRegression.inSteps(measured)
      let step = steps.next()
      for (; !step.done; step = steps.next()) yield []
      regression = step.value
    }
    this.#regressions.set(metric, regression)
    return regression
  }

  #withMetric(metric: Metric): KnownDiff[] {
    return this.#diffs.filter(({ effects }) => effects[metric] !== undefined)
  }
}

function byCause(diffs: readonly KnownDiff[]): Map<number, KnownDiff[]> {
  const found = new Map<number, KnownDiff[]>()
  for (const diff of diffs)
    for (const cause of diff.causes) {
      const others = found.get(cause)
      if (others) others.push(diff)
      else found.set(cause, [diff])
    }
  return found
}

const pairsOf = (diffs: readonly KnownDiff[]) => diffs.reduce((sum, { runPairs }) => sum + runPairs, 0)

/**
 * Student's over diffs, as independent estimates whose errors differ: it covers at least what it says (Ibragimov & Müller 2010, J. Business & Economic Statistics
 * 28:453). Null of fewer than two.
 */
function intervalOf(effects: readonly { effect: number; variance: number }[]): Interval | null {
  if (effects.length < 2) return null
  const values = effects.map(({ effect }) => effect)
  // Where all are equal, what each of them leaves open.
  const size = Math.max(
    meanOf(values.map(Math.abs)),
    2 * Math.sqrt(meanOf(effects.map(({ variance }) => variance))),
  )
  return studentInterval(values, size, 0.95)
}
