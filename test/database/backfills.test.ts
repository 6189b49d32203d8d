import { randomUUID } from 'node:crypto'
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { migrate } from '../../src/db/admin/migrator.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { ENGINES, emptyDatabase, on, serviceUrlOf } from '../support/emptyDatabase.ts'

const MIGRATIONS = join(import.meta.dirname, '../../migrations-raw')

/** The migrations as they were when this number was the last. */
async function migrationsUntil(last: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'arc-migrations-'))
  cleanUp(() => rm(directory, { recursive: true }))
  for (const file of await readdir(MIGRATIONS))
    if (file.slice(0, 4) <= last) await cp(join(MIGRATIONS, file), join(directory, file))
  return directory
}

/** What servers of that time did, as its tables and functions have it. */
class OldTenant {
  readonly #client: pg.Client
  readonly #versionId = randomUUID()

  constructor(client: pg.Client) {
    this.#client = client
  }

  async begin(tenantId: string, scenarioIds: string[]): Promise<void> {
    const configId = randomUUID()
    await this.#client.query(`select set_config('app.user_id', $1, false)`, [tenantId])
    await this.#client.query(
      `insert into public.configurations (user_id, config_id, name) values ($1, $2, 'old')`,
      [tenantId, configId],
    )
    await this.#client.query(
      `insert into public.config_versions
        (user_id, version_id, config_id, version_number, raw_yaml, parsed_config, config_hash)
      values ($1, $2, $3, 1, 'model: m', '{"model": "m", "temperature": null}', repeat('0', 64))`,
      [tenantId, this.#versionId, configId],
    )
    await this.#client.query(
      `insert into public.scenarios (user_id, scenario_id, name, task_prompt, content_hash)
      select $1, scenario, scenario, 'Do it.', repeat('0', 64) from unnest($2::text[]) scenario`,
      [tenantId, scenarioIds],
    )
  }

  async simulation(tenantId: string, scenarioIds: string[]): Promise<string> {
    const simulationId = randomUUID()
    await this.#client.query(
      `insert into public.simulations
        (user_id, simulation_id, config_version_id, scenario_set, total_scenarios, status, started_at)
      values ($1, $2, $3, $4, $5, 'running', now())`,
      [tenantId, simulationId, this.#versionId, scenarioIds, scenarioIds.length],
    )
    await this.#client.query(
      `insert into public.simulations_scenarios (user_id, simulation_id, scenario_id, repetition, execution_order)
      select $1, $2, scenario, 1, place from unnest($3::text[]) with ordinality given (scenario, place)`,
      [tenantId, simulationId, scenarioIds],
    )
    return simulationId
  }

  async record(simulationId: string, outcomes: object[]): Promise<string[]> {
    const rows = outcomes.map((outcome, idx) => ({
      idx,
      outcome_id: randomUUID(),
      simulation_id: simulationId,
      repetition: 1,
      execution_time: '2026-10-01T12:00:00Z',
      time_given: true,
      start_time_given: false,
      status: 'success',
      retry_count: 0,
      trajectory: { start_time: null, status: 'success' },
      metrics: {},
      tools: [],
      failures: [],
      ...outcome,
    }))
    const { rows: receipts } = await this.#client.query(
      'select * from public.ingest_outcomes($1) order by idx',
      [JSON.stringify({ simulation_ids: [simulationId], numbered: true, rows })],
    )
    expect(receipts.map(({ receipt }) => receipt)).toEqual(rows.map(() => 'STORED'))
    return receipts.map(({ outcome_id }) => outcome_id)
  }

  async complete(
    simulationId: string,
    given: { score?: number; costUsd?: number; ms?: number },
  ): Promise<void> {
    await this.#client.query(
      `update public.simulations set status = 'completed', completed_at = now(),
        overall_score = coalesce($2, mean_score), total_cost_usd = coalesce($3, total_cost_usd),
        execution_time_ms = coalesce($4, execution_time_ms)
      where simulation_id = $1`,
      [simulationId, given.score, given.costUsd, given.ms],
    )
  }
}

