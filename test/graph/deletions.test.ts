import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { createPool } from '../../src/db/pool.ts'
import { inTenantTransaction } from '../../src/db/tenantTransaction.ts'
import { deleteConfiguration } from '../../src/evaluation/deletions/deletions.ts'
import type { Role } from '../../src/viewer.ts'
import { insertAlerts } from '../support/alertRows.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { listQuestions } from '../support/everyQuery.ts'
import { insertMade } from '../support/madeRows.ts'
import { DENIED, sqlAs, viewerOf } from '../support/sqlAs.ts'
import { all, next, useSubscriptions } from '../support/subscriptions.ts'
import { rowsOf, seedTenant, summedUp } from '../support/tenantRows.ts'

// Everything is asked for at once.
const arc = useArc({ ARC_MAX_COST: '1000000000' })
const { overSse } = useSubscriptions(arc)

const DELETION =
  'deletion { deletionId kind name configId scenarioId simulationId withDeletionId deletedBy purgeAt }'
const KEYS = { Simulation: 'simulationId', Configuration: 'configId', Scenario: 'scenarioId' }

async function remove(tenant: Tenant, kind: keyof typeof KEYS, key: string) {
  const { done } = await tenant.data(
    `mutation ($input: Delete${kind}Input!) { done: delete${kind}(input: $input) { ${DELETION} errors { code message path } } }`,
    { input: { [KEYS[kind]]: key } },
  )
  return done
}

async function removed(tenant: Tenant, kind: keyof typeof KEYS, key: string): Promise<string> {
  const { deletion, errors } = await remove(tenant, kind, key)
  expect(errors).toEqual([])
  return deletion.deletionId
}

async function takeBack(tenant: Tenant, deletionId: string) {
  const { undelete } = await tenant.data(
    `mutation ($deletionId: UUID!) {
      undelete(input: { deletionId: $deletionId }) {
        configuration { configId isActive } scenario { scenarioId } simulation { simulationId } errors { code message path }
      }
    }`,
    { deletionId },
  )
  return undelete
}

/** All that a tenant sees in lists and sums, but for what tells that something was deleted. */
async function everything(tenant: Tenant): Promise<Record<string, unknown>> {
  await summedUp(arc, tenant)
  const seen: Record<string, unknown> = {}
  for (const { name, query, variables } of listQuestions()) {
    if (name === 'auditLog' || name === 'deletions') continue
    const data = await tenant.data(query, variables)
    seen[name] = data[name].nodes
  }
  return seen
}

/** Without what counts the steps of a simulation: that it went and came back are two. */
const withoutSteps = (seen: Record<string, unknown>) =>
  JSON.parse(
    JSON.stringify(seen, (name, value) => (/^(eventSeq|events|updatedAt)$/.test(name) ? undefined : value)),
  )

const start = async (tenant: Tenant, input: object) => {
  const { startSimulation } = await tenant.data(
    `mutation ($input: StartSimulationInput!) {
      startSimulation(input: $input) { simulation { simulationId } created errors { code message path } }
    }`,
    { input },
  )
  return startSimulation
}

/** One more simulation of a tenant that has some, with a failure, a tool and a note. */
async function oneMore(tenant: Tenant) {
  const simulationId = await tenant.simulation(['refund', 'cancel'])
  const { receipts } = await tenant.record([
    {
      simulationId,
      scenarioId: 'refund',
      status: 'ERROR',
      reliabilityScore: 0.1,
      error: 'ValueError: the kite is gone',
      executionTime: '2026-01-15T12:30:00.000Z',
      costUsd: 7,
      toolUsage: [{ toolName: 'fly', callCount: 1, successRate: 0 }],
      metrics: { height: 3 },
    },
  ])
  const { outcomeId } = receipts[0]
  const { addOutcomeNote } = await tenant.data(
    `mutation ($input: AddOutcomeNoteInput!) { addOutcomeNote(input: $input) { note { noteId } errors { message } } }`,
    { input: { outcomeId, text: 'A string would have held it.' } },
  )
  expect(addOutcomeNote.errors).toEqual([])
  return { simulationId, outcomeId: outcomeId as string, noteId: addOutcomeNote.note.noteId as string }
}

