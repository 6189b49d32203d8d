import { randomBytes, randomUUID } from 'node:crypto'
import type pg from 'pg'
import { expect, vi } from 'vitest'
import type { Arc, Tenant } from './arc.ts'
import { insertMade } from './madeRows.ts'
import { measureMarked } from './measuring.ts'
import { SOON } from './soon.ts'

/** A tenant with rows in every table, and what would show that they were seen by another. */
export interface SeededTenant {
  tenant: Tenant
  /** Stands in every text that the tenant wrote, and nowhere else. */
  marker: string
}

/** Fills every table for a new tenant: versions with a diff, simulations in several states, outcomes with all their parts. */
export async function seedTenant(arc: Arc): Promise<SeededTenant> {
  const tenant = arc.tenant()
  const marker = `marker${randomBytes(6).toString('hex')}`
  const { configId, versionId } = await tenant.configVersion(
    `agent ${marker}`,
    `model: ${marker}\ntemperature: 0.5\n`,
  )
  const { createConfigVersion } = await tenant.data(
    `mutation ($input: CreateConfigVersionInput!) { createConfigVersion(input: $input) { created errors { message } } }`,
    { input: { configId, yaml: `model: ${marker}\ntemperature: 1.5\nprompt: ${marker}\n` } },
  )
  expect(createConfigVersion).toEqual({ created: true, errors: [] })
  const { upsertScenarios } = await tenant.data(
    `mutation ($scenarios: [ScenarioInput!]!) {
      upsertScenarios(input: { scenarios: $scenarios }) { receipts { status } errors { message } }
    }`,
    {
      scenarios: ['refund', 'cancel', 'rebook'].map((scenarioId) => ({
        scenarioId,
        externalId: `${marker} ${scenarioId}`,
        source: marker,
        name: `${scenarioId} ${marker}`,
        taskPrompt: `Do ${scenarioId} for ${marker}.`,
        groundTruth: { answer: marker },
        tags: [marker, 'airline'],
        expectedTools: [marker],
        estimatedDurationMs: 1_000,
        metadata: { marker },
      })),
    },
  )
  expect(upsertScenarios.errors).toEqual([])

  const start = async (name: string): Promise<string> => {
    const { startSimulation } = await tenant.data(
      `mutation ($input: StartSimulationInput!) {
        startSimulation(input: $input) { simulation { simulationId } errors { message } }
      }`,
      {
        input: {
          configVersionId: versionId,
          scenarioIds: ['refund', 'cancel', 'rebook'],
          // Nothing ends while a test goes on.
          timeoutMs: 3_600_000,
          name: `${name} ${marker}`,
          modalAppId: marker,
          metadata: { marker },
        },
      },
    )
    expect(startSimulation.errors).toEqual([])
    const { describeSimulation } = await tenant.data(
      `mutation ($input: DescribeSimulationInput!) { describeSimulation(input: $input) { errors { message } } }`,
      {
        input: {
          simulationId: startSimulation.simulation.simulationId,
          description: `What ${marker} tries.`,
          tags: [marker],
        },
      },
    )
    expect(describeSimulation.errors).toEqual([])
    return startSimulation.simulation.simulationId
  }
  await tenant.data(
    `mutation ($input: DescribeConfigurationInput!) { describeConfiguration(input: $input) { errors { message } } }`,
    { input: { configId, description: `What ${marker} runs.`, tags: [marker] } },
  )
  const running = await start('running')
  const completed = await start('completed')
  const failed = await start('failed')
  const { heartbeat } = await tenant.data(
    `mutation ($id: UUID!) { heartbeat(input: { simulationId: $id, scenarioId: "rebook" }) { errors { message } } }`,
    { id: completed },
  )
  expect(heartbeat.errors).toEqual([])
  const { recordEmbeddings } = await tenant.data(
    `mutation ($input: RecordEmbeddingsInput!) { recordEmbeddings(input: $input) { receipts { status } errors { message } } }`,
    {
      input: {
        model: marker,
        embeddings: [
          { scenarioId: 'refund', vector: Array(1_536).fill(1) },
          { versionId, vector: Array(1_536).fill(1) },
        ],
      },
    },
  )
  expect(recordEmbeddings).toEqual({ receipts: [{ status: 'STORED' }, { status: 'STORED' }], errors: [] })
  await arc.sql('admin', (client) =>
    client.query(
      `insert into store.unembeddable (user_id, kind, subject, model, reason) values ($1, 'scenario', 'cancel', $2, $2)`,
      [tenant.tenantId, marker],
    ),
  )
  for (const simulationId of [running, completed]) {
    const { storedCount } = await tenant.record(
      ['refund', 'cancel'].map((scenarioId, index) => ({
        simulationId,
        scenarioId,
        status: index === 0 ? 'SUCCESS' : 'ERROR',
        reliabilityScore: index === 0 ? 0.75 : 0.25,
        executionTime: '2026-01-15T12:00:00.000Z',
        executionTimeMs: 1_500,
        tokensUsed: 30,
        promptTokens: 20,
        completionTokens: 10,
        costUsd: 0.125,
        model: marker,
        modalCallId: marker,
        sandboxId: marker,
        metrics: { [marker]: 1 },
        trajectory: { status: 'success', start_time: '2026-01-15T12:00:00Z', secret: marker },
        toolUsage: [
          {
            toolName: `search ${marker}`,
            callCount: 2,
            successRate: 0.5,
            avgDurationMs: 5,
            totalCostUsd: 0.5,
          },
        ],
        ...(index === 0 ? {} : { errorCode: marker, error: `ValueError: ${marker} is no number` }),
      })),
    )
    expect(storedCount).toBe(2)
  }
  const ended = await tenant.data(
    `mutation ($completed: UUID!, $failed: UUID!, $message: String!) {
      completeSimulation(input: { simulationId: $completed }) { errors { message } }
      failSimulation(input: { simulationId: $failed, errorMessage: $message }) { errors { message } }
    }`,
    { completed, failed, message: `broke off: ${marker}` },
  )
  expect(ended).toEqual({ completeSimulation: { errors: [] }, failSimulation: { errors: [] } })

  const { outcomes } = await tenant.data(`{ outcomes(first: 1) { nodes { outcomeId } } }`)
  const { addOutcomeNote } = await tenant.data(
    `mutation ($input: AddOutcomeNoteInput!) { addOutcomeNote(input: $input) { errors { message } } }`,
    { input: { outcomeId: outcomes.nodes[0].outcomeId, text: `Seen by ${marker}.` } },
  )
  expect(addOutcomeNote.errors).toEqual([])
  const { failurePatterns } = await tenant.data('{ failurePatterns(first: 1) { nodes { signature } } }')
  const { noteFailureGroup } = await tenant.data(
    `mutation ($input: NoteFailureGroupInput!) { noteFailureGroup(input: $input) { errors { message } } }`,
    {
      input: {
        signature: failurePatterns.nodes[0].signature,
        note: `Known to ${marker}.`,
        resolutionSteps: `Ask ${marker}.`,
      },
    },
  )
  expect(noteFailureGroup.errors).toEqual([])
  await seedDeletions(tenant, marker)

  // What GraphQL does not make yet.
  await arc.sql('admin', async (client) => {
    await client.query('begin')
    await client.query(`select set_config('app.user_id', $1, true), set_config('app.actor_id', $2, true)`, [
      tenant.tenantId,
      marker,
    ])
    await client.query(
      `insert into recommendations (source_type, source_id, recommendation_type, description, suggested_yaml_changes, confidence,
        applied, applied_at, feedback_score)
      values ('simulation', $1, 'config_change', $2, $2, 0.5, true, now(), 4),
        ('simulation', $1, 'config_change', $2, $2, 0.25, false, null, null)`,
      [running, `Lower the temperature of ${marker}.`],
    )
    await insertMade(client, { tenantId: tenant.tenantId, count: 5, texts: [marker] })
    await client.query(
      `insert into api_keys (name, prefix, secret_hash, role, created_by, last_used_at)
      values ($1::text, 'arc_1234', sha256(convert_to($1, 'UTF8')), 'app_user', $1, now())`,
      [marker],
    )
    // Nobody looks at it, and nothing is left to deliver: servers of other tests would.
    await client.query(
      `with rules as (
        insert into alert_rules (name, kind, config_id, simulation_id, threshold, window_hours, min_runs, webhook_url, secret,
          previous_secret, due_at)
        select k.kind || ' ' || $1, k.kind, k.config_id, k.simulation_id, 0.5, k.hours, k.hours, 'http://192.0.2.1/' || $1, s.secret,
          s.secret, '2099-01-01'
        from (select 'whsec_' || rpad($1, 43, 'A') || '=' as secret) s,
          (values ('stuck_run', null::uuid, $2::uuid, null::int), ('error_rate', $3::uuid, null, 24)) k (kind, config_id, simulation_id, hours)
        returning user_id, rule_id, config_id, simulation_id
      ), fired as (
        insert into alerts (user_id, rule_id, config_id, simulation_id, threshold, value, ended_at, end_reason)
        select user_id, rule_id, config_id, simulation_id, 0.5, 0.75, now(), 'recovered' from rules
        returning user_id, alert_id, rule_id
      ), counter as (
        insert into store.alert_counters select user_id, count(*) from rules group by user_id
      )
      insert into alert_events (user_id, seq, alert_id, rule_id, kind, value, delivery_status, attempts, status_code, error)
      select user_id, row_number() over (), alert_id, rule_id, 'fired', 0.75, 'failed', 1, 500, 'The receiver answered 500: ' || $1
      from fired`,
      [marker, running, configId],
    )
    await client.query('commit')
  })
  await summedUp(arc, tenant)
  await measuredUp(arc, tenant)
  // As if both had been measured.
  await arc.sql('admin', async (client) => {
    await client.query('begin')
    await client.query(`select set_config('app.user_id', $1, true)`, [tenant.tenantId])
    await client.query(
      `insert into diff_effects (diff_id, metric, baseline_id, candidate_id, run_pairs, completed_at, scenarios, revised_scenarios,
        baseline_mean, candidate_mean, difference, lower, upper, p_value, verdict, effect, variance)
      select diff_id, 'score', $1, $2, 1, now(), 2, 0, 0.25, 0.75, 0.5, 0.25, 0.75, 0.01, 'BETTER', 0.5, 0.01 from config_diffs where config_id = $3`,
      [completed, running, configId],
    )
    await client.query(
      `insert into change_effects (path, op, direction, value_before, value_after, metric, only_diffs, only_run_pairs, only_effect, diffs, run_pairs,
        effect, lower, upper)
      values ('/' || $1::text, 'replace', 'increase', $1, $1, 'score', 1, 1, 0.5, 2, 2, 0.25, -0.5, 1)`,
      [marker],
    )
    await client.query(
      `update config_diffs set impact_prediction = jsonb_build_object('predictedAt', now(),
        'metrics', jsonb_build_array(jsonb_build_object('metric', 'score', 'expected', 0.25, 'lower', -0.5, 'upper', 1, 'diffs', 5)),
        'basis', jsonb_build_array(jsonb_build_object('path', '/' || $2::text, 'op', 'replace', 'valueBefore', $2, 'valueAfter', $2, 'diffs', 5, 'onlyDiffs', 1)))
      where config_id = $1`,
      [configId, marker],
    )
    await client.query('commit')
  })
  return { tenant, marker }
}

