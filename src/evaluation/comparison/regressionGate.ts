import { differenceInterval } from '../../statistics/pairedComparison.ts'
import { neededFor } from '../../statistics/power.ts'
import { nonInferiority } from '../../statistics/verdict.ts'
import { comparedIn } from './metricComparison.ts'
import type { ComparedSimulation, PairedValues, RunValues, ScenarioValues } from './pairedValues.ts'

/** What a candidate has to fulfil. Null: not asked. */
export interface GateRules {
  /** The candidate's success (score) is worse by less than this, at one-sided 95 %. Of scores only where a run has one. */
  successDrop: number | null
  scoreDrop: number | null
  /** Means rise by no more than this share of the baseline's. */
  costIncrease: number | null
  tokensIncrease: number | null
  durationIncrease: number | null
  /** The candidate's share of runs that succeed, over the scenarios that both have. */
  minSuccessRate: number | null
  /** None of these went worse by more than the tolerance. Neither scenarios nor tags: none of all. */
  regressedScenarios: RegressedRule | null
  noNewFailureCategories: boolean
  /** That both have runs of. */
  minScenarios: number | null
  /** Of each of these scenarios, on both sides. */
  minRepetitions: number | null
  /** Whether what cannot be told passes. */
  insufficientData: 'fail' | 'pass'
}

interface RegressedRule {
  scenarioIds: readonly string[] | null
  /** Of any of these, as scenarios are tagged now. */
  tags: readonly string[] | null
  /** Shares and scores that differ by no more are equal. */
  tolerance: number
}

export const DEFAULT_RULES: GateRules = {
  successDrop: 0.05,
  scoreDrop: 0.05,
  costIncrease: null,
  tokensIncrease: null,
  durationIncrease: null,
  minSuccessRate: null,
  regressedScenarios: null,
  noNewFailureCategories: false,
  minScenarios: null,
  minRepetitions: null,
  insufficientData: 'fail',
}

type Rule =
  | 'ended'
  | 'success_drop'
  | 'score_drop'
  | 'cost_increase'
  | 'tokens_increase'
  | 'duration_increase'
  | 'success_rate'
  | 'regressed_scenarios'
  | 'new_failure_categories'
  | 'scenarios'
  | 'repetitions'

export interface GateReason {
  rule: Rule
  status: 'passed' | 'failed' | 'insufficient_data'
  /** What was seen, in the limit's unit; null where nothing tells. */
  value: number | null
  limit: number | null
  /** In words. */
  message: string
  /** That went worse. */
  scenarioIds: readonly string[]
  /** That only the candidate fails for. */
  categories: readonly string[]
}

export interface Gate {
  passed: boolean
  reasons: readonly GateReason[]
}

const ALPHA = 0.05
/** With fewer nobody has looked whether intervals hold what they say: docs/decisions/0031. */
const FEWEST_SCENARIOS = 5
/** Scenarios that words name. */
const MOST_NAMED = 5

type Said = Pick<GateReason, 'status' | 'value' | 'limit' | 'message'> &
  Partial<Pick<GateReason, 'scenarioIds' | 'categories'>>

/**
 * Whether a candidate may take the place of the baseline; null where one of them is not there. `tagged`: the scenarios that have the rule's tags.
 * @throws Refusal TOO_LARGE for more than 5,000 scenarios
 */
export function regressionGate(
  values: PairedValues,
  rules: GateRules,
  tagged: ReadonlySet<string> = new Set(),
): Gate | null {
  const { baseline, candidate } = values
  if (!baseline || !candidate) return null
  const reasons: GateReason[] = []
  const add = (rule: Rule, said: Said | undefined) => {
    if (said) reasons.push({ rule, scenarioIds: [], categories: [], ...said })
  }
  const paired = values.scenarios.filter(isPaired)
  add('ended', ended({ baseline, candidate }))
  if (rules.minScenarios !== null) add('scenarios', enoughScenarios(paired.length, rules.minScenarios))
  if (rules.minRepetitions !== null) add('repetitions', enoughRepetitions(paired, rules.minRepetitions))
  if (rules.successDrop !== null) add('success_drop', drop(values, 'success', rules.successDrop))
  if (rules.scoreDrop !== null) add('score_drop', drop(values, 'score', rules.scoreDrop))
  for (const metric of ['cost', 'tokens', 'duration'] as const) {
    const limit = rules[`${metric}Increase`]
    if (limit !== null) add(`${metric}_increase`, increase(values, metric, limit))
  }
  if (rules.minSuccessRate !== null) add('success_rate', successRate(values, rules.minSuccessRate))
  if (rules.regressedScenarios)
    add('regressed_scenarios', regressed(values.scenarios, rules.regressedScenarios, tagged))
  if (rules.noNewFailureCategories) add('new_failure_categories', newCategories(paired))
  const passes = ({ status }: GateReason) =>
    status === 'passed' || (status === 'insufficient_data' && rules.insufficientData === 'pass')
  return { passed: reasons.every(passes), reasons }
}

type Paired = ScenarioValues & { baseline: object; candidate: object }

