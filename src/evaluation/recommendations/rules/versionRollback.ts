import { comparePaired, type PairedComparison } from '../../../statistics/pairedComparison.ts'
import { judge } from '../../../statistics/verdict.ts'
import { impactOf, LEVEL } from '../impact.ts'
import { pairsOf, type ScenarioRuns, type ScopeVersion } from '../scope.ts'
import { percent, points } from '../words.ts'
import { type Earlier, type Finding, insufficient, nothing, type Objection, type Rule } from './rule.ts'

/** Points of the success rate that do not matter. */
const MARGIN = 0.05
/** With fewer no test can show a difference. */
const FEWEST_SCENARIOS = 5

type Runs = ReadonlyMap<string, ScenarioRuns>

/** A version to go back to: an earlier one than which the latest is significantly worse. */
export const VERSION_ROLLBACK: Rule = {
  name: 'version_rollback',
  async look(transaction, scope) {
    const { version, others, isLatest } = scope
    const { versionNumber } = version
    if (!isLatest) return nothing(`Version ${versionNumber} is not the latest one: it is left already.`)
    const unknown = (reason: string) =>
      insufficient(reason, (earlier) => ofOtherVersion(earlier, version) ?? { reason, isSure: false })
    if (version.simulations.length === 0)
      return unknown(`Version ${versionNumber} has no completed simulation.`)
    // An earlier version with the same text is the same.
    const earlier = others.filter(
      (each) => each.versionNumber < versionNumber && each.rawYaml !== version.rawYaml,
    )
    if (earlier.length === 0)
      return unknown(`No earlier version than ${versionNumber} has completed simulations and other YAML.`)
    const runs = await scope.runs(transaction)
    return versionRollback(
      version,
      runs.get(version.versionId)!,
      earlier.map((each) => ({ version: each, runs: runs.get(each.versionId)! })),
    )
  },
}

const subjectOf = ({ versionNumber }: Pick<ScopeVersion, 'versionNumber'>) => `version ${versionNumber}`

/** Nobody goes back from a version that is the latest no longer. */
const ofOtherVersion = ({ subject }: Earlier, latest: Pick<ScopeVersion, 'versionNumber'>) =>
  subject === subjectOf(latest)
    ? null
    : { reason: `Version ${latest.versionNumber} is the latest one now.`, isSure: true }

type Version = Pick<ScopeVersion, 'versionId' | 'versionNumber' | 'simulations'>

