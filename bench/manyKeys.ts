import { deepStrictEqual } from 'node:assert'
import type pg from 'pg'
import { encodeCursor, type SortField } from '../src/reads/keyset.ts'
import type { Dashboard } from './dashboards.ts'
import type { GraphQLConnections } from './graphqlConnections.ts'
import { type Speed, speedOf, WARM_UP_MS } from './reads.ts'

/** So many at a time: what is made meanwhile can be told. */
const SLICE = 500_000
/** As for the other reads. */
const WEEKS = 52
const PAGE = 100
const LATER_PAGE = 1_000
/** So many places in the list take turns. */
const PLACES = 20

export interface ManyKeysResult {
  outcomes: number
  queries: { description: string; arc: Speed[]; bare: Speed[] }[]
}

const BY_TIME: readonly SortField[] = [
  { field: 'executionTime', kind: 'time' },
  { field: 'outcomeId', kind: 'uuid' },
]

/** An outcome, as far as its place in the list goes. */
interface Place {
  executionTime: Date
  outcomeId: string
}

interface ManyKeysQuery extends Omit<Dashboard, 'variables'> {
  /** Those of Arc, and of the hand-written statement. */
  variables(place: Place): Record<string, unknown>
  values(place: Place): unknown[]
}

const FIELDS = 'outcomeId scenarioId status executionTime'

const pageSql = (name: string, tenant: string, behind: string) => `/* bench ${name} */
    select json_build_object('data', json_build_object('outcomes', json_build_object(
      'nodes', coalesce(json_agg(json_build_object(
        'outcomeId', outcome_id, 'scenarioId', scenario_id, 'status', upper(status),
        'executionTime', to_char(execution_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
      ) order by execution_time desc, outcome_id desc) filter (where place <= ${PAGE}), '[]'),
      'pageInfo', json_build_object('hasNextPage', count(*) > ${PAGE}))))::text as answer
    from (
      select outcome_id, scenario_id, status, execution_time,
        row_number() over (order by execution_time desc, outcome_id desc) as place
      from store.outcomes where user_id = ${tenant} ${behind}
      order by execution_time desc, outcome_id desc limit ${PAGE + 1}
    ) o`

export const MANY_KEYS: readonly ManyKeysQuery[] = [
  {
    name: 'first-page',
    description: `page 1 of ${PAGE} outcomes`,
    query: `query FirstPage { outcomes(first: ${PAGE}) { nodes { ${FIELDS} } pageInfo { hasNextPage } } }`,
    variables: () => ({}),
    values: () => [],
    sql: (tenant) => pageSql('first-page', tenant, ''),
  },
  {
    name: 'later-page',
    description: `page ${LATER_PAGE.toLocaleString('en')} of them, by its cursor`,
    query: `query LaterPage($after: String) {
      outcomes(first: ${PAGE}, after: $after) { nodes { ${FIELDS} } pageInfo { hasNextPage } }
    }`,
    variables: (place) => ({ after: encodeCursor(BY_TIME, { ...place }) }),
    values: ({ executionTime, outcomeId }) => [executionTime, outcomeId],
    sql: (tenant) =>
      pageSql(
        'later-page',
        tenant,
        'and (execution_time, outcome_id) < ($1::timestamptz, $2::uuid) and execution_time <= $1::timestamptz',
      ),
  },
  {
    name: 'outcome-by-key',
    description: 'one of the outcomes by its key',
    query: `query OutcomeByKey($outcomeId: UUID!) { outcome(outcomeId: $outcomeId) { ${FIELDS} } }`,
    variables: ({ outcomeId }) => ({ outcomeId }),
    values: ({ outcomeId }) => [outcomeId],
    sql: (tenant) => `/* bench outcome-by-key */
      select json_build_object('data', json_build_object('outcome', (
        select json_build_object('outcomeId', o.outcome_id, 'scenarioId', o.scenario_id, 'status', upper(o.status),
          'executionTime', to_char(o.execution_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        from store.outcome_keys k
        join store.outcomes o on o.user_id = ${tenant} and o.outcome_id = k.outcome_id and o.execution_time = k.execution_time
        where k.user_id = ${tenant} and k.outcome_id = $1::uuid)))::text as answer`,
  },
]