const isPaired = (scenario: ScenarioValues): scenario is Paired =>
  scenario.baseline !== null && scenario.candidate !== null

/** Nothing where both are completed. */
function ended(sides: Record<'baseline' | 'candidate', ComparedSimulation>): Said | undefined {
  const open = Object.entries(sides).filter(([, { status }]) => status !== 'completed')
  if (open.length === 0) return undefined
  const message = `${open.map(([side, { status }]) => `The ${side} is ${status.toUpperCase()}`).join('; ')}: not all of its runs may be there.`
  return { status: 'insufficient_data', value: null, limit: null, message }
}

function enoughScenarios(value: number, limit: number): Said {
  const isEnough = value >= limit
  const message = `Both have runs of ${plural(value, 'scenario')}; ${limit} ${isEnough ? 'suffice' : 'are wanted'}.`
  return { status: isEnough ? 'passed' : 'insufficient_data', value, limit, message }
}

function enoughRepetitions(paired: readonly Paired[], limit: number): Said {
  const counts = paired.map((scenario) =>
    Math.min(scenario.baseline.runs.length, scenario.candidate.runs.length),
  )
  const value = counts.reduce((least, count) => Math.min(least, count), Number.POSITIVE_INFINITY)
  const short = counts.filter((count) => count < limit).length
  if (counts.length === 0)
    return {
      status: 'insufficient_data',
      value: null,
      limit,
      message: 'They have no scenario in common.',
    }
  const message =
    short === 0
      ? `Each scenario has ${plural(value, 'repetition')} or more on both sides; ${limit} suffice.`
      : `${short} of ${plural(counts.length, 'scenario')} ${short === 1 ? 'has' : 'have'} fewer than ${plural(limit, 'repetition')}.`
  return { status: short === 0 ? 'passed' : 'insufficient_data', value, limit, message }
}

/** Nothing where no run of either has a value. */
function drop(values: PairedValues, metric: 'success' | 'score', margin: number): Said | undefined {
  const comparison = comparedIn(values, metric)
  const { scenarios, onlyBaseline, onlyCandidate, difference, baselineMean, candidateMean } = comparison
  if (metric === 'score' && scenarios + onlyBaseline + onlyCandidate === 0) return undefined
  const name = metric === 'success' ? 'Success' : 'The mean score'
  const limit = -margin
  const { bound, isNonInferior } = nonInferiority({ comparison, better: 'HIGHER', margin }, ALPHA)
  if (isNonInferior === null || difference === null || scenarios < FEWEST_SCENARIOS)
    return {
      status: 'insufficient_data',
      value: difference,
      limit,
      message: `${name} is known of ${plural(scenarios, 'scenario')} in both: ${FEWEST_SCENARIOS} are the least that tell anything.`,
    }
  const seen = `${name} went from ${shown(baselineMean!)} to ${shown(candidateMean!)} (${signedPoints(difference)})`
  if (isNonInferior)
    return {
      status: 'passed',
      value: difference,
      limit,
      message: `${seen}; a drop of ${points(margin)} is excluded (95 %).`,
    }
  const isWorse = differenceInterval(comparison.means, comparison.scale, 1 - 2 * ALPHA)!.upper < 0
  if (isWorse)
    return {
      status: 'failed',
      value: difference,
      limit,
      message: `${seen}; that is a significant drop, of down to ${signedPoints(bound!)} (95 %).`,
    }
  return {
    status: 'insufficient_data',
    value: difference,
    limit,
    message: `${seen} over ${plural(scenarios, 'scenario')}; a drop of ${points(margin)} is not excluded: it may be ${signedPoints(bound!)} (95 %).${needs(comparison.spread, margin)}`,
  }
}

/** In words: what would show a drop of the margin. */
function needs(spread: Parameters<typeof neededFor>[0] | null, margin: number): string {
  if (spread === null || !(margin > 0)) return ''
  const { repetitions, scenarios } = neededFor(spread, margin, { alpha: 2 * ALPHA })
  const ways = [
    ...(scenarios === null ? [] : [`${scenarios} scenarios`]),
    ...(repetitions === null ? [] : [`${repetitions} repetitions of each`]),
  ]
  return ways.length === 0 ? '' : ` To tell would take about ${ways.join(', or ')}.`
}

const UNITS = { cost: 'Cost', tokens: 'Tokens', duration: 'Duration' } as const

function increase(values: PairedValues, metric: keyof typeof UNITS, limit: number): Said {
  const { scenarios, baselineMean, candidateMean } = comparedIn(values, metric)
  const name = UNITS[metric]
  if (scenarios === 0 || !(baselineMean! > 0))
    return {
      status: 'insufficient_data',
      value: null,
      limit,
      message:
        scenarios === 0
          ? `No scenario has a known ${metric === 'tokens' ? 'number of tokens' : metric} in both.`
          : `The baseline’s ${metric === 'tokens' ? 'number of tokens' : metric} is 0: no share of it can be told.`,
    }
  const value = candidateMean! / baselineMean! - 1
  const isWithin = value <= limit
  const message = `${name} of a run went from ${figure(baselineMean!)} to ${figure(candidateMean!)} (${signed(value)}); ${shown(limit)} more ${isWithin ? 'may be' : 'is the limit'}.`
  return { status: isWithin ? 'passed' : 'failed', value, limit, message }
}

