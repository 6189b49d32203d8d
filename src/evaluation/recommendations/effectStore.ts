import sql from 'sql-template-tag'
import type { TenantTransaction } from '../../db/tenantTransaction.ts'
import { stringifyExactly } from '../../exactNumbers.ts'
import type { Impact, ImpactMetric } from './impact.ts'

interface Applied {
  recommendationId: string
  metric: ImpactMetric
  versionBefore: string
}

/** The recommendations of rules that made this version. */
export function findApplied(
  transaction: Pick<TenantTransaction, 'query'>,
  versionId: string,
): Promise<Applied[]> {
  return transaction.query<Applied>(sql`/* appliedRecommendations */
    select r.recommendation_id as "recommendationId", r.impact_estimate ->> 'metric' as metric, d.version_before as "versionBefore"
    from recommendations r join config_diffs d on d.diff_id = r.applied_diff_id
    where r.applied_version_id = ${versionId} and r.rule is not null and r.impact_estimate is not null`)
}

/** Nothing is written where nothing has changed. */
export async function updateMeasured(
  transaction: TenantTransaction,
  recommendationId: string,
  impact: Impact,
  simulationId: string,
): Promise<void> {
  const measured = stringifyExactly(impact)
  await transaction.query(sql`/* updateMeasured */
    update recommendations set impact_actual = ${measured}::jsonb, measured_at = now(), measured_simulation_id = ${simulationId}
    where recommendation_id = ${recommendationId}
      and (impact_actual, measured_simulation_id) is distinct from (${measured}::jsonb, ${simulationId}::uuid)`)
}