/** Waits for the sums of all that a tenant has: a server may be at them, and otherwise this makes them. */
export function summedUp(arc: Arc, tenant: Tenant): Promise<void> {
  return vi.waitFor(async () => {
    await arc.sql('service', (client) => client.query('select refresh_rollups(1000)'))
    const { rows } = await arc.sql('admin', (client) =>
      client.query('select from store.stale_hours where user_id = $1', [tenant.tenantId]),
    )
    expect(rows).toEqual([])
  }, SOON)
}

/** Waits until nothing of a tenant is to be measured: a server may be at it, and otherwise this does it. */
export function measuredUp(arc: Arc, tenant: Tenant): Promise<void> {
  return vi.waitFor(async () => {
    await measureMarked(arc.databaseUrl)
    const { rows } = await arc.sql('admin', (client) =>
      client.query('select from stale_diffs where user_id = $1', [tenant.tenantId]),
    )
    expect(rows).toEqual([])
  }, SOON)
}

/** A configuration that is deleted with its simulation, and a scenario. */
async function seedDeletions(tenant: Tenant, marker: string): Promise<void> {
  const { configId, versionId } = await tenant.configVersion(`deleted ${marker}`, `model: ${marker}\n`)
  const deleted = await tenant.data(
    `mutation ($configId: UUID!, $versionId: UUID!, $simulationId: UUID!, $name: String!) {
      upsertScenarios(input: { scenarios: [{ scenarioId: "deleted", name: $name, taskPrompt: "Do nothing." }] }) { errors { message } }
      startSimulation(input: { simulationId: $simulationId, configVersionId: $versionId, scenarioIds: ["refund"], name: $name }) { errors { message } }
      heartbeat(input: { simulationId: $simulationId, scenarioId: "refund" }) { errors { message } }
      deleteConfiguration(input: { configId: $configId }) { errors { message } }
      deleteScenario(input: { scenarioId: "deleted" }) { errors { message } }
    }`,
    { configId, versionId, simulationId: randomUUID(), name: `deleted ${marker}` },
  )
  for (const [step, { errors }] of Object.entries<{ errors: object[] }>(deleted))
    expect(errors, step).toEqual([])
}

