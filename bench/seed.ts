import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import type { GraphQLConnections } from './graphqlConnections.ts'
import { outcomesOf, prepareTenant, record, recordBody, SCENARIOS, startSimulation } from './workload.ts'

const CONFIGURATIONS = 10

export interface Seed {
  /** Oldest first. */
  simulationIds: string[]
  tenants: number
  outcomes: number
}

/** What holds a tenant's rows, each table behind those that it refers to. */
const TENANT_TABLES = [
  'public.configurations',
  'public.config_versions',
  'public.scenarios',
  'public.simulations',
  'public.simulations_scenarios',
  'public.simulation_events',
  'store.change_counters',
  'store.outcome_keys',
  'store.outcomes',
  'public.failure_patterns',
]

/** As long as a dashboard looks back: 52 chunks of a hypertable, 13 partitions. */
const WEEKS = 52

/**
 * Simulations with one outcome for each scenario, recorded through Arc and spread over a year; then the same rows for
 * other tenants, whom no query may see.
 */
export async function seed(
  arc: GraphQLConnections,
  admin: pg.Client,
  tenantId: string,
  simulations: number,
  otherTenants: number,
): Promise<Seed> {
  const versionIds = await prepareTenant(arc, CONFIGURATIONS)
  const weekMs = 7 * 24 * 3_600_000
  const firstTimeMs = Date.now() - WEEKS * weekMs
  const simulationIds: string[] = []
  for (let number = 0; number < simulations; number++) {
    const versionId = versionIds[number % CONFIGURATIONS]!
    const simulationId = await startSimulation(arc, versionId, 1, `nightly ${number}`)
    const startMs = firstTimeMs + Math.floor((number * WEEKS * weekMs) / simulations)
    const outcomes = outcomesOf(simulationId, number, 0, SCENARIOS, startMs)
    await record(arc, recordBody(outcomes), outcomes.length)
    simulationIds.push(simulationId)
  }
  for (let number = 0; number < otherTenants; number++) await copyTenant(admin, tenantId, randomUUID())
  await admin.query('vacuum analyze')
  return { simulationIds, tenants: 1 + otherTenants, outcomes: simulations * SCENARIOS * (1 + otherTenants) }
}

/** Past triggers and foreign keys, which the original's rows have satisfied. */
async function copyTenant(admin: pg.Client, from: string, to: string): Promise<void> {
  await admin.query('begin; set local session_replication_role = replica')
  for (const table of TENANT_TABLES) {
    const { rows } = await admin.query<{ columns: string }>(
      `select string_agg(quote_ident(attname), ', ') as columns from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' and attname <> 'user_id'`,
      [table],
    )
    const { columns } = rows[0]!
    await admin.query(
      `insert into ${table} (user_id, ${columns}) select $2, ${columns} from ${table} where user_id = $1`,
      [from, to],
    )
  }
  await admin.query('commit')
}
