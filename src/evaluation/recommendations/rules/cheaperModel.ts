import { comparePaired, type PairedComparison } from '../../../statistics/pairedComparison.ts'
import { neededFor } from '../../../statistics/power.ts'
import { nonInferiority } from '../../../statistics/verdict.ts'
import { type ChangeSummary, changedPaths } from '../../configurations/configDiff.ts'
import { parseConfigDocument, readConfigTree } from '../../configurations/configDocument.ts'
import { confidenceOf } from '../confidence.ts'
import { impactOf, LEVEL } from '../impact.ts'
import { pairsOf, type ScenarioRuns, type ScopeVersion } from '../scope.ts'
import { dollars, percent, points } from '../words.ts'
import {
  type Earlier,
  type Finding,
  type Found,
  insufficient,
  nothing,
  type Objection,
  type Rule,
} from './rule.ts'

/** Points of the success rate, and of the mean score, that a cheaper model may lose without anybody minding. */
const MARGIN = 0.05
/** With fewer scenarios no margin of this size can be shown. */
const FEWEST_SCENARIOS = 10
/** One-sided, of the non-inferiority. */
const ALPHA = 0.05

type Runs = ReadonlyMap<string, ScenarioRuns>

/** A model that costs less and is not worse: by versions of the configuration that differ in the model alone. */
export const CHEAPER_MODEL: Rule = {
  name: 'cheaper_model',
  async look(transaction, scope) {
    const { version, others } = scope
    const { model } = parseConfigDocument(version.rawYaml)
    const swapped = others.flatMap((other) => {
      const swap = modelSwap(version.rawYaml, other.rawYaml)
      return swap ? [{ other, swap }] : []
    })
    const isOfModel = ({ subject }: Earlier) => subject.startsWith(subjectOf(model, ''))
    const ofOtherModel = { reason: `Version ${version.versionNumber} runs ${model}.`, isSure: true }
    if (version.simulations.length === 0 || swapped.length === 0) {
      const reason = `No other version with completed simulations differs from version ${version.versionNumber} in the model alone.`
      return insufficient(reason, (earlier) =>
        isOfModel(earlier) ? { reason, isSure: false } : ofOtherModel,
      )
    }
    const runs = await scope.runs(transaction)
    const finding = cheaperModel(
      version,
      runs.get(version.versionId)!,
      swapped.map(({ other, swap }) => ({ ...swap, version: other, runs: runs.get(other.versionId)! })),
    )
    return {
      ...finding,
      against: (earlier) => (isOfModel(earlier) ? finding.against(earlier) : ofOtherModel),
    }
  },
}

const subjectOf = (model: string, otherModel: string) => `${model} → ${otherModel}`

interface ModelSwap {
  model: string
  otherModel: string
  changes: ChangeSummary
}

/** What changes where nothing but the model's name does; undefined where something else does, or nothing. */
export function modelSwap(rawYaml: string, otherYaml: string): ModelSwap | undefined {
  const { model } = parseConfigDocument(rawYaml)
  const { model: otherModel } = parseConfigDocument(otherYaml)
  if (model === otherModel) return undefined
  const changes = changedPaths(readConfigTree(rawYaml), readConfigTree(otherYaml))
  const isSwap = changes.every(
    ({ op, before, after }) => op === 'replace' && before === model && after === otherModel,
  )
  return isSwap ? { model, otherModel, changes } : undefined
}

interface ModelCandidate extends ModelSwap {
  version: Pick<ScopeVersion, 'versionId' | 'versionNumber' | 'simulations'>
  runs: Runs
}

interface Compared extends ModelCandidate {
  success: PairedComparison
  score: PairedComparison
  cost: PairedComparison
}