/** The tables that hold tenants' rows, without the partitions and chunks that they are seen through anyway. */
export async function tenantTables(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname in ('public', 'store') and c.relkind in ('r', 'p') and not c.relispartition
      -- Marks and what waits are worked off at any time, and groups are made of them.
      and c.relname not in ('settings', 'jobs', 'stale_hours', 'stale_diffs', 'recommendation_marks', 'sql_logins', 'embedding_queue',
        'embedding_work', 'stale_failures', 'failure_nodes', 'failure_groupings', 'failure_grouping_models')
    order by 1`,
  )
  return rows.map(({ name }) => name)
}

/** All rows of a tenant as JSON text, by table: what must be the same after an attack as before it. */
export async function rowsOf(client: pg.Client, tenantId: string): Promise<Record<string, string[]>> {
  const rowsByTable: Record<string, string[]> = {}
  for (const table of await tenantTables(client)) {
    const { rows } = await client.query<{ row: string }>(
      `select to_jsonb(t)::text as row from ${table} t where user_id = $1 order by 1`,
      [tenantId],
    )
    rowsByTable[table] = rows.map(({ row }) => row)
  }
  return rowsByTable
}

/**
 * A tenant that has the same rows under the same keys, so that only the tenant tells them apart: every text of the
 * original has the twin's marker instead. Whatever the original is answered, the twin is answered with its own marker.
 */
export async function twinOf(arc: Arc, { tenant, marker }: SeededTenant): Promise<SeededTenant> {
  const twin = { tenant: arc.tenant(), marker: `marker${randomBytes(6).toString('hex')}` }
  await arc.sql('admin', async (client) => {
    const rowsByTable = await rowsOf(client, tenant.tenantId)
    await client.query('begin')
    // The rows are whole: triggers would add events, audit entries and times of their own.
    await client.query(`set local session_replication_role = replica`)
    for (const [table, rows] of Object.entries(rowsByTable)) {
      const copies = rows.map((row) =>
        row
          .replaceAll(tenant.tenantId, twin.tenant.tenantId)
          .replaceAll(marker, twin.marker)
          // Unique over all tenants; nothing in the graph shows it.
          .replace(
            /"secret_hash": "(?:[^"\\]|\\.)*"/,
            `"secret_hash": "\\\\x${randomBytes(32).toString('hex')}"`,
          ),
      )
      const { rows: columns } = await client.query<{ list: string }>(
        `select string_agg(quote_ident(attname), ', ') as list from pg_attribute
        where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
        [table],
      )
      const { list } = columns[0]!
      await client.query(
        `insert into ${table} (${list}) select ${list} from jsonb_populate_recordset(null::${table}, $1)`,
        [`[${copies.join(',')}]`],
      )
    }
    await client.query('commit')
  })
  return twin
}
