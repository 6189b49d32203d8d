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

/**
 * Looks for recommendations where simulations have completed: version by version, one after the other, each tenant's in turn. `generate` does it as the
 * tenant and says how many it made. What fails is tried again later, and holds up nobody else.
 */
export function recommend(generate: (tenantId: string, simulationId: string) => Promise<number>): Job {
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
            const made = await generate(tenantId, simulationId)
            if (made > 0) logger.info({ tenantId, simulationId, made }, 'made recommendations')
          } catch (error) {
            failed = true
            logger.warn({ tenantId, simulationId, err: error }, 'could not look for recommendations')
          }
          await query(
            sql`/* endRecommendationMark */ select end_recommendation_mark(${tenantId}, ${versionId}, ${held}, ${failed})`,
          )
        }
      } while (claimed.length > 0)
    },
  }
}