describe.each(ENGINES)('on $dump', ({ extension }) => {
  it('results that were given stay, and attempts are missed that are, in a database from before anybody kept that', async () => {
    const url = await emptyDatabase(extension)
    await migrate(url, await migrationsUntil('0031'))
    const arc = new Arc({ DATABASE_URL: await serviceUrlOf(url) })
    const tenant = arc.tenant()
    const { tenantId } = tenant
    const known = { reliability_score: 0.5, cost_usd: 0.1, execution_time_ms: 100 }
    const { simulations, outcomes, attempts } = await on(url, async (client) => {
      const old = new OldTenant(client)
      await old.begin(tenantId, ['a', 'b', 'c'])
      const made: Record<string, string> = {}
      const recorded: Record<string, string> = {}
      for (const [name, figures, given] of [
        ['all given', known, { score: 0.9, costUsd: 12, ms: 5 }],
        ['cost given', known, { costUsd: 12 }],
        ['none given', known, {}],
        ['given where nothing was known', {}, { score: 0.9, costUsd: 12, ms: 5 }],
        ['nothing known', {}, {}],
        ['running', known, undefined],
      ] as const) {
        made[name] = await old.simulation(tenantId, ['a', 'b'])
        const ids = await old.record(
          made[name]!,
          ['a', 'b'].map((scenario_id) => ({ scenario_id, ...figures })),
        )
        recorded[name] = ids[0]!
        if (given) await old.complete(made[name]!, given)
      }
      const attempted = await old.simulation(tenantId, ['a', 'b', 'c'])
      // The first came with the second and counted as missed; of b the second is, of c the first and the third.
      await old.record(attempted, [
        { scenario_id: 'a', cost_usd: 1 },
        { scenario_id: 'a', retry_count: 1, cost_usd: 1 },
      ])
      await old.record(attempted, [{ scenario_id: 'b', cost_usd: 1 }])
      await old.record(attempted, [{ scenario_id: 'b', retry_count: 2, cost_usd: 1 }])
      await old.record(attempted, [{ scenario_id: 'c', retry_count: 1, cost_usd: 1 }])
      await old.record(attempted, [{ scenario_id: 'c', retry_count: 3, cost_usd: 1 }])
      return { simulations: made, outcomes: recorded, attempts: attempted }
    })
    await migrate(url)
    await arc.start()
    try {
      const sums = { overallScore: 0.5, totalCostUsd: 0.2, executionTimeMs: 200 }
      const given = { overallScore: 0.9, totalCostUsd: 12, executionTimeMs: 5 }
      const nothing = { overallScore: null, totalCostUsd: null, executionTimeMs: null }
      const names = Object.fromEntries(Object.entries(simulations).map(([name, id]) => [id, name]))
      expect(await resultsOf(tenant, names)).toEqual({
        'all given': given,
        'cost given': { ...sums, totalCostUsd: 12 },
        'none given': sums,
        'given where nothing was known': given,
        'nothing known': nothing,
        running: { ...sums, overallScore: null },
      })
      const { amendOutcomes } = await tenant.data(
        `mutation ($amendments: [OutcomeAmendmentInput!]!) {
          amendOutcomes(input: { amendments: $amendments }) { receipts { status } }
        }`,
        {
          amendments: Object.values(outcomes).map((outcomeId) => ({
            outcomeId,
            reliabilityScore: 1,
            costUsd: 0.3,
            executionTimeMs: 300,
          })),
        },
      )
      expect(amendOutcomes.receipts).toEqual(Object.values(outcomes).map(() => ({ status: 'AMENDED' })))
      const amended = { overallScore: 0.75, totalCostUsd: 0.4, executionTimeMs: 400 }
      expect(await resultsOf(tenant, names)).toEqual({
        'all given': given,
        'cost given': { ...amended, totalCostUsd: 12 },
        'none given': amended,
        'given where nothing was known': given,
        'nothing known': { overallScore: 1, totalCostUsd: 0.3, executionTimeMs: 300 },
        running: { ...amended, overallScore: null },
      })

      const { receipts } = await tenant.record(
        [
          ['a', 0],
          ['b', 1],
          ['c', 0],
          ['c', 2],
          ['c', 1],
        ].map(([scenarioId, retryCount]) => ({
          simulationId: attempts,
          scenarioId,
          retryCount,
          outcomeId: randomUUID(),
          status: 'SUCCESS',
          costUsd: 1,
        })),
      )
      expect(receipts.map(({ status, code }) => code ?? status)).toEqual([
        'ATTEMPT_ALREADY_RECORDED',
        'STORED',
        'STORED',
        'STORED',
        'ATTEMPT_ALREADY_RECORDED',
      ])
      const { simulation } = await tenant.data(
        `query ($id: UUID!) { simulation(simulationId: $id) {
          totalCostUsd succeededScenarios runs { nodes { scenarioId attempts } }
        } }`,
        { id: attempts },
      )
      expect(simulation).toEqual({
        totalCostUsd: 9,
        succeededScenarios: 3,
        runs: {
          nodes: [
            { scenarioId: 'a', attempts: 2 },
            { scenarioId: 'b', attempts: 3 },
            { scenarioId: 'c', attempts: 4 },
          ],
        },
      })
    } finally {
      await arc.stop()
    }
  })
})

