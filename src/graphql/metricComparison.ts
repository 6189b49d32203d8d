import type { GraphQLResolveInfo } from 'graphql'
import { type ComparisonRows, pairOf } from '../evaluation/comparison/comparisonStore.ts'
import {
  compareMetrics,
  DEFAULT_MARGINS,
  insufficientReason,
  type Margins,
  type MetricComparison,
  MOST_DIMENSIONS,
  refuseTooMany,
} from '../evaluation/comparison/metricComparison.ts'
import {
  type Dimensions,
  type PairedValues,
  pairedValues,
  readPairedValues,
  type SimulationPair,
} from '../evaluation/comparison/pairedValues.ts'
import type { ComputedPart } from '../reads/answers/parts.ts'
import { Refusal } from '../refusal.ts'
import { type Drift, driftInSteps } from '../statistics/categoryDrift.ts'
import type { Interval } from '../statistics/intervals.ts'
import type { Correction } from '../statistics/multiplicity.ts'
import { type PassAtK, passAtK } from '../statistics/passAtK.ts'
import { neededFor } from '../statistics/power.ts'
import { inTurns } from '../turns.ts'
import { builder } from './builder/builder.ts'
import { computation } from './builder/computation.ts'
import { type Context, oncePerOperation } from './builder/context.ts'
import type { PlannedField } from './builder/fieldRead.ts'
import type { InputBounds } from './builder/inputBounds.ts'
import { sharedByField } from './lists/fieldLoader.ts'
import { ErrorCategoryEnum } from './outcome.ts'
import { COMPARISON_COST, LONGEST_DIMENSION, SimulationComparison } from './simulationComparison.ts'

/** In rows that are read; of 1,000 scenarios and fifteen metrics it takes as long as 500 objects. */
const STATISTICS_COST = 2 * COMPARISON_COST
/** Of one scenario in one metric, or in one category: how many of them take as long as one row. */
const VALUES_PER_COST = 10
const MOST_K = 10
const LARGEST_K = 1_000
const DIMENSION_NAMES = {
  bounds: { entries: MOST_DIMENSIONS, characters: LONGEST_DIMENSION } satisfies InputBounds,
}

const ComparedMetric = builder.enumType('ComparedMetric', {
  description: 'A metric in which simulations are compared.',
  values: {
    SUCCESS: { value: 'success', description: 'Whether runs succeeded, 0 or 1; its means are the shares.' },
    SCORE: { value: 'score', description: 'Scores, 0 to 1.' },
    COST: { value: 'cost', description: 'US dollars of a run with all its attempts.' },
    TOKENS: { value: 'tokens', description: 'Tokens of a run with all its attempts.' },
    DURATION: { value: 'duration', description: 'Milliseconds of a run’s last attempt.' },
    DIMENSION: { value: 'dimension', description: 'A number among the metrics of runs.' },
  } as const,
})

const MetricScale = builder.enumType('MetricScale', {
  description: 'What values a metric may have.',
  values: {
    PASS_FAIL: { description: '0 or 1.' },
    UNIT: { description: 'From 0 to 1.' },
    UNBOUNDED: { description: 'Any number.' },
  } as const,
})

const CorrectionEnum = builder.enumType('Correction', {
  description: 'How p-values of several questions, asked together, are adjusted.',
  values: {
    HOLM: { description: 'Holm’s: bounds the probability of any false alarm among all.' },
    BENJAMINI_HOCHBERG: { description: 'Bounds the share of false ones among those that are shown.' },
    NONE: { description: 'Each stands alone.' },
  } as const,
})

export const VerdictEnum = builder.enumType('Verdict', {
  description: 'What a comparison of two simulations shows.',
  values: {
    BETTER: { description: 'The candidate is better: the difference is significant after correction.' },
    WORSE: { description: 'It is worse, likewise.' },
    NO_DIFFERENCE: { description: 'They differ by less than the margin.' },
    INSUFFICIENT_DATA: { description: 'Neither can be said: see `needed`.' },
  } as const,
})

