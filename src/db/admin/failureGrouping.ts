import { withClient } from './adminClient.ts'

/** From how similar failures with vectors of a model are grouped, see docs/decisions/0037. */
export interface FailureGroupingModel {
  /** As it stands with the vectors, e.g. `openai:text-embedding-3-small@1536 failure#1`. */
  model: string
  /** Cosine of a pair; what is less similar is not alike at all. Above 0, up to 1. */
  leastSimilarity: number
  /** Mean of all pairs of two groups that are joined. Above 0, up to 1. */
  leastMean: number
}

/**
 * Groups failures of all tenants by this from now on, those with vectors of the model anew; answers all that holds. `adminUrl` is the login
 * that migrates.
 *
 * @throws DatabaseError 23514 for what a column does not take.
 */
export async function changeFailureGrouping(
  adminUrl: string,
  changed: FailureGroupingModel | undefined,
): Promise<FailureGroupingModel[]> {
  return withClient(adminUrl, async (client) => {
    // In a transaction, because PGlite's one session would keep the role for everybody.
    await client.query('begin; set local role arc_owner')
    if (changed) {
      const { model, leastSimilarity, leastMean } = changed
      await client.query(
        `/* changeFailureGrouping */ insert into store.failure_grouping_models (model, least_similarity, least_mean) values ($1, $2, $3)
          on conflict (model) do update set least_similarity = excluded.least_similarity, least_mean = excluded.least_mean`,
        [model, leastSimilarity, leastMean],
      )
      // A mark for each has it compared again.
      await client.query(
        `/* markAllFailures */ insert into store.stale_failures (user_id, signature)
          select user_id, subject from store.embeddings where kind = 'failure' and model = $1`,
        [model],
      )
    }
    const { rows } = await client.query<FailureGroupingModel>(
      `/* failureGroupingModels */ select model, least_similarity as "leastSimilarity", least_mean as "leastMean"
        from store.failure_grouping_models order by model`,
    )
    await client.query('commit')
    return rows
  })
}
