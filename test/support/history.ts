import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { changeStorageSettings } from '../../src/db/admin/storageSettings.ts'
import { insertAlerts } from './alertRows.ts'
import { Arc, type Tenant } from './arc.ts'
import { makeMigratedDatabase, on, query } from './emptyDatabase.ts'
import { insertMade } from './madeRows.ts'

/** How far back the history goes: 100 chunks of seven days, 24 partitions of a month. */
const DAYS = 700

/** Of what a tenant has beside its runs: many times a page. */
const OTHERS = 300

/** Simulations that are deleted, spread among the others. */
const DELETED = 120

/** Of each tenant: what it runs. */
const SCENARIOS = 20

/** How much there is of it: of each tenant so many simulations, each of which runs every scenario so often. */
export interface HistoryShape {
  simulations: number
  repetitions: number
  days: number
}

export const SHAPE: HistoryShape = { simulations: 100, repetitions: 5, days: DAYS }

/** Which rows of a history a test asks for. */
export interface History {
  outcomes: number
  configId: string
  versionId: string
  /** In the middle of the history. */
  simulationId: string
  outcomeId: string
  executionTime: Date
  scenarioId: string
}

/**
 * Fills a migrated database with two years of `tenantIds`: simulations spread evenly over them, of 100 outcomes each unless the
 * shape is another, one in ten failed and one in 25 superseded, with their keys, tool usage and failure patterns. Straight into the tables, because
 * recording them would take minutes; returns what the first tenant has.
 */