const EffectMeasure = builder.enumType('EffectMeasure', {
  description: 'How an effect size is measured; 0.2 is called small, 0.5 medium, 0.8 large.',
  values: {
    COHENS_H: { description: 'Cohen’s h of two shares.' },
    HEDGES_G: { description: 'The mean difference in standard deviations of the differences, without bias.' },
  } as const,
})

const IntervalType = builder.objectRef<Interval>('Interval').implement({
  description: 'A confidence interval.',
  fields: (t) => ({
    lower: t.exposeFloat('lower', { description: 'Its lower end.' }),
    upper: t.exposeFloat('upper', { description: 'Its upper end.' }),
  }),
})

const EffectSize = builder
  .objectRef<NonNullable<MetricComparison['comparison']['effectSize']>>('EffectSize')
  .implement({
    description: 'How large a difference is, whatever the metric’s unit.',
    fields: (t) => ({
      measure: t.field({
        type: EffectMeasure,
        description: 'How it is measured.',
        resolve: ({ measure }) => measure,
      }),
      value: t.exposeFloat('value', { description: 'The candidate’s against the baseline’s.' }),
    }),
  })

const NeededData = builder
  .objectRef<{ difference: number; repetitions: number | null; scenarios: number | null }>('NeededData')
  .implement({
    description: 'What would show a difference in 80 % of cases, judged as this one was.',
    fields: (t) => ({
      difference: t.exposeFloat('difference', { description: 'That difference, in the metric’s unit.' }),
      repetitions: t.exposeInt('repetitions', {
        nullable: true,
        description:
          'Repetitions of each of these scenarios on each side; null when what was seen does not tell (one repetition each, fewer than twenty scenarios, scenarios that may differ too much among themselves), and when no number up to four times as many as now is likely to do.',
      }),
      scenarios: t.exposeInt('scenarios', {
        nullable: true,
        description: 'Scenarios, with as many repetitions as now; null for more than 100,000.',
      }),
    }),
  })