describe('a configuration that is deleted with its simulation', () => {
  it('is in no list and no figure, as if it had never been, and is there as before when that is taken back', async () => {
    const { tenant } = await seedTenant(arc)
    await tenant.scenarios('refund', 'cancel')
    const before = await everything(tenant)
    const { simulationId, outcomeId, noteId } = await oneMore(tenant)
    const { simulation } = await tenant.data(
      `query ($id: UUID!) { simulation(simulationId: $id) { id configVersion { id configuration { configId } } } }`,
      { id: simulationId },
    )
    const { configId } = simulation.configVersion.configuration
    const withIt = await everything(tenant)
    for (const list of [
      'simulations',
      'outcomes',
      'failurePatterns',
      'toolUsage',
      'failureGroups',
      'outcomeNotes',
    ])
      expect(withIt[list], list).not.toEqual(before[list])

    const deletionId = await removed(tenant, 'Configuration', configId)
    expect(await everything(tenant)).toEqual(before)
    const gone = await tenant.data(
      `query ($simulationId: UUID!, $configId: UUID!, $outcomeId: UUID!, $noteId: UUID!, $ids: [ID!]!) {
        simulation(simulationId: $simulationId) { status } configuration(configId: $configId) { name }
        outcome(outcomeId: $outcomeId) { status } outcomeNote(noteId: $noteId) { text } nodes(ids: $ids) { id }
      }`,
      { simulationId, configId, outcomeId, noteId, ids: [simulation.id, simulation.configVersion.id] },
    )
    expect(gone).toEqual({
      simulation: null,
      configuration: null,
      outcome: null,
      outcomeNote: null,
      nodes: [null, null],
    })

    expect(await takeBack(tenant, deletionId)).toEqual({
      configuration: { configId, isActive: true },
      scenario: null,
      simulation: null,
      errors: [],
    })
    expect(withoutSteps(await everything(tenant))).toEqual(withoutSteps(withIt))
  }, 90_000)

  it('frees its name, and comes back only where nobody has taken that', async () => {
    const tenant = arc.tenant()
    const { configId } = await tenant.configVersion('kite')
    const deletionId = await removed(tenant, 'Configuration', configId)
    const taker = await tenant.configVersion('kite')
    expect((await takeBack(tenant, deletionId)).errors).toEqual([
      { code: 'NAME_TAKEN', message: expect.stringContaining('has taken the name'), path: ['deletionId'] },
    ])
    await tenant.data(
      `mutation ($input: DescribeConfigurationInput!) { describeConfiguration(input: $input) { errors { message } } }`,
      { input: { configId: taker.configId, name: 'kite 2' } },
    )
    expect(await takeBack(tenant, deletionId)).toMatchObject({ configuration: { configId }, errors: [] })
  })

  it('comes back with what went with it, and not with what had gone before', async () => {
    const tenant = arc.tenant()
    const { configId, versionId } = await tenant.configVersion()
    await tenant.scenarios('a')
    const [early, late] = await Promise.all(
      [1, 2].map(
        async () => (await start(tenant, { configVersionId: versionId, scenarioIds: ['a'] })).simulation,
      ),
    )
    const ofEarly = await removed(tenant, 'Simulation', early.simulationId)
    const deletionId = await removed(tenant, 'Configuration', configId)
    const { deletions } = await tenant.data(
      `{ deletions(orderBy: { field: DELETED_AT, direction: ASC }) { nodes { kind simulationId configId withDeletionId } } }`,
    )
    expect(deletions.nodes).toHaveLength(3)
    expect(deletions.nodes).toEqual(
      expect.arrayContaining([
        { kind: 'SIMULATION', simulationId: early.simulationId, configId: null, withDeletionId: null },
        { kind: 'CONFIGURATION', simulationId: null, configId, withDeletionId: null },
        { kind: 'SIMULATION', simulationId: late.simulationId, configId: null, withDeletionId: deletionId },
      ]),
    )
    expect((await takeBack(tenant, ofEarly)).errors).toEqual([
      { code: 'CONFIGURATION_DELETED', message: expect.stringContaining(deletionId), path: ['deletionId'] },
    ])
    await takeBack(tenant, deletionId)
    const { simulations } = await tenant.data(`{ simulations { nodes { simulationId } } }`)
    expect(simulations.nodes).toEqual([late])
    expect((await takeBack(tenant, ofEarly)).errors).toEqual([])
  })
})