const messages = (count: number) => Array.from({ length: count }, () => ({ role: 'user' }))

describe.each(ENGINES)('on $dump', ({ extension }) => {
  it('steps are counted of trajectories from before anybody kept their number', async () => {
    const url = await emptyDatabase(extension)
    await migrate(url, await migrationsUntil('0039'))
    const arc = new Arc({ DATABASE_URL: await serviceUrlOf(url) })
    const tenant = arc.tenant()
    const trajectories = [
      { messages: messages(3), steps: messages(1) },
      { messages: 'none', traj: messages(2) },
      { full_trajectory: messages(4) },
      { trajectory: messages(5) },
      { steps: { 0: 'x' } },
      {},
    ]
    await on(url, async (client) => {
      const old = new OldTenant(client)
      const scenarios = trajectories.map((_, index) => `s${index}`)
      await old.begin(tenant.tenantId, scenarios)
      const simulationId = await old.simulation(tenant.tenantId, scenarios)
      await old.record(
        simulationId,
        trajectories.map((trajectory, index) => ({
          scenario_id: scenarios[index],
          trajectory: { start_time: null, status: 'success', ...trajectory },
        })),
      )
    })
    await migrate(url)
    await arc.start()
    try {
      const { outcomes } = await tenant.data(
        '{ outcomes { nodes { scenarioId stepCount trajectorySteps { totalCount nodes { index } } } } }',
      )
      const counts = outcomes.nodes.map(({ scenarioId, stepCount, trajectorySteps }: any) => [
        scenarioId,
        stepCount,
        trajectorySteps.totalCount,
        trajectorySteps.nodes.length,
      ])
      expect(counts.sort()).toEqual(
        [3, 2, 4, 5, 0, 0].map((steps, index) => [`s${index}`, steps, steps, steps]),
      )
    } finally {
      await arc.stop()
    }
  })
})

describe.each(ENGINES)('on $dump', ({ extension }) => {
  it('tools are those that were used, in a database from before they lay in the rows of outcomes', async () => {
    const url = await emptyDatabase(extension)
    await migrate(url, await migrationsUntil('0041'))
    const arc = new Arc({ DATABASE_URL: await serviceUrlOf(url) })
    const tenant = arc.tenant()
    const search = { tool_name: 'search', call_count: 2, success_rate: 0.5, tool_sequence: [0, 2] }
    const figures = { avg_duration_ms: 0.1, total_cost_usd: 0.3, error_types: ['"a, b"', '{c}'] }
    const tools = [
      [
        { ...search, ...figures },
        { ...search, tool_name: 'a "quoted", \\ name' },
      ],
      [search],
      [],
    ]
    await on(url, async (client) => {
      const old = new OldTenant(client)
      const scenarios = tools.map((_, index) => `s${index}`)
      for (const tenantId of [randomUUID(), tenant.tenantId]) {
        await old.begin(tenantId, scenarios)
        const simulationId = await old.simulation(tenantId, scenarios)
        await old.record(
          simulationId,
          tools.map((used, index) => ({ scenario_id: scenarios[index], step_count: 0, tools: used })),
        )
      }
    })
    await migrate(url)
    await arc.start()
    try {
      const shown = '{ toolName callCount avgDurationMs successRate toolSequence totalCostUsd errorTypes }'
      const { outcomes, toolUsage } = await tenant.data(
        `{ outcomes { nodes { scenarioId toolUsage { nodes ${shown} } } } toolUsage { totalCount } }`,
      )
      expect(toolUsage.totalCount).toBe(3)
      const used = Object.fromEntries(
        outcomes.nodes.map(({ scenarioId, toolUsage: { nodes } }: any) => [scenarioId, nodes]),
      )
      const known = { toolName: 'search', callCount: 2, successRate: 0.5, toolSequence: [0, 2] }
      const unknown = { avgDurationMs: null, totalCostUsd: null, errorTypes: [] }
      expect(used).toEqual({
        s0: expect.arrayContaining([
          { ...known, avgDurationMs: 0.1, totalCostUsd: 0.3, errorTypes: figures.error_types },
          { ...known, ...unknown, toolName: 'a "quoted", \\ name' },
        ]),
        s1: [{ ...known, ...unknown }],
        s2: [],
      })
    } finally {
      await arc.stop()
    }
  })
})