const MetricComparisonType = builder.objectRef<MetricComparison>('MetricComparison').implement({
  description:
    'Two simulations in one metric, over the scenarios that both have known values of, each with the mean of its repetitions. Figures have the metric’s unit.',
  fields: (t) => ({
    metric: t.field({ type: ComparedMetric, description: 'The metric.', resolve: ({ metric }) => metric }),
    dimension: t.exposeString('dimension', {
      nullable: true,
      description: 'The dimension’s path of one or two keys; null for the other metrics.',
    }),
    higherIsBetter: t.exposeBoolean('higherIsBetter', { description: 'Whether more of it is better.' }),
    scale: t.field({
      type: MetricScale,
      description: 'What values it has.',
      resolve: ({ comparison }) => comparison.scale,
    }),
    scenarios: t.int({
      description: 'Number of scenarios that are compared: n.',
      resolve: ({ comparison }) => comparison.scenarios,
    }),
    onlyBaseline: t.int({
      description: 'Scenarios left out because only the baseline has known values of them.',
      resolve: ({ comparison }) => comparison.onlyBaseline,
    }),
    onlyCandidate: t.int({
      description: 'Scenarios left out because only the candidate has known values of them.',
      resolve: ({ comparison }) => comparison.onlyCandidate,
    }),
    neither: t.int({
      description: 'Scenarios left out because neither has.',
      resolve: ({ comparison }) => comparison.neither,
    }),
    unknown: t.int({
      description: 'Runs left out because their value is not known.',
      resolve: ({ comparison }) => comparison.unknown,
    }),
    baselineMean: t.float({
      nullable: true,
      description: 'Mean over the baseline’s scenarios; null without any, as is all that follows from it.',
      resolve: ({ comparison }) => comparison.baselineMean,
    }),
    candidateMean: t.float({
      nullable: true,
      description: 'Mean over the candidate’s scenarios.',
      resolve: ({ comparison }) => comparison.candidateMean,
    }),
    difference: t.float({
      nullable: true,
      description: 'The candidate’s mean less the baseline’s.',
      resolve: ({ comparison }) => comparison.difference,
    }),
    interval: t.field({
      type: IntervalType,
      nullable: true,
      description: 'The difference’s 95 % confidence interval; null of fewer than two scenarios.',
      resolve: ({ comparison }) => comparison.interval,
    }),
    pValue: t.float({
      nullable: true,
      description:
        'Two-sided p-value of the permutation of signs, for pass or fail once each McNemar’s; by itself.',
      resolve: ({ comparison }) => comparison.pValue,
    }),
    adjustedPValue: t.float({
      nullable: true,
      description:
        'The same, corrected for all metrics and candidates that are asked for together. Metrics of a pair that are the same numbers, or a multiple of them, are one test and count once.',
      resolve: ({ judgement }) => judgement.adjustedPValue,
    }),
    tests: t.int({
      description: 'How many different tests `adjustedPValue` is corrected for; 1 without correction.',
      resolve: ({ judgement }) => judgement.tests,
    }),
    effectSize: t.field({
      type: EffectSize,
      nullable: true,
      description: 'How large the difference is; null where no two differences differ, but for pass or fail.',
      resolve: ({ comparison }) => comparison.effectSize,
    }),
    verdict: t.field({
      type: VerdictEnum,
      description: 'What that shows.',
      resolve: ({ judgement }) => judgement.verdict,
    }),
    reason: t.string({
      nullable: true,
      description:
        'Why the verdict is INSUFFICIENT_DATA, in words, such as that a difference is not significant once corrected; null for other verdicts.',
      resolve: insufficientReason,
    }),
    margin: t.exposeFloat('margin', {
      nullable: true,
      description: 'A difference that does not matter; null when none is given or it is a share of zero.',
    }),
    equivalenceInterval: t.field({
      type: IntervalType,
      nullable: true,
      description: 'What has to lie within the margin on both sides for NO_DIFFERENCE.',
      resolve: ({ judgement }) => judgement.equivalenceInterval,
    }),
    detectableDifference: t.float({
      nullable: true,
      description: 'The smallest difference that as many scenarios and repetitions show in 80 % of cases.',
      resolve: ({ judgement }) => judgement.detectableDifference,
    }),
    needed: t.field({
      type: NeededData,
      nullable: true,
      description:
        'What would show a difference; null without one, and of fewer than two scenarios. As many as now or fewer: such a difference would have been shown, and the true one is likely to be smaller.',
      args: {
        difference: t.arg.float({
          description: 'That difference, in the metric’s unit; the margin by default.',
        }),
      },
      resolve: ({ comparison, judgement, margin }, args) => {
        const difference = args.difference ?? margin
        if (difference === 0)
          throw new Refusal('BAD_USER_INPUT', 'No number of runs shows a difference of 0.', ['difference'])
        if (difference === null || comparison.spread === null) return null
        return { difference, ...neededFor(comparison.spread, difference, { alpha: judgement.alpha }) }
      },
    }),
  }),
})

const ofValue = (of: string, share: boolean) =>
  `${of} as ${share ? 'a share of the baseline’s mean' : 'they are'}; null for none: then NO_DIFFERENCE is never said.`

const ComparisonMargins = builder.inputType('ComparisonMargins', {
  description: 'Differences that do not matter, more than zero.',
  fields: (t) => {
    const margin = (metric: keyof Margins, description: string) =>
      t.float({ defaultValue: DEFAULT_MARGINS[metric], description })
    return {
      success: margin('success', ofValue('Of shares that succeeded,', false)),
      score: margin('score', ofValue('Of scores,', false)),
      cost: margin('cost', ofValue('Of costs,', true)),
      tokens: margin('tokens', ofValue('Of tokens,', true)),
      duration: margin('duration', ofValue('Of durations,', true)),
      dimension: margin('dimension', ofValue('Of dimensions whose values are all from 0 to 1,', false)),
      unboundedDimension: margin(
        'unboundedDimension',
        ofValue('Of other dimensions, and of these where it is smaller,', true),
      ),
    }
  },
})

type GivenMargins = { readonly [Metric in keyof Margins]?: number | null }