describe('a simulation that is deleted', () => {
  it('takes nothing more: no outcome, no amendment, no scenario, no end, and its key stays its own', async () => {
    const tenant = arc.tenant()
    const { simulationId, outcomeId } = await oneMore(tenant)
    const { configVersion } = (
      await tenant.data(
        `query ($id: UUID!) { simulation(simulationId: $id) { configVersion { versionId } } }`,
        {
          id: simulationId,
        },
      )
    ).simulation
    const deletionId = await removed(tenant, 'Simulation', simulationId)
    const outcome = { simulationId, scenarioId: 'cancel', status: 'SUCCESS' }
    expect((await tenant.record([outcome])).receipts).toMatchObject([
      { status: 'REJECTED', code: 'SIMULATION_NOT_FOUND' },
    ])
    const other = await tenant.simulation(['refund'])
    const answer = await tenant.data(
      `mutation ($simulationId: UUID!, $outcomeId: UUID!, $other: UUID!) {
        amendOutcomes(input: { amendments: [{ outcomeId: $outcomeId, reliabilityScore: 1 }] }) { receipts { code } }
        extendSimulation(input: { simulationId: $simulationId, repetitions: 2 }) { errors { code } }
        completeSimulation(input: { simulationId: $simulationId }) { errors { code } }
        describeSimulation(input: { simulationId: $simulationId, name: "x" }) { errors { code } }
        addOutcomeNote(input: { outcomeId: $outcomeId, text: "x" }) { errors { code } }
        recordOutcomes(input: { outcomes: [
          { outcomeId: $outcomeId, simulationId: $other, scenarioId: "refund", status: SUCCESS }] }) { receipts { code } }
      }`,
      { simulationId, outcomeId, other },
    )
    expect(answer).toEqual({
      amendOutcomes: { receipts: [{ code: 'OUTCOME_NOT_FOUND' }] },
      extendSimulation: { errors: [{ code: 'SIMULATION_NOT_FOUND' }] },
      completeSimulation: { errors: [{ code: 'SIMULATION_NOT_FOUND' }] },
      describeSimulation: { errors: [{ code: 'SIMULATION_NOT_FOUND' }] },
      addOutcomeNote: { errors: [{ code: 'OUTCOME_NOT_FOUND' }] },
      recordOutcomes: { receipts: [{ code: 'OUTCOME_ID_TAKEN' }] },
    })
    expect(
      await start(tenant, {
        simulationId,
        configVersionId: configVersion.versionId,
        scenarioIds: ['refund', 'cancel'],
      }),
    ).toMatchObject({
      errors: [{ code: 'SIMULATION_DELETED', message: expect.stringContaining(deletionId) }],
    })
    // Whoever did not hear that it was deleted may ask again.
    expect(await removed(tenant, 'Simulation', simulationId)).toBe(deletionId)

    await takeBack(tenant, deletionId)
    expect((await tenant.record([outcome])).receipts).toMatchObject([{ status: 'STORED' }])
  })

  it('is a step that whoever follows it, or the tenant, hears of', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const followed = await overSse(
      tenant,
      `subscription ($simulationId: UUID!) { simulationEvents(simulationId: $simulationId) { seq kind } }`,
      { simulationId },
    )
    const progress = await overSse(
      tenant,
      `subscription ($simulationId: UUID!) { simulationProgress(simulationId: $simulationId) { seq status } }`,
      { simulationId },
    )
    await next(followed)
    await next(progress)
    const deletionId = await removed(tenant, 'Simulation', simulationId)
    expect(await all(followed)).toEqual([{ seq: 2, kind: 'DELETED' }])
    expect(await all(progress)).toMatchObject([{ seq: 2 }])
    await takeBack(tenant, deletionId)
    const { changes, latestChange } = await tenant.data(
      `{ latestChange changes { seq event { simulationId seq kind simulation { status } } } }`,
    )
    expect(changes.map(({ event }: any) => [event.seq, event.kind, event.simulation?.status])).toEqual([
      [1, 'STARTED', 'RUNNING'],
      [2, 'DELETED', 'RUNNING'],
      [3, 'RESTORED', 'RUNNING'],
    ])
    expect(latestChange).toBe(3)
    await removed(tenant, 'Simulation', simulationId)
    const after = await tenant.data(`{ changes(afterSeq: 3) { event { kind simulation { status } } } }`)
    expect(after.changes).toEqual([{ event: { kind: 'DELETED', simulation: null } }])
  })
})

