import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { describe, expect, it } from 'vitest'
import type { PairedValues, RunValues } from '../../../src/evaluation/comparison/pairedValues.ts'
import { ChangeHistory, type MeasuredDiff } from '../../../src/evaluation/effects/changeEffects.ts'
import type { ChangeKey } from '../../../src/evaluation/effects/changeKeys.ts'
import { deltasOf, METRICS, type Metric } from '../../../src/evaluation/effects/deltas.ts'

const TENANTS = 100
const DIFFS = 30
const SCENARIOS = 20
const CHANGES = 8

const random = xoroshiro128plus(34)
const uniform = () => (random.next() >>> 0) / 2 ** 32
const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
const chance = (probability: number): 0 | 1 => (uniform() < probability ? 1 : 0)

const keyOf = (change: number): ChangeKey => ({
  path: `/c${change}`,
  op: 'replace',
  direction: 'increase',
  valueBefore: null,
  valueAfter: null,
})

/** What each change really does: to the probability to pass and the score by adding, to costs by a factor (as a logarithm). */
type Truth = Record<'success' | 'score' | 'cost', number>

function pairOf(truths: readonly Truth[], changes: readonly number[]): PairedValues {
  const total = (metric: keyof Truth) => changes.reduce((sum, change) => sum + truths[change]![metric], 0)
  const scenarios = Array.from({ length: SCENARIOS }, (_, n) => {
    const [ease, size] = [0.5 + 0.15 * (2 * uniform() - 1), Math.exp(0.5 * normal())]
    const side = (effect: boolean) => ({
      revision: 1,
      runs: [1, 2].map((repetition): RunValues => {
        const at = (metric: keyof Truth) => (effect ? total(metric) : 0)
        return {
          repetition,
          success: chance(ease + at('success')),
          score: Math.min(1, Math.max(0, ease + at('score') + 0.1 * normal())),
          costUsd: size * Math.exp(at('cost') + 0.3 * normal()),
          tokens: null,
          durationMs: 1000 * size * Math.exp(0.3 * normal()),
          category: null,
          metrics: {},
        }
      }),
    })
    return { scenarioId: `s${n}`, baseline: side(false), candidate: side(true) }
  })
  return { baselineId: 'b', candidateId: 'c', baseline: null, candidate: null, scenarios }
}

const measured = (values: PairedValues) => [...deltasOf(values)].filter((delta) => delta !== undefined)

const effectsOf = (values: PairedValues): MeasuredDiff['effects'] =>
  Object.fromEntries(
    measured(values).flatMap(({ metric, effect, variance }) =>
      effect === null || variance === null ? [] : [[metric, { effect, variance }]],
    ),
  )

const changesOf = () => {
  const changes = new Set<number>()
  const wanted = 1 + Math.floor(uniform() * 3)
  while (changes.size < wanted) changes.add(Math.floor(uniform() * CHANGES))
  return [...changes]
}