function cheaperModel(
  version: Pick<ScopeVersion, 'versionId' | 'versionNumber' | 'simulations'>,
  runs: Runs,
  candidates: readonly ModelCandidate[],
): Finding {
  const level = 1 - (1 - LEVEL) / candidates.length
  const compared = candidates.map(
    (candidate): Compared => ({
      ...candidate,
      success: comparePaired(
        pairsOf(runs, candidate.runs, (run) => run.success),
        'PASS_FAIL',
        LEVEL,
      ),
      score: comparePaired(
        pairsOf(runs, candidate.runs, (run) => run.score),
        'UNIT',
        LEVEL,
      ),
      cost: comparePaired(
        pairsOf(runs, candidate.runs, (run) => run.costUsd),
        'UNBOUNDED',
        level,
      ),
    }),
  )
  const refusals = new Map<Compared, Finding>()
  for (const each of compared) {
    const refusal = refusalOf(each, version.versionNumber, candidates.length)
    if (refusal) refusals.set(each, refusal)
  }
  const [best] = compared
    .filter((each) => !refusals.has(each))
    .sort((a, b) => a.cost.candidateMean! - b.cost.candidateMean!)
  const against = ({ subject }: Earlier) => {
    const ofPair = compared.filter(({ model, otherModel }) => subjectOf(model, otherModel) === subject)
    const objections = ofPair.map((each) => objectionTo(each, version.versionNumber))
    if (objections.includes(null)) return null
    return (
      objections.find((objection) => objection!.isSure) ??
      objections[0] ?? {
        reason: `No version with the cheaper model that is looked at differs from version ${version.versionNumber} in the model alone.`,
        isSure: false,
      }
    )
  }
  if (best) return { status: 'FOUND', found: [recommended(best, version)], against }
  const reasons = [...refusals.values()]
  return { ...(reasons.find(({ status }) => status === 'INSUFFICIENT_DATA') ?? reasons[0]!), against }
}

/** Null where it still costs less, by the means, and loses no more than nobody minds. */
function objectionTo(of: Compared, number: number): Objection | null {
  const { success, score, cost, otherModel, version: other } = of
  const who = `${otherModel} (version ${other.versionNumber})`
  if (success.scenarios < FEWEST_SCENARIOS || cost.scenarios < FEWEST_SCENARIOS || cost.candidateMean === 0)
    return { reason: noFigures(of, number), isSure: false }
  if (cost.difference! >= 0)
    return {
      reason: `${who} does not cost less than version ${number}: ${dollars(cost.candidateMean!)} instead of ${dollars(cost.baselineMean!)} a run.`,
      isSure: true,
    }
  for (const [what, comparison] of [
    ['success rate', success],
    ['mean score', score],
  ] as const)
    if (
      (comparison === success || isScored(score, success)) &&
      (comparison.difference! < -MARGIN || isSurelyWorse(comparison))
    )
      return {
        reason: `${who} is worse than version ${number}: its ${what} differs by ${points(comparison.difference!)} (${points(comparison.interval!.lower)} to ${points(comparison.interval!.upper)}).`,
        isSure: true,
      }
  return null
}

/** Why the two cannot be compared. */
function noFigures({ success, cost, otherModel, version: other }: Compared, number: number): string {
  const who = `${otherModel} (version ${other.versionNumber})`
  // Nothing is free: such costs are of models without a price, and of answers from a cache.
  return success.scenarios < FEWEST_SCENARIOS || cost.scenarios < FEWEST_SCENARIOS
    ? `${who} and version ${number} have ${success.scenarios} scenarios in common, and know the cost of ${cost.scenarios}: it takes ${FEWEST_SCENARIOS}.`
    : `All known costs of ${who} are zero, as they are where no price is known.`
}

/** Why it is not recommended. */
function refusalOf(of: Compared, number: number, tests: number): Finding | null {
  const { success, score, cost, otherModel, version: other } = of
  const who = `${otherModel} (version ${other.versionNumber})`
  if (success.scenarios < FEWEST_SCENARIOS || cost.scenarios < FEWEST_SCENARIOS || cost.candidateMean === 0)
    return insufficient(noFigures(of, number))
  if (cost.interval!.upper >= 0)
    return nothing(
      `${who} is not sure to be cheaper than version ${number}: ${dollars(cost.difference!)} a run (${dollars(cost.interval!.lower)} to ${dollars(cost.interval!.upper)}).`,
    )
  const alpha = ALPHA / tests
  const open = [success, ...(isScored(score, success) ? [score] : [])].filter(
    (comparison) => !isNotWorse(comparison, alpha),
  )
  const [first] = open
  if (!first) return null
  const what = first === success ? 'success rate' : 'mean score'
  const shown = `${who} is cheaper; its ${what} differs by ${points(first.difference!)} (${points(first.interval!.lower)} to ${points(first.interval!.upper)})`
  if (first.interval!.upper < 0) return nothing(`${shown}: it is worse.`)
  const needed = first.spread && neededFor(first.spread, MARGIN, { alpha: 2 * alpha }).scenarios
  return insufficient(
    `${shown}, so that a loss of ${points(MARGIN)} is not excluded${needed ? `: about ${needed} scenarios would show it` : ''}.`,
  )
}