describe('a scenario that is deleted', () => {
  it('must be run by nothing, cannot be run or stored meanwhile, and comes back with what ran it', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a', 'b'])
    expect((await remove(tenant, 'Scenario', 'a')).errors).toEqual([
      {
        code: 'SCENARIO_IN_USE',
        message: expect.stringContaining('A simulation runs it'),
        path: ['scenarioId'],
      },
    ])
    const ofSimulation = await removed(tenant, 'Simulation', simulationId)
    const ofScenario = await removed(tenant, 'Scenario', 'a')
    const { scenarios, found } = await tenant.data(
      `{ scenarios { nodes { scenarioId } } found: scenarios(filter: { search: "Do" }) { totalCount } }`,
    )
    expect([scenarios.nodes, found.totalCount]).toEqual([[{ scenarioId: 'b' }], 1])
    const { versionId } = await tenant.configVersion('other')
    expect(await start(tenant, { configVersionId: versionId, scenarioIds: ['b', 'a'] })).toMatchObject({
      errors: [{ code: 'SCENARIO_NOT_FOUND' }],
    })
    const { upsertScenarios } = await tenant.data(
      `mutation { upsertScenarios(input: { scenarios: [
        { scenarioId: "a", taskPrompt: "Do more." }, { scenarioId: "c", taskPrompt: "Do c." }] }) {
        receipts { scenarioId status code reason path }
      } }`,
    )
    expect(upsertScenarios.receipts).toMatchObject([
      {
        scenarioId: 'a',
        status: 'REJECTED',
        code: 'SCENARIO_DELETED',
        reason: expect.stringContaining(ofScenario),
        path: ['scenarioId'],
      },
      { scenarioId: 'c', status: 'STORED' },
    ])
    expect((await takeBack(tenant, ofSimulation)).errors).toEqual([])
    const back = await tenant.data(
      `query ($id: UUID!) { simulation(simulationId: $id) { runs { nodes { scenario { scenarioId } } } } deletions { totalCount } }`,
      { id: simulationId },
    )
    expect(back.simulation.runs.nodes).toHaveLength(2)
    expect(back.deletions.totalCount).toBe(0)
  })
})

describe('what is being deleted', () => {
  const pool = createPool({ connectionString: arc.databaseUrl, max: 1, logger: pino({ level: 'silent' }) })
  afterAll(() => pool.end())

  it.skipIf(arc.onPGlite)('is changed by nobody who waited for it', async () => {
    const tenant = arc.tenant()
    const { simulationId } = await oneMore(tenant)
    const { simulation } = await tenant.data(
      `query ($id: UUID!) { simulation(simulationId: $id) { configVersion { configId } } }`,
      { id: simulationId },
    )
    const { configId } = simulation.configVersion
    // Of the pool's one connection.
    const { pid } = (await pool.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]!
    let isDeleted = () => {}
    const deleted = new Promise<void>((resolve) => {
      isDeleted = resolve
    })
    let commit = () => {}
    const committed = new Promise<void>((resolve) => {
      commit = resolve
    })
    const deleting = inTenantTransaction(pool, viewerOf(tenant), 'read write', async (transaction) => {
      await deleteConfiguration(transaction, configId)
      isDeleted()
      await committed
    })
    await deleted
    // No more than a tenant's share of the connections.
    const changes = [
      ['completeSimulation', { simulationId }],
      ['describeSimulation', { simulationId, name: 'late' }],
      ['restoreConfiguration', { configId }],
    ] as const
    const answers = changes.map(async ([field, input]) => {
      const type = `${field[0]!.toUpperCase()}${field.slice(1)}Input`
      const data = await tenant.data(
        `mutation ($input: ${type}!) { ${field}(input: $input) { errors { code } } }`,
        { input },
      )
      return [field, ...data[field].errors.map(({ code }: any) => code)]
    })
    const allWait = vi.waitFor(
      async () => {
        const waiting = await arc.sql('admin', async (client) => {
          const { rows } = await client.query(
            // Other tests wait for locks of their own.
            `with recursive waiting as (
              select pid from pg_stat_activity where $1 = any (pg_blocking_pids(pid))
              union
              select a.pid from waiting w join pg_stat_activity a on w.pid = any (pg_blocking_pids(a.pid))
            )
            select count(*)::int as waiting from waiting`,
            [pid],
          )
          return rows[0]!.waiting
        })
        expect(waiting).toBe(changes.length)
      },
      { timeout: 20_000 },
    )
    await allWait.finally(commit)
    await deleting
    expect(await Promise.all(answers)).toEqual(
      changes.map(([field]) => [
        field,
        /Simulation/.test(field) ? 'SIMULATION_NOT_FOUND' : 'CONFIGURATION_NOT_FOUND',
      ]),
    )
  })
})