describe('a tenant whose truth is known', () => {
  it('lies within the intervals in 95 ± 2 %, as does what is predicted', async () => {
    const seen = new Map<string, { covered: number; of: number }>()
    const count = (what: string, isWithin: boolean) => {
      const cell = seen.get(what) ?? { covered: 0, of: 0 }
      seen.set(what, { covered: cell.covered + Number(isWithin), of: cell.of + 1 })
    }
    for (let tenant = 0; tenant < TENANTS; tenant++) {
      const truths = Array.from(
        { length: CHANGES },
        (): Truth => ({ success: 0.08 * normal(), score: 0.08 * normal(), cost: 0.2 * normal() }),
      )
      const shown = (metric: Metric, change: number) =>
        metric === 'cost'
          ? Math.expm1(truths[change]!.cost)
          : metric === 'duration'
            ? 0
            : truths[change]![metric as keyof Truth]
      const history = new ChangeHistory(
        Array.from({ length: DIFFS }, () => {
          const changes = changesOf()
          return { changes: changes.map(keyOf), runPairs: 1, effects: effectsOf(pairOf(truths, changes)) }
        }),
      )
      for (const ofMetric of history.effects())
        for (const { path, metric, lower, upper, onlyLower, onlyUpper } of ofMetric) {
          const truth = shown(metric, Number(path.slice(2)))
          count(`effect ${metric}`, lower! <= truth && truth <= upper!)
          if (onlyLower !== null) count('only', onlyLower <= truth && truth <= onlyUpper!)
        }
      for (let next = 0; next < 10; next++) {
        const changes = changesOf()
        const actual = effectsOf(pairOf(truths, changes))
        for (const { metric, lower, upper, reason } of (await history.predict(changes.map(keyOf))).metrics) {
          if (reason !== null) continue
          const { effect } = actual[metric]!
          const of = metric === 'cost' || metric === 'duration' ? Math.expm1(effect) : effect
          count(`prediction ${metric}`, lower! <= of && of <= upper!)
        }
      }
    }
    const coverage = Object.fromEntries([...seen].map(([what, { covered, of }]) => [what, covered / of]))
    for (const metric of ['success', 'score', 'cost', 'duration']) {
      expect(coverage[`effect ${metric}`], `effect ${metric}`).toBeGreaterThan(0.93)
      // Nothing changes durations, and what is drawn to zero is right then.
      expect(coverage[`effect ${metric}`], `effect ${metric}`).toBeLessThan(
        metric === 'duration' ? 1.001 : 0.97,
      )
      expect(coverage[`prediction ${metric}`], `prediction ${metric}`).toBeGreaterThan(0.93)
      expect(coverage[`prediction ${metric}`], `prediction ${metric}`).toBeLessThan(0.97)
    }
    expect(coverage.only).toBeGreaterThan(0.93)
    expect(coverage.only).toBeLessThan(0.97)
  })
})

describe('a pair of runs', () => {
  const side = (values: Partial<RunValues>[], revision = 1) => ({
    revision,
    runs: values.map(
      (value, at): RunValues => ({
        repetition: at + 1,
        success: 1,
        score: null,
        costUsd: null,
        tokens: null,
        durationMs: null,
        category: null,
        metrics: {},
        ...value,
      }),
    ),
  })
  const pair = (
    scenarios: [Partial<RunValues>[] | null, Partial<RunValues>[] | null, revision?: number][],
  ): PairedValues => ({
    baselineId: 'b',
    candidateId: 'c',
    baseline: null,
    candidate: null,
    scenarios: scenarios.map(([baseline, candidate, revision], n) => ({
      scenarioId: `s${n}`,
      baseline: baseline && side(baseline),
      candidate: candidate && side(candidate, revision),
    })),
  })
  const metricsOf = (values: PairedValues) => measured(values).map(({ metric }) => metric)

  it('is compared in what both know, of scenarios that are the same', () => {
    expect(metricsOf(pair([]))).toEqual([])
    expect(metricsOf(pair([[[{}], null]]))).toEqual([])
    expect(metricsOf(pair([[[{}], [{}], 2]]))).toEqual([])
    expect(
      metricsOf(
        pair([
          [
            [{ score: 1, costUsd: 1, tokens: 1, durationMs: 1 }],
            [{ score: 1, costUsd: 1, tokens: 1, durationMs: 1 }],
          ],
        ]),
      ),
    ).toEqual(METRICS)
  })

  it('has an error where it has two scenarios, and no ratio to nothing', () => {
    const [success, cost] = measured(pair([[[{ costUsd: 1 }], [{ costUsd: 2 }]]]))
    expect([success!.effect, success!.variance]).toEqual([0, null])
    expect([cost!.effect, cost!.variance, cost!.lower]).toEqual([Math.log(2), null, null])
    const [, free] = measured(
      pair([
        [[{ costUsd: 0 }], [{ costUsd: 2 }]],
        [[{ costUsd: 0 }], [{ costUsd: 1 }]],
      ]),
    )
    expect([free!.effect, free!.variance, free!.difference]).toEqual([null, null, 1.5])
    const [, twice] = measured(
      pair([
        [[{ costUsd: 1 }], [{ costUsd: 2 }]],
        [[{ costUsd: 3 }], [{ costUsd: 6 }]],
      ]),
    )
    expect(twice!.effect).toBeCloseTo(Math.log(2))
    expect(twice!.variance).toBe(1e-6)
  })
})