function successRate(values: PairedValues, limit: number): Said {
  const { candidateMean: value, scenarios } = comparedIn(values, 'success')
  if (value === null) {
    const message = values.scenarios.some(isPaired)
      ? 'Only one of the two is graded.'
      : 'They have no scenario in common.'
    return { status: 'insufficient_data', value, limit, message }
  }
  const message = `${shown(value)} of the candidate’s runs succeed, over ${plural(scenarios, 'scenario')}; ${shown(limit)} ${value >= limit ? 'suffices' : 'is the least'}.`
  return { status: value >= limit ? 'passed' : 'failed', value, limit, message }
}

function regressed(
  scenarios: readonly ScenarioValues[],
  { scenarioIds, tags, tolerance }: RegressedRule,
  tagged: ReadonlySet<string>,
): Said {
  const isAll = scenarioIds === null && tags === null
  const asked = new Set([...(scenarioIds ?? []), ...tagged])
  const watched = scenarios.filter(({ scenarioId }) => isAll || asked.has(scenarioId))
  const paired = watched.filter(isPaired)
  const compared = paired.filter(isTold)
  const worse = compared.filter((scenario) => wentWorse(scenario, tolerance))
  const ids = worse.map(({ scenarioId }) => scenarioId)
  const missing = isAll
    ? paired.length - compared.length
    : [...asked].filter((id) => !compared.some(({ scenarioId }) => scenarioId === id)).length
  const of = `${compared.length} that ${compared.length === 1 ? 'is' : 'are'} watched`
  const common = { limit: 0, scenarioIds: ids }
  if (ids.length > 0)
    return {
      ...common,
      status: 'failed',
      value: ids.length,
      message: `${ids.length} of ${of} went worse: ${named(ids)}.`,
    }
  if (missing > 0 || compared.length === 0)
    return {
      ...common,
      status: 'insufficient_data',
      value: 0,
      message:
        compared.length === 0
          ? 'No scenario that is watched has runs in both, graded in both or in neither.'
          : `None of ${of} went worse; of ${plural(missing, 'other one', 'other ones')} one of the two has no runs, or none that are graded.`,
    }
  return { ...common, status: 'passed', value: 0, message: `None of ${of} went worse.` }
}

/** Whether it is known of both sides what came of it. */
const isTold = ({ baseline, candidate }: Paired) =>
  [baseline, candidate].every(({ runs }) => runs.some(({ success }) => success !== null))

/** As compareSimulations says REGRESSED: by the share of runs that succeeded; where that is equal, by the mean score. */
function wentWorse({ baseline, candidate }: Paired, tolerance: number): boolean {
  const meanOf = (runs: readonly RunValues[], of: (run: RunValues) => number | null) => {
    const known = runs.map(of).filter((value) => value !== null)
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
  }
  const difference = (of: (run: RunValues) => number | null) => {
    const [one, other] = [meanOf(baseline.runs, of), meanOf(candidate.runs, of)]
    return one === null || other === null ? 0 : Number((other - one).toFixed(12))
  }
  const ofSuccess = difference(({ success }) => success)
  if (Math.abs(ofSuccess) > tolerance) return ofSuccess < 0
  return difference(({ score }) => score) < -tolerance
}

function newCategories(paired: readonly Paired[]): Said {
  const of = (side: 'baseline' | 'candidate') =>
    new Set(
      paired.flatMap(({ [side]: { runs } }) => runs.flatMap(({ category }) => (category ? [category] : []))),
    )
  const known = of('baseline')
  const categories = [...of('candidate')].filter((category) => !known.has(category)).sort()
  const common = { value: categories.length, limit: 0, categories }
  if (paired.length === 0)
    return {
      ...common,
      value: null,
      status: 'insufficient_data',
      message: 'They have no scenario in common.',
    }
  return categories.length === 0
    ? { ...common, status: 'passed', message: 'No run fails for a kind of reason that is new.' }
    : {
        ...common,
        status: 'failed',
        message: `Runs fail for kinds of reasons that are new: ${categories.map((name) => name.toUpperCase()).join(', ')}.`,
      }
}

const plural = (count: number, one: string, many = `${one}s`) => `${count} ${count === 1 ? one : many}`
const shown = (share: number) => `${figure(100 * share)} %`
const signed = (share: number) => `${share < 0 ? '−' : '+'}${shown(Math.abs(share))}`
/** Of percentages, which a share of the baseline is not. */
const points = (share: number) => `${figure(100 * share)} points`
const signedPoints = (share: number) => `${share < 0 ? '−' : '+'}${points(Math.abs(share))}`
const figure = (value: number) => String(Number(value.toPrecision(3)))
const named = (ids: readonly string[]) =>
  ids.length > MOST_NAMED
    ? `${ids.slice(0, MOST_NAMED).join(', ')} and ${ids.length - MOST_NAMED} more`
    : ids.join(', ')