/** Whether scores are known of most: of a few they say nothing of the others. */
const isScored = (score: PairedComparison, success: PairedComparison) =>
  score.scenarios >= success.scenarios / 2

/** A loss that is sure, and sure to be one that nobody minds, is none. */
const isSurelyWorse = ({ interval }: PairedComparison) => interval!.upper < 0 && interval!.lower <= -MARGIN

const isNotWorse = (comparison: PairedComparison, alpha: number) =>
  nonInferiority({ comparison, better: 'HIGHER', margin: MARGIN }, alpha).isNonInferior === true

function recommended(
  of: Compared,
  version: Pick<ScopeVersion, 'versionId' | 'versionNumber' | 'simulations'>,
): Found {
  const { success, score, cost, model, otherModel, version: other } = of
  const saved = -cost.difference! / cost.baselineMean!
  const { bound } = nonInferiority({ comparison: success, better: 'HIGHER', margin: MARGIN }, ALPHA)
  return {
    subject: subjectOf(model, otherModel),
    type: 'config_change',
    description:
      `${otherModel} costs less than ${model} and is not shown to be worse: on ${cost.scenarios} scenarios that versions ${version.versionNumber} and ${other.versionNumber} both ran a run costs ${dollars(cost.candidateMean!)} instead of ${dollars(cost.baselineMean!)} (${percent(saved)} less; difference ${dollars(cost.interval!.lower)} to ${dollars(cost.interval!.upper)}). ` +
      `The success rate is ${percent(success.candidateMean!)} and was ${percent(success.baselineMean!)}; a loss of more than ${points(Math.max(0, -bound!))} is excluded, and ${points(MARGIN)} are taken as none. The two versions differ in the model alone.`,
    confidence: confidenceOf((at) => isNotWorse(success, (1 - at) / 2) && isCheaper(of, at)),
    basis: {
      n: cost.scenarios,
      estimate: cost.difference!,
      lower: cost.interval!.lower,
      upper: cost.interval!.upper,
    },
    facts: {
      model,
      cheaperModel: otherModel,
      scenarios: success.scenarios,
      costUsdBefore: cost.baselineMean,
      costUsdAfter: cost.candidateMean,
      costUsdDifference: cost.difference,
      lower: cost.interval!.lower,
      upper: cost.interval!.upper,
      level: cost.level,
      successRateBefore: success.baselineMean,
      successRateAfter: success.candidateMean,
      successRateLowerBound: bound,
      margin: MARGIN,
      meanScoreDifference: score.difference,
    },
    impact: impactOf('COST_USD', cost),
    changes: of.changes,
    evidence: [
      { configVersionId: version.versionId, summary: `The version with ${model}.` },
      { configVersionId: other.versionId, summary: `The version with ${otherModel}.` },
      ...version.simulations
        .slice(0, 3)
        .map(({ simulationId }) => ({ simulationId, summary: `Runs with ${model}.` })),
      ...other.simulations
        .slice(0, 3)
        .map(({ simulationId }) => ({ simulationId, summary: `Runs with ${otherModel}.` })),
    ],
  }
}

/** By the interval of another level. */
function isCheaper({ cost }: Compared, level: number): boolean {
  const { baseline, candidate } = cost.means
  const pairs = baseline.map((value, i) => ({ baseline: [value], candidate: [candidate[i]!] }))
  return comparePaired(pairs, 'UNBOUNDED', Math.max(level, 1e-6)).interval!.upper < 0
}