describe.each(ENGINES)('on $dump', ({ extension }) => {
  it('a simulation knows of which time its outcomes are, in a database from before anybody kept that', async () => {
    const url = await emptyDatabase(extension)
    await migrate(url, await migrationsUntil('0052'))
    const arc = new Arc({ DATABASE_URL: await serviceUrlOf(url) })
    const tenant = arc.tenant()
    const [first, last] = ['2024-03-01T00:00:00.001Z', '2026-09-01T00:00:00.999Z'] as const
    const [full, empty] = await on(url, async (client) => {
      const old = new OldTenant(client)
      await old.begin(randomUUID(), ['a'])
      await old.begin(tenant.tenantId, ['a', 'b', 'c'])
      const made = [
        await old.simulation(tenant.tenantId, ['a', 'b', 'c']),
        await old.simulation(tenant.tenantId, ['a']),
      ]
      await old.record(made[0]!, [
        { scenario_id: 'a', execution_time: last, step_count: 0 },
        { scenario_id: 'b', execution_time: first, step_count: 0 },
        { scenario_id: 'c', execution_time: '2025-01-01T00:00:00Z', step_count: 0 },
      ])
      return made
    })
    await migrate(url)
    await arc.start()
    try {
      const { simulations } = await tenant.data(
        '{ simulations { nodes { simulationId firstOutcomeAt lastOutcomeAt } } }',
      )
      expect(simulations.nodes).toHaveLength(2)
      expect(simulations.nodes).toEqual(
        expect.arrayContaining([
          { simulationId: full, firstOutcomeAt: first, lastOutcomeAt: last },
          { simulationId: empty, firstOutcomeAt: null, lastOutcomeAt: null },
        ]),
      )
    } finally {
      await arc.stop()
    }
  })
})

describe.each(ENGINES)('on $dump', ({ extension }) => {
  it('what a tenant has in hours and days, and its scenarios, is summed of what was summed before', async () => {
    const url = await emptyDatabase(extension)
    await migrate(url, await migrationsUntil('0058'))
    await on(url, async (client) => {
      const [tenantId, scenarios] = [randomUUID(), ['a', 'b', 'c']]
      const old = new OldTenant(client)
      for (const each of [randomUUID(), tenantId]) {
        await old.begin(each, scenarios)
        for (const day of [1, 2]) {
          const simulationId = await old.simulation(each, scenarios)
          await old.record(
            simulationId,
            scenarios.map((scenario_id, index) => ({
              scenario_id,
              execution_time: `2026-10-0${day}T${10 + (index >> 1)}:00:00Z`,
              execution_time_ms: 100 * index,
              cost_usd: index,
              step_count: 0,
            })),
          )
        }
      }
      // What is deleted is in none of them, and what retention removed is in them for good.
      const deleted = await old.simulation(tenantId, scenarios)
      await old.record(deleted, [{ scenario_id: 'a', step_count: 0 }])
      await client.query('select refresh_rollups(1000)')
      await client.query('insert into public.deletions (user_id, simulation_id, name) values ($1, $2, $3)', [
        tenantId,
        deleted,
        'x',
      ])
      await client.query('select refresh_rollups(1000)')
      for (const table of ['outcome_hours', 'scenario_days'])
        await client.query(
          `insert into store.${table} select (s.sums).* from (
            select jsonb_populate_record(h, '{"expired": true}') as sums from store.${table} h where user_id = $1) s`,
          [tenantId],
        )
    })
    await migrate(url)
    await on(url, async (client) => {
      const sums = async (name: string) => {
        const { rows } = await client.query(
          `select user_id, expired, bucket, ${name === 'tenant_scenario_days' ? 'scenario_id, ' : ''}attempts, cost_usd::text, durations
          from store.${name} order by 1, 2, 3, 4`,
        )
        return rows
      }
      const tables = ['tenant_hours', 'tenant_days', 'tenant_scenario_days']
      const filled = await Promise.all(tables.map(sums))
      // Two hours on each of two days, and what is gone once more, of one of two tenants.
      expect(filled.map((rows) => rows.length)).toEqual([12, 6, 18])
      await client.query(
        'insert into store.stale_hours (user_id, bucket) select distinct user_id, bucket from store.outcome_hours',
      )
      await client.query('select refresh_rollups(1000)')
      expect(await Promise.all(tables.map(sums))).toEqual(filled)
    })
  })
})