/** Straight into the tables: outcomes of a year that have little but their keys, a thousand for each simulation. */
export async function fillKeys(
  admin: pg.Client,
  tenantId: string,
  outcomes: number,
  onSlice: (made: number) => void,
): Promise<void> {
  const { rows } = await admin.query<{ hypertable: boolean }>(
    `select exists (select from pg_extension where extname = 'timescaledb') as hypertable`,
  )
  if (!rows[0]!.hypertable)
    await admin.query(
      `select store.ensure_outcome_partitions((now() - interval '${WEEKS} weeks')::date, current_date)`,
    )
  await admin.query('set synchronous_commit = off')
  for (let made = 0; made < outcomes; made += SLICE) {
    const last = Math.min(outcomes, made + SLICE)
    await admin.query(
      `with made as (
        select public.uuid_v7(t.at) as outcome_id, md5('simulation ' || n / 1000)::uuid as simulation_id, 's' || n % 100 as scenario_id,
          t.at, case when n % 10 > 0 then 'success' else 'error' end as status
        from generate_series($2::bigint, $3::bigint) n
        cross join lateral (
          select date_trunc('milliseconds', now() - interval '${WEEKS} weeks' * (1 - n / $4::float8)) as at
        ) t
      ), keys as (
        insert into store.outcome_keys (user_id, outcome_id, simulation_id, execution_time)
        select $1, outcome_id, simulation_id, at from made
      )
      insert into store.outcomes
        (user_id, outcome_id, simulation_id, config_version_id, scenario_id, execution_time, status, event_seq)
      select $1, outcome_id, simulation_id, simulation_id, scenario_id, at, status, 1 from made`,
      [tenantId, made, last - 1, outcomes],
    )
    onSlice(last)
  }
  await admin.query('vacuum analyze store.outcome_keys')
  await admin.query('vacuum analyze store.outcomes')
}

/** Requests a second, as measureReads has them. @throws when the answers differ. */
export async function measureManyKeys(
  { arc, bare }: { arc: GraphQLConnections; bare: (name: string) => GraphQLConnections },
  places: readonly Place[],
  { rounds, durationMs }: { rounds: number; durationMs: number },
): Promise<ManyKeysResult['queries']> {
  const results: ManyKeysResult['queries'] = []
  for (const { name, description, query, variables, values } of MANY_KEYS) {
    const arcBodies = places.map((place) => JSON.stringify({ query, variables: variables(place) }))
    const bareBodies = places.map((place) => JSON.stringify({ values: values(place) }))
    const bareServer = bare(name)
    for (const [index, body] of arcBodies.entries()) {
      const { extensions: _, ...said } = JSON.parse(await arc.post(body))
      deepStrictEqual(
        said,
        JSON.parse(await bareServer.post(bareBodies[index]!)),
        `answers to ${name} differ`,
      )
    }
    const result: ManyKeysResult['queries'][0] = { description, arc: [], bare: [] }
    await speedOf(arc, arcBodies, WARM_UP_MS)
    await speedOf(bareServer, bareBodies, WARM_UP_MS)
    for (let round = 0; round < rounds; round++) {
      result.arc.push(await speedOf(arc, arcBodies, durationMs))
      result.bare.push(await speedOf(bareServer, bareBodies, durationMs))
    }
    results.push(result)
  }
  return results
}

/** The last outcomes of pages from the one before LATER_PAGE on. */
export async function laterPlaces(admin: pg.Client, tenantId: string): Promise<Place[]> {
  const { rows } = await admin.query<{ execution_time: Date; outcome_id: string }>(
    `select execution_time, outcome_id from (
      select execution_time, outcome_id, row_number() over (order by execution_time desc, outcome_id desc) as place
      from store.outcomes where user_id = $1 order by execution_time desc, outcome_id desc limit $2
    ) o where place > $3 and place % $4 = 0`,
    [tenantId, (LATER_PAGE - 1 + PLACES) * PAGE, (LATER_PAGE - 2) * PAGE, PAGE],
  )
  return rows.map(({ execution_time, outcome_id }) => ({
    executionTime: execution_time,
    outcomeId: outcome_id,
  }))
}
