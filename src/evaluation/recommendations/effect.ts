import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { comparePaired } from '../../statistics/pairedComparison.ts'
import type { Scale } from '../../statistics/scenarioPairs.ts'
import type { RunValues } from '../comparison/pairedValues.ts'
import { findApplied, updateMeasured } from './effectStore.ts'
import { type ImpactMetric, impactOf, LEVEL } from './impact.ts'
import { pairsOf, readRuns, type ScopeVersion } from './scope.ts'
import { findVersions } from './scopeStore.ts'

/** What can be seen of two versions' runs; the rest is about runs that there are not yet. */
const MEASURED: Partial<Record<ImpactMetric, { scale: Scale; value(run: RunValues): number | null }>> = {
  SUCCESS_RATE: { scale: 'PASS_FAIL', value: (run) => run.success },
  COST_USD: { scale: 'UNBOUNDED', value: (run) => run.costUsd },
  DURATION_MS: { scale: 'UNBOUNDED', value: (run) => run.durationMs },
}

/**
 * Measures what recommendations did that made this version, by all of its completed simulations beside those of the version before; anew with each further one. Where the two
 * have no scenario in common nothing is known yet.
 */
export async function measureEffects(transaction: TenantTransaction, version: ScopeVersion): Promise<void> {
  const latest = version.simulations[0]?.simulationId
  if (latest === undefined) return
  for (const { recommendationId, metric, versionBefore } of await findApplied(
    transaction,
    version.versionId,
  )) {
    const measured = MEASURED[metric]
    if (!measured) continue
    const [before] = await findVersions(transaction, [versionBefore])
    if (!before) continue
    const runs = await readRuns(transaction, [before, version])
    const pairs = pairsOf(runs.get(versionBefore)!, runs.get(version.versionId)!, measured.value)
    const comparison = comparePaired(pairs, measured.scale, LEVEL)
    if (comparison.scenarios > 0)
      await updateMeasured(transaction, recommendationId, impactOf(metric, comparison), latest)
  }
}
