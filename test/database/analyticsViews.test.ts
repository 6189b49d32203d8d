import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { useArc } from '../support/arc.ts'
import { ENGINES } from '../support/emptyDatabase.ts'
import { useHistory } from '../support/history.ts'
import { rowsRead } from '../support/plans.ts'
import { Analyst } from '../support/sqlLogin.ts'

const hasLogins = inject('serverUrl') !== null

describe('the views for dashboards', () => {
  const arc = useArc()

  /** As a login that is bound to the tenant reads, on PGlite too. */
  const read = (tenantId: string, statement: string) =>
    arc.sql('admin', async (client) => {
      await client.query('begin')
      await client.query(
        'insert into store.sql_logins (login, user_id, statement_seconds) values (session_user, $1, 60)',
        [tenantId],
      )
      await client.query(`set local role app_analyst; set local datestyle = 'ISO, MDY'`)
      const { rows } = await client.query(statement)
      await client.query('rollback')
      return rows
    })

  it('say what GraphQL says, and count a run that was tried again once', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['refund'], { repetitions: 12 })
    const at = new Date(Date.now() - 3_600_000).toISOString()
    const run = (repetition: number, status: string, more: object = {}) => ({
      simulationId,
      scenarioId: 'refund',
      repetition,
      status,
      executionTime: at,
      reliabilityScore: 0.5,
      costUsd: 0.01,
      ...more,
    })
    const { storedCount } = await tenant.record([
      ...Array.from({ length: 9 }, (_, index) => run(index + 1, 'SUCCESS')),
      run(10, 'ERROR', { error: 'it failed' }),
      run(11, 'ERROR', { error: 'it failed' }),
      run(11, 'SUCCESS', { retryCount: 1 }),
    ])
    expect(storedCount).toBe(12)
    const { errorRates, systemPerformance, activeSimulations } = await tenant.data(
      `{ errorRates { nodes { day scenarioId runs failed errorRate } }
        systemPerformance { nodes { hour simulations failed totalCostUsd meanScore } }
        activeSimulations { nodes { simulationId simulationName completedScenarios totalScenarios completionPercent configVersion { model } } } }`,
    )
    const [rate] = await read(tenant.tenantId, 'select * from analytics.v_error_rates')
    expect(errorRates.nodes).toEqual([
      {
        day: rate.day.toISOString(),
        scenarioId: 'refund',
        runs: Number(rate.total_runs),
        failed: Number(rate.error_count),
        errorRate: expect.closeTo(Number(rate.error_rate_pct) / 100, 4),
      },
    ])
    expect(rate).toMatchObject({ total_runs: '11', error_count: '1', error_rate_pct: '9.09' })

    const [hour] = await read(tenant.tenantId, 'select * from analytics.v_system_performance')
    expect(systemPerformance.nodes).toMatchObject([
      {
        hour: hour.hour.toISOString(),
        simulations: Number(hour.total_simulations),
        failed: Number(hour.failed_count),
      },
    ])
    expect(hour).toMatchObject({ total_cost: '0.12', avg_score: null })

    const [active] = await read(tenant.tenantId, 'select * from analytics.v_active_simulations')
    const [node] = activeSimulations.nodes
    expect(active).toEqual({
      simulation_id: simulationId,
      simulation_name: node.simulationName,
      status: 'running',
      completed_scenarios: node.completedScenarios,
      total_scenarios: node.totalScenarios,
      progress_pct: node.completionPercent.toFixed(2),
      runtime_seconds: expect.any(String),
      model: node.configVersion.model,
    })
  })
})

// What reads more than it has to reads it by the thousand: see listPlans.test.ts.
describe.skipIf(!hasLogins).each(ENGINES)(
  'with a long history, on $dump, a login for SQL',
  ({ extension }) => {
    const past = useHistory(extension)
    let analyst: Analyst
    beforeAll(async () => {
      analyst = await Analyst.of(past.tenant, past.adminUrl)
    })
    afterAll(() => analyst.revoke())

    const WEEK = `execution_time > now() - interval '7 days'`

    it.each<[question: string, statement: string, most: number]>([
      // 10,000 outcomes in 700 days are 100 a week; on partitions of a month no more either, by the index. A hypertable counts
      // its rows once more than its chunks.
      [
        'the latest of a week',
        `select * from outcomes where ${WEEK} order by execution_time desc limit 20`,
        210,
      ],
      [
        'the failed ones of a week',
        `select * from outcomes where ${WEEK} and status <> 'success' order by execution_time desc limit 20`,
        210,
      ],
      [
        'a week by day and status',
        `select date_trunc('day', execution_time), status, count(*) from outcomes where ${WEEK} group by 1, 2`,
        210,
      ],
      ['a week of a scenario', `select count(*) from outcomes where ${WEEK} and scenario_id = 's1'`, 210],
      [
        'a week by version',
        `select v.version_number, count(*) from outcomes o join simulations s using (simulation_id)
      join config_versions v on v.version_id = s.config_version_id where ${WEEK} group by 1`,
        1_500,
      ],
      ['a week of tools', `select tool_name, sum(call_count) from tool_usage where ${WEEK} group by 1`, 210],
      ['any 1,000', 'select * from outcomes limit 1000', 2_100],
      ['one simulation', `select count(*) from outcomes where simulation_id = '$simulation'`, 220],
    ])('reads of %s no more than that', async (_, statement, most) => {
      const { rows, said } = await analyst.answer(
        `explain (analyze, format json) ${statement.replace('$simulation', past.history.simulationId)}`,
      )
      const read = rowsRead((rows[0]!['QUERY PLAN'] as { Plan: Parameters<typeof rowsRead>[0] }[])[0]!.Plan)
      expect(read, said).toBeGreaterThan(0)
      expect(read).toBeLessThanOrEqual(most)
    })
  },
)