describe('what is deleted', () => {
  it('is seen by no role in any table or view that has its key', async () => {
    const tenant = arc.tenant()
    const { simulationId } = await oneMore(tenant)
    const { configVersion } = (
      await tenant.data(
        `query ($id: UUID!) { simulation(simulationId: $id) { configVersion { configId } } }`,
        {
          id: simulationId,
        },
      )
    ).simulation
    const keys = { config_id: configVersion.configId, simulation_id: simulationId, scenario_id: 'refund' }
    await tenant.data(
      `mutation ($id: UUID!, $simulation: UUID!) {
        createConfigVersion(input: { configId: $id, yaml: "model: other" }) { created }
        heartbeat(input: { simulationId: $simulation, scenarioId: "refund" }) { errors { code } }
      }`,
      { id: keys.config_id, simulation: simulationId },
    )
    await arc.sql('admin', async (client) => {
      await insertAlerts(client, { tenantId: tenant.tenantId, count: 12 })
      await insertMade(client, { tenantId: tenant.tenantId, count: 4 })
    })
    const columns = await arc.sql('admin', async (client) => {
      const { rows } = await client.query<{ relation: string; column: keyof typeof keys }>(
        `select table_name as relation, column_name as column from information_schema.columns
        where table_schema = 'public' and column_name = any ($1)
          and table_name <> all ('{deletions, simulation_events, audit_log}')`,
        [Object.keys(keys)],
      )
      return rows
    })
    const seen = async () => {
      const counts: Record<string, number> = {}
      for (const role of ['app_user', 'app_readonly', 'app_ingest', 'app_admin'] as const) {
        await sqlAs(arc, role, tenant, async (run) => {
          for (const { relation, column } of columns) {
            const statement = `select count(*)::int as rows from public.${relation} where ${column}::text = $1`
            const { rows, code } = await run(statement, [keys[column]])
            if (code !== DENIED) counts[`${role} ${relation} ${column}`] = rows[0]!.rows as number
          }
        })
      }
      return counts
    }
    await summedUp(arc, tenant)
    const before = await seen()
    await removed(tenant, 'Configuration', keys.config_id)
    await removed(tenant, 'Scenario', keys.scenario_id)
    // Sums of days do not know of which simulation they are: they follow.
    await summedUp(arc, tenant)
    const after = await seen()
    const visible = Object.keys(before).filter((place) => before[place]! > 0)
    expect(new Set(visible.map((place) => place.split(' ')[1]))).toEqual(
      new Set(columns.map(({ relation }) => relation)),
    )
    expect(after).toEqual(Object.fromEntries(Object.keys(before).map((place) => [place, 0])))
  })
})