/** @throws Refusal BAD_USER_INPUT */
function marginsOf(given: GivenMargins | null | undefined): Margins {
  for (const [metric, margin] of Object.entries(given ?? {}))
    if (margin !== null && !(margin > 0 && margin <= 1))
      throw new Refusal('BAD_USER_INPUT', `A margin is more than 0 and at most 1, not ${margin}.`, [
        'margins',
        metric,
      ])
  return { ...DEFAULT_MARGINS, ...given }
}

interface OfSide {
  baseline: PassAtK
  candidate: PassAtK
}

const Estimate = builder.objectRef<NonNullable<PassAtK['passAtK']>>('Estimate').implement({
  description: 'A mean over scenarios.',
  fields: (t) => ({
    value: t.exposeFloat('value', { description: 'The mean.' }),
    interval: t.field({
      type: IntervalType,
      nullable: true,
      description: 'Its 95 % confidence interval; null of fewer than two scenarios.',
      resolve: ({ interval }) => interval,
    }),
  }),
})

const PassAtKSide = builder.objectRef<PassAtK>('PassAtKOfSimulation').implement({
  description: 'How often any, and how often all, of k repetitions of a scenario succeed.',
  fields: (t) => ({
    scenarios: t.exposeInt('scenarios', { description: 'Scenarios with k repetitions or more.' }),
    tooFewRepetitions: t.exposeInt('tooFewRepetitions', {
      description: 'Scenarios with fewer, which are left out.',
    }),
    passAtK: t.field({
      type: Estimate,
      nullable: true,
      description: 'pass@k: that any of k succeeds; null where no scenario has k.',
      resolve: ({ passAtK }) => passAtK,
    }),
    passHatK: t.field({
      type: Estimate,
      nullable: true,
      description: 'pass^k: that all of k succeed; null where no scenario has k.',
      resolve: ({ passHatK }) => passHatK,
    }),
  }),
})

const ComparedPassAtK = builder.objectRef<OfSide>('PassAtK').implement({
  description: 'Success in k repetitions of a scenario, of both simulations.',
  fields: (t) => ({
    k: t.int({ description: 'How many repetitions.', resolve: ({ baseline }) => baseline.k }),
    baseline: t.field({
      type: PassAtKSide,
      description: 'Of the baseline.',
      resolve: ({ baseline }) => baseline,
    }),
    candidate: t.field({
      type: PassAtKSide,
      description: 'Of the candidate.',
      resolve: ({ candidate }) => candidate,
    }),
  }),
})

const CategoryDriftType = builder.objectRef<Drift['categories'][number]>('FailureCategoryDrift').implement({
  description:
    'How often runs failed for one kind of reason: shares over scenarios, each with the mean of its repetitions.',
  fields: (t) => ({
    category: t.field({
      type: ErrorCategoryEnum,
      description: 'The kind of error.',
      resolve: ({ category }) => category as typeof ErrorCategoryEnum.$inferType,
    }),
    baselineShare: t.float({
      description: 'Of the baseline’s runs, 0 to 1.',
      resolve: ({ comparison }) => comparison.baselineMean!,
    }),
    candidateShare: t.float({
      description: 'Of the candidate’s.',
      resolve: ({ comparison }) => comparison.candidateMean!,
    }),
    difference: t.float({
      description: 'The candidate’s less the baseline’s.',
      resolve: ({ comparison }) => comparison.difference!,
    }),
    interval: t.field({
      type: IntervalType,
      nullable: true,
      description: 'The difference’s 95 % confidence interval; null of fewer than two scenarios.',
      resolve: ({ comparison }) => comparison.interval,
    }),
    pValue: t.float({
      description: 'Two-sided p-value, by itself.',
      resolve: ({ comparison }) => comparison.pValue!,
    }),
    adjustedPValue: t.float({
      description: 'The same, corrected for the number of categories.',
      resolve: ({ adjustedPValue }) => adjustedPValue!,
    }),
  }),
})

const FailureDrift = builder.objectRef<Drift>('FailureDrift').implement({
  description: 'How the reasons for which runs fail differ between two simulations.',
  fields: (t) => ({
    scenarios: t.exposeInt('scenarios', {
      description: 'Scenarios that both have runs of; the others are left out.',
    }),
    pValue: t.exposeFloat('pValue', {
      nullable: true,
      description: 'Whether they differ at all, in one test of all categories; null where nothing failed.',
    }),
    categories: t.field({
      type: [CategoryDriftType],
      description: 'The kinds of error of these scenarios’ runs, the most significant first.',
      resolve: ({ categories }) => categories,
    }),
  }),
})

