import type { JsonObject } from '../../../json.ts'
import { normalQuantile } from '../../../statistics/distributions.ts'
import { type Flakiness, flakinessOf } from '../../../statistics/flakiness.ts'
import { wilsonInterval } from '../../../statistics/intervals.ts'
import { detectableDifference } from '../../../statistics/power.ts'
import type { ChangeSummary } from '../../configurations/configDiff.ts'
import { readConfigTree } from '../../configurations/configDocument.ts'
import { pointerTo } from '../../configurations/yamlEdit.ts'
import { confidenceOf } from '../confidence.ts'
import { SHOWN } from '../evidence.ts'
import { LEVEL } from '../impact.ts'
import type { ScenarioRuns } from '../scope.ts'
import { counted, percent, points } from '../words.ts'
import { type Finding, insufficient, nothing, type Rule } from './rule.ts'

/** Points of the success rate that a comparison of two versions should show. */
const DIFFERENCE = 0.1
/** One scenario in twenty: what the confidence says that more of them are flaky than. */
const FLAKY_OFTEN = 0.05
/** Repeated ones. With fewer no comparison can show anything: see detectableDifference. */
const FEWEST_SCENARIOS = 6
/** Beyond it more scenarios help more than more repetitions. */
const MOST_REPETITIONS = 50

interface FlakyVersion {
  versionId: string
  versionNumber: number
  rawYaml: string
  simulations: readonly { simulationId: string; repetitions: number }[]
}

/** Scenarios that pass and fail under one version, so that comparisons show luck: how often to repeat them. */
export const FLAKY_SCENARIOS: Rule = {
  name: 'flaky_scenarios',
  async look(transaction, scope) {
    const { version } = scope
    if (version.simulations.length === 0)
      return insufficient(`Version ${version.versionNumber} has no completed simulation.`)
    return flakyScenarios(version, (await scope.runs(transaction)).get(version.versionId)!)
  },
}

function flakyScenarios(version: FlakyVersion, runs: ReadonlyMap<string, ScenarioRuns>): Finding {
  const repeated = [...runs]
    .map(([scenarioId, { runs: its }]) => ({ scenarioId, ...flakinessOf(its.map(({ success }) => success)) }))
    .filter(({ repetitions }) => repetitions >= 2)
  const n = repeated.length
  if (n < FEWEST_SCENARIOS)
    return insufficient(
      `${counted(n, 'scenario')} passed or failed twice or more under version ${version.versionNumber}: it takes ${FEWEST_SCENARIOS}.`,
    )
  const flaky = repeated
    .filter(({ stability }) => stability === 'FLAKY')
    .sort((a, b) => b.disagreement! - a.disagreement! || (a.scenarioId < b.scenarioId ? -1 : 1))
  if (flaky.length === 0)
    return nothing(
      `None of ${n} scenarios that ran twice or more under version ${version.versionNumber} both passed and failed.`,
    )
  const now = version.simulations[0]!.repetitions
  const shownAt = (repetitions: number) => shown(repeated, repetitions)
  const shownNow = shownAt(now)
  const ofAll = `Of ${n} scenarios that ran twice or more under version ${version.versionNumber}, ${flaky.length} both passed and failed`
  if (shownNow <= DIFFERENCE)
    return nothing(
      `${ofAll}; with ${counted(now, 'repetition')} a difference of ${points(shownNow)} would be shown nevertheless.`,
    )
  const repetitions = leastRepetitions(now, shownAt)
  if (repetitions === null)
    return nothing(
      `${ofAll}; no number of repetitions up to ${MOST_REPETITIONS} would show a difference of ${points(DIFFERENCE)}: more scenarios would.`,
    )
  const share = flaky.length / n
  const interval = intervalOf(flaky.length, n, LEVEL)
  const total = repeated.reduce((sum, each) => sum + each.repetitions, 0)
  const changes = repetitionsIn(readConfigTree(version.rawYaml), now, repetitions)
  return {
    status: 'FOUND',
    // There is one subject.
    against: () => null,
    found: [
      {
        subject: 'repetitions',
        type: 'evaluation_change',
        description:
          `${ofAll} (${percent(share)}, ${percent(interval.lower)} to ${percent(interval.upper)}), in ${total} runs. With ${counted(now, 'repetition')} two versions have to differ by ${points(shownNow)} to be told apart four times in five. ` +
          `Repeat ${flaky.length === 1 ? 'that scenario' : 'each of those scenarios'} ${repetitions} times: then ${points(shownAt(repetitions))} are enough, as the others agree with themselves.${changes ? ` The suggested change of ${changes[0]!.path} repeats all.` : ''}`,
        confidence: confidenceOf((at) => intervalOf(flaky.length, n, at).lower > FLAKY_OFTEN),
        basis: { n: total, estimate: share, ...interval },
        facts: {
          scenarios: n,
          runs: total,
          flakyScenarios: flaky.length,
          flakyShare: share,
          lower: interval.lower,
          upper: interval.upper,
          level: LEVEL,
          repetitions: now,
          suggestedRepetitions: repetitions,
          detectableDifference: shownNow,
          detectableDifferenceThen: shownAt(repetitions),
          wantedDifference: DIFFERENCE,
          power: 0.8,
        },
        impact: {
          metric: 'DETECTABLE_DIFFERENCE',
          before: shownNow,
          after: shownAt(repetitions),
          change: shownAt(repetitions) - shownNow,
          lower: null,
          upper: null,
          level: LEVEL,
          n,
          of: 'SCENARIOS',
        },
        ...(changes && { changes }),
        evidence: [
          ...flaky.slice(0, SHOWN).map(({ scenarioId, passes, repetitions: its }) => ({
            scenarioId,
            summary: `Passed ${passes} of ${its} times.`,
          })),
          ...version.simulations
            .slice(0, 3)
            .map(({ simulationId }) => ({ simulationId, summary: 'Runs that are counted.' })),
          { configVersionId: version.versionId, summary: 'The version that they ran.' },
        ],
      },
    ],
  }
}

const intervalOf = (flaky: number, n: number, level: number) =>
  wilsonInterval(flaky / n, n, normalQuantile((1 + level) / 2))

/**
 * The smallest difference that two runs of these scenarios would show, each so often repeated, if nothing but chance within scenarios told them apart: the least that is in any comparison.
 * A scenario's variance is half of the disagreement of its repetitions, which is without bias.
 */
function shown(scenarios: readonly Flakiness[], repetitions: number): number {
  const within = scenarios.reduce((sum, { disagreement }) => sum + disagreement! / 2, 0) / scenarios.length
  const n = scenarios.length
  const variance = (2 * within) / repetitions
  return detectableDifference({ scenarios: n, variance, freedom: n - 1, changed: null, within: null }) ?? 1
}

function leastRepetitions(now: number, shownAt: (repetitions: number) => number): number | null {
  for (let repetitions = now + 1; repetitions <= MOST_REPETITIONS; repetitions++)
    if (shownAt(repetitions) <= DIFFERENCE) return repetitions
  return null
}

/** As runners call it. */
const NAMES = ['repetitions', 'num_trials', 'n_trials', 'trials', 'epochs', 'repeat', 'repeats']

/** The change of the one top-level number that says how often a scenario runs. */
function repetitionsIn(tree: JsonObject, now: number, repetitions: number): ChangeSummary | undefined {
  const names = NAMES.filter((name) => tree[name] === now)
  return names.length === 1
    ? [{ path: pointerTo([names[0]!]), op: 'replace', before: now, after: repetitions }]
    : undefined
}