function versionRollback(
  latest: Version,
  runs: Runs,
  earlier: readonly { version: Version; runs: Runs }[],
): Finding {
  const compared = earlier
    .map((each) => ({
      ...each,
      success: comparePaired(
        pairsOf(each.runs, runs, (run) => run.success),
        'PASS_FAIL',
        LEVEL,
      ),
    }))
    .filter(({ success }) => success.scenarios >= FEWEST_SCENARIOS)
  const against = (earlier: Earlier): Objection | null => {
    const ofOther = ofOtherVersion(earlier, latest)
    if (ofOther) return ofOther
    const back = compared.find(({ version }) => version.versionId === earlier.restores)
    if (!back)
      return {
        reason: `The version to go back to has not ${FEWEST_SCENARIOS} scenarios in common with version ${latest.versionNumber} any more, in the same revision and passed or failed under both.`,
        isSure: false,
      }
    if (back.success.difference! < 0) return null
    return {
      reason: `Version ${latest.versionNumber} is not worse than version ${back.version.versionNumber}: on ${back.success.scenarios} scenarios that both ran its success rate is ${percent(back.success.candidateMean!)} and was ${percent(back.success.baselineMean!)}.`,
      isSure: true,
    }
  }
  if (compared.length === 0)
    return insufficient(
      `No earlier version has ${FEWEST_SCENARIOS} scenarios in common with version ${latest.versionNumber}, in the same revision and passed or failed under both.`,
      against,
    )
  const judgements = judge(
    compared.map(({ success }) => ({ comparison: success, better: 'HIGHER' as const, margin: MARGIN })),
    { alpha: 1 - LEVEL },
  )
  const worse = compared
    .map((each, at) => ({ ...each, ...judgements[at]! }))
    .filter(({ verdict }) => verdict === 'WORSE')
    .sort(
      (a, b) =>
        a.success.difference! - b.success.difference! || b.version.versionNumber - a.version.versionNumber,
    )
  const [best] = worse
  if (!best) {
    const [least] = [...compared].sort((a, b) => a.success.difference! - b.success.difference!)
    return nothing(
      `Version ${latest.versionNumber} is not shown to be worse than any of ${compared.length} earlier ones: beside version ${least!.version.versionNumber} its success rate differs by ${points(least!.success.difference!)} (${points(least!.success.interval!.lower)} to ${points(least!.success.interval!.upper)}) on ${least!.success.scenarios} scenarios.`,
      against,
    )
  }
  const { version, success, adjustedPValue } = best
  const back = comparePaired(
    pairsOf(runs, best.runs, (run) => run.success),
    'PASS_FAIL',
    LEVEL,
  )
  const cost = comparePaired(
    pairsOf(runs, best.runs, (run) => run.costUsd),
    'UNBOUNDED',
    LEVEL,
  )
  return {
    status: 'FOUND',
    against,
    found: [
      {
        subject: subjectOf(latest),
        type: 'config_change',
        description:
          `Version ${latest.versionNumber} is worse than version ${version.versionNumber}: on ${success.scenarios} scenarios that both ran its success rate is ${percent(success.candidateMean!)} and was ${percent(success.baselineMean!)} (${points(success.interval!.lower)} to ${points(success.interval!.upper)}, p = ${rounded(adjustedPValue!)}${compared.length > 1 ? `, corrected for ${compared.length} versions` : ''}). ` +
          `Go back to version ${version.versionNumber}, or mend what changed since.${costWords(cost)}`,
        confidence: Math.min(0.999, Math.round((1 - adjustedPValue!) * 1000) / 1000),
        basis: {
          n: success.scenarios,
          estimate: success.difference!,
          lower: success.interval!.lower,
          upper: success.interval!.upper,
        },
        facts: {
          version: latest.versionNumber,
          earlierVersion: version.versionNumber,
          scenarios: success.scenarios,
          successRate: success.candidateMean,
          earlierSuccessRate: success.baselineMean,
          difference: success.difference,
          lower: success.interval!.lower,
          upper: success.interval!.upper,
          level: LEVEL,
          adjustedPValue,
          versionsCompared: compared.length,
          costUsdDifference: cost.difference,
        },
        impact: impactOf('SUCCESS_RATE', back),
        restores: version.versionId,
        evidence: [
          {
            configVersionId: latest.versionId,
            summary: `The version that is worse: ${percent(success.candidateMean!)} succeed.`,
          },
          {
            configVersionId: version.versionId,
            summary: `The version to go back to: ${percent(success.baselineMean!)} succeed.`,
          },
          ...latest.simulations.slice(0, 3).map(({ simulationId }) => ({
            simulationId,
            summary: `Runs of version ${latest.versionNumber}.`,
          })),
          ...version.simulations.slice(0, 3).map(({ simulationId }) => ({
            simulationId,
            summary: `Runs of version ${version.versionNumber}.`,
          })),
        ],
      },
    ],
  }
}

/** So that nobody goes back to what costs more without knowing it. */
function costWords({ interval, difference, baselineMean }: PairedComparison): string {
  if (!interval || !baselineMean || (interval.lower < 0 && interval.upper > 0)) return ''
  return ` A run of it costs ${percent(Math.abs(difference! / baselineMean))} ${difference! > 0 ? 'more' : 'less'}.`
}

const rounded = (p: number) => (p < 0.001 ? '0.001 or less' : String(Number(p.toPrecision(2))))