/** Values that fields of one operation share; read by the first that asks. */
const valuesOf = oncePerOperation(() => {
  const known = new Map<string, Promise<PairedValues[]>>()
  return (
    pairs: readonly SimulationPair[],
    dimensions: Dimensions,
    read: () => Promise<PairedValues[]>,
  ): Promise<PairedValues[]> => {
    const key = JSON.stringify([pairs, dimensions])
    const values = known.get(key) ?? read()
    known.set(key, values)
    return values
  }
})

const spentOf = oncePerOperation(() => ({ cost: 0 }))

/** How many scenarios there are is known once they are read. @throws Refusal TOO_LARGE */
function spend(context: Context, pairs: readonly PairedValues[], metrics: number): void {
  refuseTooMany(pairs)
  const spent = spentOf(context)
  const values = pairs.reduce((sum, { scenarios }) => sum + scenarios.length * metrics, 0)
  spent.cost += Math.ceil(values / VALUES_PER_COST)
  const { limit } = context.cost
  if (spent.cost > limit)
    throw new Refusal(
      'TOO_LARGE',
      `The statistics of these simulations cost more than ${limit} (ARC_MAX_COST): compare fewer of them, or in fewer dimensions.`,
    )
}

interface AskedPair {
  parent: string
  pairs: readonly SimulationPair[]
}

interface Statistic<Args, Value> {
  /** Before anything is read. @throws Refusal BAD_USER_INPUT */
  check?(args: Args): void
  /** Which dimensions of the metrics it is of. */
  dimensions(args: Args): Dimensions
  /** Of each pair: all of a field are looked at together. */
  of(values: readonly PairedValues[], args: Args, context: Context): Promise<readonly Value[]>
}

/** A field of statistics: how it is computed, in the statement of its operation and by its resolver. */
function statistic<Args, Value>({ check = () => {}, dimensions, of }: Statistic<Args, Value>) {
  return {
    extensions: {
      cost: STATISTICS_COST,
      read: ({ args, told: rows, writer }: PlannedField<Args, ComparisonRows>): ComputedPart => {
        check(args)
        const wanted = dimensions(args)
        return {
          is: 'computed',
          of: computation(async (parents, read, context) => {
            const pairs = parents.map(pairOf)
            return of(await valuesOf(context)(pairs, wanted, () => pairedValues(read, pairs)), args, context)
          }, rows.values(wanted)),
          place: (row) => row.column('parent'),
          json: writer(),
        }
      },
    },
    resolve: async (
      { parent, pairs }: AskedPair,
      args: Args,
      context: Context,
      info: GraphQLResolveInfo,
    ): Promise<Value> => {
      check(args)
      const { loader } = sharedByField(context, info, async () => {
        const distinct = [...new Map(pairs.map((pair) => [pair.join('/'), pair])).values()]
        const wanted = dimensions(args)
        const read = () => readPairedValues(context.reads, distinct, wanted)
        const made = await of(await valuesOf(context)(distinct, wanted, read), args, context)
        return new Map(distinct.map((pair, at) => [pair.join('/'), made[at]!]))
      })
      return (await loader).get(parent)!
    },
  }
}

interface TotalsArgs {
  dimensions?: readonly string[] | null
  lowerIsBetter: readonly string[]
  correction: Correction
  margins?: GivenMargins | null
}

/** Each once; of none those that most runs have. */
const wantedOf = ({ dimensions }: TotalsArgs): Dimensions => (dimensions ? [...new Set(dimensions)] : 'ALL')

async function totalsOf(
  values: readonly PairedValues[],
  args: TotalsArgs,
  context: Context,
): Promise<MetricComparison[][]> {
  const { lowerIsBetter, correction } = args
  const margins = marginsOf(args.margins)
  const dimensions = wantedOf(args)
  spend(context, values, 5 + (dimensions === 'ALL' ? MOST_DIMENSIONS : dimensions.length))
  const steps = compareMetrics(values, { correction, margins, dimensions, lowerIsBetter })
  const totals: MetricComparison[][] = values.map(() => [])
  for (const found of await inTurns(steps)) if (found) totals[found.pair]!.push(found.comparison)
  return totals
}