export async function fillHistory(
  admin: pg.Client,
  tenantIds: readonly string[],
  { simulations, repetitions, days }: HistoryShape = SHAPE,
): Promise<History> {
  const { rows: engine } = await admin.query<{ hypertable: boolean }>(
    `select exists (select from pg_extension where extname = 'timescaledb') as hypertable`,
  )
  await admin.query('begin')
  if (!engine[0]!.hypertable) {
    await admin.query(
      `select store.ensure_outcome_partitions((now() - interval '${days} days')::date, current_date)`,
    )
  }
  // Past triggers and foreign keys: the rows are whole as they are.
  await admin.query('set local session_replication_role = replica')
  const history = { outcomes: simulations * SCENARIOS * repetitions } as History
  for (const tenantId of tenantIds) {
    const configId = randomUUID()
    await admin.query(`select set_config('app.user_id', $1, true)`, [tenantId])
    await admin.query(`insert into configurations (config_id, name) values ($1, 'agent')`, [configId])
    await admin.query(
      `insert into config_versions (config_id, version_number, raw_yaml, parsed_config, config_hash)
      select $1, n, 'model: m', '{"model": "m", "temperature": null}', repeat('0', 64) from generate_series(1, 10) n`,
      [configId],
    )
    await admin.query(
      `insert into scenarios (scenario_id, name, task_prompt, content_hash)
      select 's' || n, 'scenario ' || n, 'Do it.', repeat('0', 64) from generate_series(1, ${SCENARIOS}) n`,
    )
    await admin.query(
      `insert into simulations (config_version_id, scenario_set, repetitions, simulation_name, status, total_scenarios,
        succeeded_scenarios, failed_scenarios, created_at, started_at, completed_at)
      select v.version_id, s.keys, ${repetitions}, 'nightly ' || n, 'completed', ${SCENARIOS * repetitions},
        ${SCENARIOS * repetitions * 0.9}, ${SCENARIOS * repetitions * 0.1}, at, at, at + interval '1 day'
      from generate_series(1, ${simulations}) n
      join config_versions v on v.user_id = $1 and v.version_number = 1 + n % 10
      cross join (select array_agg(scenario_id) as keys from scenarios where user_id = $1) s
      -- From the same hour on, whenever the test runs: how many of them a chunk of a day has, and how many cross its end, follows from that.
      cross join lateral (select date_trunc('day', now(), 'UTC') + interval '1 hour' - interval '${days} days' * (n / ${simulations}.0) as at) t`,
      [tenantId],
    )
    await admin.query(
      `create temp table made on commit drop as
      select uuid_v7(t.at) as outcome_id, s.simulation_id, s.config_version_id, 's' || c as scenario_id, r as repetition, t.at as execution_time,
        case when (c + r) % 10 > 0 then 'success' when r % 2 = 0 then 'error' else 'timeout' end as status
      from simulations s, generate_series(1, ${SCENARIOS}) c, generate_series(1, ${repetitions}) r,
        lateral (select date_trunc('second', s.created_at) + interval '13 minutes' * (c * ${repetitions} + r) as at) t
      where s.user_id = $1`,
      [tenantId],
    )
    await admin.query(
      `insert into store.outcome_keys (user_id, outcome_id, simulation_id, execution_time, superseded)
      select $1, outcome_id, simulation_id, execution_time, status = 'error' from made`,
      [tenantId],
    )
    await admin.query(
      `insert into store.outcomes (user_id, outcome_id, simulation_id, config_version_id, scenario_id, repetition, execution_time,
        status, error_code, error_category, reliability_score, event_seq, superseded, step_count, used_tools)
      select $1, outcome_id, simulation_id, config_version_id, scenario_id, repetition, execution_time, status,
        case when status <> 'success' then 'E' || repetition end, case when status <> 'success' then 'tool_error' end,
        0.5, 1, status = 'error', 1,
        array[row('search', 1, null, 1, null, null, null), row('book', 1, null, 1, null, null, null)]::store.used_tool[]
      from made`,
      [tenantId],
    )
    await admin.query(
      `insert into store.stale_hours (user_id, bucket) select distinct $1::uuid, store.hour_of(execution_time) from made`,
      [tenantId],
    )
    await admin.query(
      `update simulations s set first_outcome_at = m.first, last_outcome_at = m.last
      from (select simulation_id, min(execution_time) as first, max(execution_time) as last from made group by 1) m
      where s.user_id = $1 and s.simulation_id = m.simulation_id`,
      [tenantId],
    )
    await admin.query(
      `insert into store.trajectories (user_id, outcome_id, execution_time, trajectory)
      select $1, outcome_id, execution_time,
        jsonb_build_object('status', status, 'start_time', execution_time, 'messages', jsonb_build_array(scenario_id))
      from made`,
      [tenantId],
    )
    await admin.query(
      `insert into simulations_scenarios (simulation_id, scenario_id, repetition, execution_order, status, attempts, outcome_id)
      select simulation_id, scenario_id, repetition, substr(scenario_id, 2)::int, status, 1, outcome_id from made`,
    )
    await admin.query(
      `insert into failure_patterns (pattern_id, outcome_id, simulation_id, execution_time, failure_type, failure_category,
        error_message, signature)
      select uuid_v7(execution_time), outcome_id, simulation_id, execution_time, 'ToolError', 'tool_error', 'it failed', 'f'
      from made where status <> 'success'`,
    )
    await admin.query(
      `insert into configurations (name) select 'other ' || n from generate_series(1, ${OTHERS}) n`,
    )
    await admin.query(
      `insert into scenarios (scenario_id, name, task_prompt, content_hash)
      select 'other_' || n, 'other ' || n, 'Do it.', repeat('0', 64) from generate_series(1, ${OTHERS}) n`,
    )
    await admin.query(
      `with gone as (
        insert into simulations (config_version_id, scenario_set, total_scenarios, status, created_at, completed_at)
        select version_id, array['s1'], 1, 'cancelled', at, at
        from generate_series(1, ${DELETED}) n
        join config_versions on config_id = $1 and version_number = 1 + n % 10
        cross join lateral (select now() - interval '${days} days' * (n / ${DELETED}.0) as at) t
        returning simulation_id
      )
      insert into deletions (simulation_id, name) select simulation_id, 'gone' from gone`,
      [configId],
    )
    await admin.query(
      `insert into outcome_notes (outcome_id, simulation_id, text)
      select outcome_id, simulation_id, 'Seen before.' from made limit ${OTHERS}`,
    )
    await admin.query(
      `insert into config_versions (config_id, version_number, raw_yaml, parsed_config, config_hash)
      select config_id, 1, 'model: m', '{"model": "m", "temperature": null}', repeat('0', 64)
      from configurations where user_id = $1 and config_id <> $2`,
      [tenantId, configId],
    )
    await admin.query(
      `insert into config_diffs (config_id, version_before, version_after, diff_yaml)
      select config_id, version_id, uuid_v7(), '' from config_versions where user_id = $1`,
      [tenantId],
    )
    await admin.query(
      `insert into recommendations (source_type, source_id, recommendation_type, description, confidence)
      select 'simulation', simulation_id, 'config_change', 'Lower the temperature.', n / 3.0
      from simulations, generate_series(1, 3) n where user_id = $1`,
      [tenantId],
    )
    await admin.query(
      `insert into api_keys (name, prefix, secret_hash, role)
      select 'key ' || n, 'arc_1234', sha256(convert_to($1 || n, 'UTF8')), 'app_user' from generate_series(1, ${OTHERS}) n`,
      [tenantId],
    )
    await insertAlerts(admin, { tenantId, count: OTHERS })
    await insertMade(admin, { tenantId, count: OTHERS })
    await admin.query(
      `insert into audit_log (user_id, table_name, operation)
      select $1, 'configurations', 'INSERT' from generate_series(1, ${OTHERS})`,
      [tenantId],
    )
    if (tenantId === tenantIds[0]) {
      const { rows } = await admin.query(
        `select m.simulation_id as "simulationId", m.outcome_id as "outcomeId", m.execution_time as "executionTime",
          m.scenario_id as "scenarioId", s.config_version_id as "versionId"
        from made m join simulations s on s.user_id = $1 and s.simulation_id = m.simulation_id
        where s.simulation_name = 'nightly ${simulations / 2}' and m.status <> 'success' limit 1`,
        [tenantId],
      )
      Object.assign(history, { configId }, rows[0])
    }
    await admin.query('drop table made')
  }
  await admin.query('commit')
  await admin.query('analyze')
  return history
}