describe('a deletion', () => {
  it('is for those who may write; for good is for administrators', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const input = { simulationId }
    const ask = (role: Role, field: string, type: string, given: object) =>
      tenant.ask(
        `mutation ($input: ${type}!) { ${field}(input: $input) { errors { code } } }`,
        { input: given },
        role,
      )
    for (const role of ['app_readonly', 'app_ingest'] as const) {
      const { errors } = await ask(role, 'deleteSimulation', 'DeleteSimulationInput', input)
      expect(errors?.[0]?.extensions?.code, role).toBe('FORBIDDEN')
    }
    const deletionId = await removed(tenant, 'Simulation', simulationId)
    for (const role of ['app_readonly', 'app_ingest', 'app_user'] as const) {
      const { errors } = await ask(role, 'purge', 'PurgeInput', { deletionId })
      expect(errors?.[0]?.extensions?.code, role).toBe('FORBIDDEN')
    }
    const { data } = await ask('app_admin', 'purge', 'PurgeInput', { deletionId })
    expect(data.purge.errors).toEqual([])
    // The servers' own job may have been there already.
    expect((await takeBack(tenant, deletionId)).errors).toMatchObject([
      { code: expect.stringMatching(/^DELETION_(FINAL|NOT_FOUND)$/) },
    ])
  })

  it('of what is not there is an error, and of another tenant’s as well', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    const simulationId = await other.simulation(['a'])
    expect((await remove(tenant, 'Simulation', simulationId)).errors).toMatchObject([
      { code: 'SIMULATION_NOT_FOUND', path: ['simulationId'] },
    ])
    expect((await remove(tenant, 'Configuration', randomUUID())).errors).toMatchObject([
      { code: 'CONFIGURATION_NOT_FOUND', path: ['configId'] },
    ])
    expect((await remove(tenant, 'Scenario', 'a')).errors).toMatchObject([
      { code: 'SCENARIO_NOT_FOUND', path: ['scenarioId'] },
    ])
    const deletionId = await removed(other, 'Simulation', simulationId)
    expect((await takeBack(tenant, deletionId)).errors).toMatchObject([{ code: 'DELETION_NOT_FOUND' }])
  })

  it('stands in the audit log, as does that it was taken back', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { name: 'kite' })
    await takeBack(tenant, await removed(tenant, 'Simulation', simulationId))
    const { auditLog } = await tenant.data(
      `{ auditLog(filter: { tableName: { eq: "deletions" } }) { nodes { operation actorId oldData newData } } }`,
    )
    expect(auditLog.nodes).toMatchObject([
      { operation: 'DELETE', oldData: { simulation_id: simulationId, name: 'kite' } },
      { operation: 'INSERT', newData: { simulation_id: simulationId, name: 'kite' } },
    ])
  })
})

/** As the job does it, by steps of so many outcomes, until nothing is due. */
async function purgeDue(most: number): Promise<{ purged: number; outcomes: number }[]> {
  return arc.sql('service', async (client) => {
    const steps: { purged: number; outcomes: number }[] = []
    let place: object | null = null
    do {
      await client.query('begin; set local role app_user')
      const { rows } = await client.query('select place, purged, outcomes from purge_deleted($1, $2)', [
        most,
        place,
      ])
      await client.query('commit')
      const { place: next, ...step }: any = rows[0]
      place = next
      steps.push(step)
    } while (place !== null)
    return steps
  })
}

const purge = (tenant: Tenant, deletionId: string) =>
  tenant.ask(
    `mutation ($input: PurgeInput!) { purge(input: $input) { errors { code message } } }`,
    { input: { deletionId } },
    'app_admin',
  )