builder.objectFields(SimulationComparison, (t) => ({
  totals: t.field({
    type: [MetricComparisonType],
    description:
      'The pair in each metric, with what is significant of it: SUCCESS, SCORE, COST, TOKENS, DURATION, then dimensions by name.',
    args: {
      dimensions: t.arg.stringList({
        extensions: DIMENSION_NAMES,
        description: `Which dimensions of the runs’ metrics, by their paths, ${MOST_DIMENSIONS} at most; by default those that most runs have.`,
      }),
      lowerIsBetter: t.arg.stringList({
        required: true,
        defaultValue: [],
        extensions: DIMENSION_NAMES,
        description: 'Dimensions of which less is better; of all others more is.',
      }),
      correction: t.arg({
        type: CorrectionEnum,
        required: true,
        defaultValue: 'HOLM',
        description: 'How p-values are corrected for all metrics of all candidates.',
      }),
      margins: t.arg({
        type: ComparisonMargins,
        description: 'Differences that do not matter; as its fields say by default.',
      }),
    },
    ...statistic<TotalsArgs, MetricComparison[]>({
      check: ({ margins }) => marginsOf(margins),
      dimensions: wantedOf,
      of: totalsOf,
    }),
  }),
  passAtK: t.field({
    type: [ComparedPassAtK],
    description: 'pass@k and pass^k of both, for each k.',
    args: {
      k: t.arg.intList({
        required: true,
        defaultValue: [1],
        extensions: { bounds: { entries: MOST_K } satisfies InputBounds },
        description: `How many repetitions, 1 to ${LARGEST_K}; ${MOST_K} numbers at most.`,
      }),
    },
    ...statistic<{ k: readonly number[] }, OfSide[]>({
      dimensions: () => [],
      check: ({ k: given }) => {
        const wrong = given.find((k) => k < 1 || k > LARGEST_K)
        if (wrong !== undefined)
          throw new Refusal('BAD_USER_INPUT', `k is 1 to ${LARGEST_K}, not ${wrong}.`, ['k'])
      },
      of: async (values, { k: given }, context) => {
        spend(context, values, given.length)
        const passes: OfSide[][] = []
        for (const { scenarios } of values) passes.push(await inTurns(passesOf(scenarios, given)))
        return passes
      },
    }),
  }),
  failureDrift: t.field({
    type: FailureDrift,
    description: 'Whether they fail for other reasons, by the kinds of error of their runs.',
    args: {
      correction: t.arg({
        type: CorrectionEnum,
        required: true,
        defaultValue: 'HOLM',
        description: 'How p-values are corrected for the number of categories.',
      }),
    },
    ...statistic<{ correction: Correction }, Drift>({
      dimensions: () => [],
      of: async (values, { correction }, context) => {
        spend(context, values, MOST_DIMENSIONS)
        const drifts: Drift[] = []
        for (const { scenarios } of values)
          drifts.push((await inTurns(driftInSteps(scenarios.map(categoriesOf), correction))).at(-1)!)
        return drifts
      },
    }),
  }),
}))

function categoriesOf({ baseline, candidate }: PairedValues['scenarios'][number]) {
  const of = (side: typeof baseline) =>
    side?.runs.map(({ category }) => (category === null ? [] : [category])) ?? []
  return { baseline: of(baseline), candidate: of(candidate) }
}

function* passesOf(scenarios: PairedValues['scenarios'], ks: readonly number[]): Generator<OfSide> {
  const of = (side: 'baseline' | 'candidate') =>
    scenarios.flatMap(({ [side]: found }) => (found ? [found.runs.map(({ success }) => success)] : []))
  const [baseline, candidate] = [of('baseline'), of('candidate')]
  for (const k of ks) yield { baseline: passAtK(baseline, k), candidate: passAtK(candidate, k) }
}