/** A server whose first tenant has such a history, beside two others with as much; set before the tests of a block. */
export interface Past {
  arc: Arc
  tenant: Tenant
  history: History
  /** As the service logs in, and as the database's owner does. */
  serviceUrl: string
  adminUrl: string
}

/** However many chunks there are: what a function plans inside of a statement its plan does not show. */
/** And nothing is packed meanwhile: then other rows are read for a page. */
const PLANNED_AT_ONCE = { ARC_PLANNED_CHUNKS: '1000000', ARC_JOBS: 'off' }

/** Starts it on a database of its own before the tests of a block, and ends it after them. */
export function useHistory(
  extension?: 'timescaledb',
  {
    shape = SHAPE,
    chunkDays,
    env = PLANNED_AT_ONCE,
  }: { shape?: HistoryShape; chunkDays?: number; env?: NodeJS.ProcessEnv } = {},
): Past {
  const past = {} as Past
  let drop: () => Promise<unknown>
  beforeAll(async () => {
    const database = await makeMigratedDatabase(extension)
    const arc = new Arc({ DATABASE_URL: database.serviceUrl, ...env })
    const tenant = arc.tenant()
    if (extension && chunkDays !== undefined) {
      await changeStorageSettings(database.url, { chunkDays })
      await query(database.url, 'select prepare_outcome_storage()')
    }
    const history = await on(database.url, (admin) =>
      fillHistory(admin, [tenant.tenantId, randomUUID(), randomUUID()], shape),
    )
    await arc.start()
    Object.assign(past, { arc, tenant, history, serviceUrl: database.serviceUrl, adminUrl: database.url })
    drop = async () => {
      await arc.stop()
      await database.drop()
    }
  }, 120_000)
  afterAll(() => drop())
  return past
}
