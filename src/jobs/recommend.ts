import sql from 'sql-template-tag'
import type { Job } from './job.ts'

/** How many tenants are looked at between two questions for more: one version of each. */
const AT_A_TIME = 10

interface Claimed {
  tenant_id: string
  config_version_id: string
  simulation_id: string
  held: string
}

/** As the tenant, at a version, because of a simulation that has completed, was deleted or came back. Says how many it made and closed. */
type Generate = (
  tenantId: string,
  versionId: string,
  simulationId: string,
) => Promise<{ made: number; reopened: number; obsolete: number }>

/**
 * Looks for recommendations where runs have changed: version by version, one after the other, each tenant's in turn. What fails is tried again later, and holds up nobody else.
 */
export function recommend(generate: Generate): Job {
  return {
    name: 'recommend',
    async run({ query, logger, signal }) {
      let claimed: Claimed[]
      do {
        claimed = await query<Claimed>(
          sql`/* claimRecommendationMarks */ select * from claim_recommendation_marks(${AT_A_TIME})`,
        )
        for (const {
          tenant_id: tenantId,
          config_version_id: versionId,
          simulation_id: simulationId,
          held,
        } of claimed) {
          // What is left is claimed by the next run, once its time is over.
          if (signal.aborted) return
          let failed = false
          try {
            const done = await generate(tenantId, versionId, simulationId)
            if (done.made + done.reopened + done.obsolete > 0)
              logger.info({ tenantId, versionId, simulationId, ...done }, 'recommendations have changed')
          } catch (error) {
            failed = true
            logger.warn(
              { tenantId, versionId, simulationId, err: error },
              'could not look for recommendations',
            )
          }
          await query(
            sql`/* endRecommendationMark */ select end_recommendation_mark(${tenantId}, ${versionId}, ${held}, ${failed})`,
          )
        }
      } while (claimed.length > 0)
    },
  }
}