describe('deleted for good', () => {
  it('leaves no row of it in any table, and every other row as it was', async () => {
    const { tenant } = await seedTenant(arc)
    await tenant.scenarios('refund', 'cancel')
    const rows = () => arc.sql('admin', (client) => rowsOf(client, tenant.tenantId))
    const deletionCount = async () => (await tenant.data('{ deletions { totalCount } }')).deletions.totalCount
    const deletionsBefore = await deletionCount()
    const before = await rows()
    const { simulationId } = await oneMore(tenant)
    const { simulation } = await tenant.data(
      `query ($id: UUID!) { simulation(simulationId: $id) { configVersion { configId } } }`,
      { id: simulationId },
    )
    const ofSimulation = await removed(tenant, 'Simulation', simulationId)
    const ofConfiguration = await removed(tenant, 'Configuration', simulation.configVersion.configId)
    await purgeDue(100)
    expect(await deletionCount()).toBe(deletionsBefore + 2)

    // What went before goes as well: nothing of a configuration is left.
    await purge(tenant, ofConfiguration)
    await purgeDue(1)
    const { deletion } = await tenant.data(`query ($id: UUID!) { deletion(deletionId: $id) { name } }`, {
      id: ofSimulation,
    })
    expect([deletion, await deletionCount()]).toEqual([null, deletionsBefore])
    const { audit_log, 'store.change_counters': counter, ...after } = bare(await rows())
    const { audit_log: _, 'store.change_counters': __, ...expected } = bare(before)
    expect(after).toEqual(expected)
    expect(counter).not.toEqual([])
    const deleted = audit_log!.map((row) => JSON.parse(row)).filter(({ operation }) => operation === 'DELETE')
    expect(deleted.map(({ table_name }) => table_name)).toEqual(
      expect.arrayContaining(['simulations', 'configurations', 'config_versions', 'outcome_notes']),
    )
    // Whoever follows the changes goes on from the number that was the latest.
    const { latestChange } = await tenant.data(`{ latestChange }`)
    const { changes } = await tenant.data(`query ($after: SafeInt!) { changes(afterSeq: $after) { seq } }`, {
      after: latestChange,
    })
    expect(changes).toEqual([])
  })

  it('is looked at once in a run, also what has to wait', async () => {
    const tenant = arc.tenant()
    const waiting = Array.from({ length: 30 }, (_, index) => `waits${index}`)
    const unused = Array.from({ length: 10 }, (_, index) => `goes${index}`)
    await removed(tenant, 'Simulation', await tenant.simulation(waiting))
    await tenant.scenarios(...unused)
    for (const scenarioId of [...waiting, ...unused]) await removed(tenant, 'Scenario', scenarioId)
    const { rows, steps } = await arc.sql('admin', async (client) => {
      await client.query('begin')
      try {
        await client.query(
          `update deletions set purge_at = case when scenario_id like 'waits%' then timestamptz '2020-01-01' else '2020-01-02' end
          where user_id = $1 and kind = 'scenario'`,
          [tenant.tenantId],
        )
        await client.query('set local role app_user')
        let place: object | null = null
        let steps = 0
        do {
          const step: any = await client.query('select place, purged from purge_deleted(100, $1)', [place])
          place = step.rows[0].place
          steps += step.rows[0].purged
        } while (place !== null)
        const { rows } = await client.query(
          `select idx_scan::int as looks from pg_stat_xact_user_tables where relname = 'simulations_scenarios'`,
        )
        return { rows, steps }
      } finally {
        await client.query('rollback')
      }
    })
    expect(steps).toBeGreaterThanOrEqual(10)
    // Of each that waits one look, and some of each that goes. From the start in each step it would be 330 and those.
    expect(rows[0].looks).toBeLessThan(4 * waiting.length + 10 * steps)
  })

  it('does not come back with its configuration, half or whole', async () => {
    const tenant = arc.tenant()
    const { simulationId, outcomeId } = await oneMore(tenant)
    const { simulation } = await tenant.data(
      `query ($id: UUID!) { simulation(simulationId: $id) { configVersion { configId } } }`,
      { id: simulationId },
    )
    const ofConfiguration = await removed(tenant, 'Configuration', simulation.configVersion.configId)
    const { deletions } = await tenant.data(
      `query ($id: UUID!) { deletions(filter: { withDeletionId: { eq: $id } }) { nodes { deletionId simulationId } } }`,
      { id: ofConfiguration },
    )
    expect(deletions.nodes).toMatchObject([{ simulationId }])
    await purge(tenant, deletions.nodes[0].deletionId)
    expect((await takeBack(tenant, ofConfiguration)).errors).toEqual([])
    const after = await tenant.data(
      `query ($id: UUID!, $outcomeId: UUID!) {
        simulation(simulationId: $id) { status } outcome(outcomeId: $outcomeId) { status } configurations { totalCount }
      }`,
      { id: simulationId, outcomeId },
    )
    expect(after).toEqual({ simulation: null, outcome: null, configurations: { totalCount: 1 } })
    await purgeDue(100)
    expect((await tenant.data('{ deletions { totalCount } }')).deletions.totalCount).toBe(0)
  })

  it('cannot be taken back any more, and a scenario waits for the simulation that ran it', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const ofSimulation = await removed(tenant, 'Simulation', simulationId)
    const ofScenario = await removed(tenant, 'Scenario', 'a')
    await purge(tenant, ofScenario)
    expect((await takeBack(tenant, ofScenario)).errors).toMatchObject([{ code: 'DELETION_FINAL' }])
    await purgeDue(100)
    expect(await tenant.data(`{ deletions { totalCount } }`)).toMatchObject({ deletions: { totalCount: 2 } })
    expect((await takeBack(tenant, ofSimulation)).errors).toEqual([])
    expect(await tenant.data(`{ scenarios { totalCount } deletions { totalCount } }`)).toEqual({
      scenarios: { totalCount: 1 },
      deletions: { totalCount: 0 },
    })
  })
})

/** By their names alone, and without what upserts and clocks change. */
const bare = (rows: Record<string, string[]>): Record<string, string[]> =>
  Object.fromEntries(Object.entries(rows).map(([table, each]) => [table.replace('public.', ''), each]))
