import sql from 'sql-template-tag'
import { CORE_SIGNATURES, groupFailures, type LinkedFailure, SIMILARITY_UNIT } from './failureGrouping.ts'
import type { Job, JobContext } from './job.ts'

/** How many failures are compared with all others in one transaction: of 2,000 a second's work. */
const STEP = 100
/** Each has one step, then the next one has its turn. */
const TENANTS = 100

/** Groups failures of one meaning, of tenants of whom some came or went. `coreSize`: see CORE_SIGNATURES. */
export function groupFailuresByMeaning(coreSize = CORE_SIGNATURES): Job {
  return {
    name: 'group_failures',
    async run(context) {
      const waiting = await context.query<{ tenant: string }>(
        sql`/* tenantsToGroup */ select tenant from tenants_to_group(${TENANTS}) tenant`,
      )
      for (const { tenant } of waiting) {
        if (context.signal.aborted) return
        const { model, marks, isLinked } = await link(context, tenant, coreSize)
        if (isLinked) await group(context, tenant, model, marks, coreSize)
        else waiting.push({ tenant })
      }
    },
  }
}

interface Linked {
  model: string | null
  /** What is looked after with this step; not before `isLinked`. */
  marks: string[]
  isLinked: boolean
}

async function link({ query }: JobContext, tenant: string, coreSize: number): Promise<Linked> {
  const [row] = await query<{ model_name: string | null; linked: number; marks: string[] }>(
    sql`/* linkFailures */ select model_name, linked, marks::text[] as marks from link_failures(${tenant}, ${STEP}, ${coreSize})`,
  )
  const { model_name: model, linked, marks } = row!
  return { model, marks, isLinked: linked === 0 }
}

async function group(
  { query, logger }: JobContext,
  tenant: string,
  model: string | null,
  marks: string[],
  coreSize: number,
): Promise<void> {
  const [row] = await query<{ mean: number | null }>(
    sql`/* leastGroupMean */ select least_group_mean(${model}) as mean`,
  )
  const mean = row!.mean
  const linked =
    mean === null
      ? []
      : await query<Record<keyof LinkedFailure, unknown>>(
          sql`/* linkedFailures */ select signature, node::float8 as node, links::float8[] as links, similarities::int[] as similarities
            from linked_failures(${tenant}, ${model})`,
        )
  const grouped = await groupFailures(
    linked as unknown as LinkedFailure[],
    SIMILARITY_UNIT * (mean ?? 1),
    coreSize,
  )
  const [kept] = await query<{ kept: boolean }>(sql`/* keepFailureGroups */
    select keep_failure_groups(${tenant}, ${mean === null ? null : model}, ${marks}::bigint[],
      ${grouped.map(({ signature }) => signature)}, ${grouped.map(({ groupKey }) => groupKey)},
      ${grouped.map(({ centrality }) => centrality)}::int[]) as kept`)
  if (kept!.kept) logger.debug({ tenant, failures: grouped.length }, 'failures were grouped by meaning')
}