describe.each(ENGINES)('on $dump', ({ extension }) => {
  it('who rejected a diff did not approve it, in a database that called both so', async () => {
    const url = await emptyDatabase(extension)
    await migrate(url, await migrationsUntil('0059'))
    const arc = new Arc({ DATABASE_URL: await serviceUrlOf(url) })
    const tenant = arc.tenant()
    await on(url, async (client) => {
      const configId = randomUUID()
      await client.query(`select set_config('app.user_id', $1, false)`, [tenant.tenantId])
      await client.query(
        `insert into public.configurations (user_id, config_id, name) values ($1, $2, 'old')`,
        [tenant.tenantId, configId],
      )
      const versions = [1, 2, 3, 4].map((number) => ({ number, versionId: randomUUID() }))
      for (const { number, versionId } of versions)
        await client.query(
          `insert into public.config_versions
            (user_id, version_id, config_id, version_number, raw_yaml, parsed_config, config_hash)
          values ($1, $2, $3, $4::int, 'model: m', '{"model": "m", "temperature": null}', lpad($4::int::text, 64, '0'))`,
          [tenant.tenantId, versionId, configId, number],
        )
      for (const [at, status] of ['pending', 'approved', 'rejected'].entries())
        await client.query(
          `insert into public.config_diffs
            (user_id, config_id, version_before, version_after, diff_yaml, approval_status, approved_by, approved_at)
          values ($1, $2, $3, $4, '', $5, nullif($5, 'pending') || ' by', case $5 when 'pending' then null else now() end)`,
          [tenant.tenantId, configId, versions[at]!.versionId, versions[at + 1]!.versionId, status],
        )
    })
    await migrate(url)
    await arc.start()
    try {
      const { configDiffs, auditLog } = await tenant.data(`{
        configDiffs { nodes { approvalStatus approvedBy approvedAt rejectedBy rejectedAt decisionComment } }
        auditLog(filter: { tableName: { eq: "config_diffs" }, operation: { eq: UPDATE } }) { totalCount }
      }`)
      const time = expect.stringMatching(/^20/)
      const nobody = {
        approvedBy: null,
        approvedAt: null,
        rejectedBy: null,
        rejectedAt: null,
        decisionComment: null,
      }
      expect(configDiffs.nodes).toHaveLength(3)
      expect(configDiffs.nodes).toEqual(
        expect.arrayContaining([
          { ...nobody, approvalStatus: 'PENDING' },
          { ...nobody, approvalStatus: 'APPROVED', approvedBy: 'approved by', approvedAt: time },
          { ...nobody, approvalStatus: 'REJECTED', rejectedBy: 'rejected by', rejectedAt: time },
        ]),
      )
      // Nobody decided anything.
      expect(auditLog.totalCount).toBe(0)
    } finally {
      await arc.stop()
    }
  })
})

async function resultsOf(tenant: Tenant, names: Record<string, string>): Promise<Record<string, unknown>> {
  const { simulations } = await tenant.data(
    `query ($ids: [UUID!]!) {
      simulations(filter: { simulationId: { in: $ids } }) {
        nodes { simulationId overallScore totalCostUsd executionTimeMs }
      }
    }`,
    { ids: Object.keys(names) },
  )
  return Object.fromEntries(
    simulations.nodes.map(({ simulationId, ...result }: any) => [names[simulationId], result]),
  )
}
