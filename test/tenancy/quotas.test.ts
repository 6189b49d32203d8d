import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'
import { complete } from '../support/subscriptions.ts'

const arc = useArc({ ARC_MAX_OPEN_RUNS_PER_TENANT: '10', ARC_MAX_API_KEYS_PER_TENANT: '2' })

describe('runs that have not ended', () => {
  async function start(tenant: Tenant, versionId: string, repetitions: number, simulationId = randomUUID()) {
    const { startSimulation } = await tenant.data(
      `mutation ($input: StartSimulationInput!) {
        startSimulation(input: $input) { simulation { simulationId } errors { code message } }
      }`,
      { input: { simulationId, configVersionId: versionId, scenarioIds: ['a'], repetitions } },
    )
    return startSimulation
  }

  it('are so many of a tenant, whenever they are planned; what has ended does not count', async () => {
    const tenant = arc.tenant()
    const { versionId } = await tenant.configVersion()
    await tenant.scenarios('a')
    const first = randomUUID()
    expect((await start(tenant, versionId, 6, first)).errors).toEqual([])
    const refused = await start(tenant, versionId, 5)
    expect(refused.errors).toMatchObject([
      {
        code: 'LIMIT_EXCEEDED',
        message: expect.stringMatching(/have 6 runs.* 5 more; 10 are allowed \(ARC_MAX_OPEN_RUNS/),
      },
    ])
    // The same call again is no further one.
    expect((await start(tenant, versionId, 6, first)).errors).toEqual([])
    const second = await start(tenant, versionId, 4)
    expect(second.errors).toEqual([])

    const join = async () =>
      (
        await tenant.data(
          `mutation ($input: RecordScenarioResultsInput!) {
            recordScenarioResults(input: $input) { receipts { status code path } errors { code } }
          }`,
          {
            input: {
              simulationId: second.simulation.simulationId,
              results: [
                {
                  scenario: { id: 'b', task_prompt: 'p' },
                  trajectory: { status: 'success' },
                  reliability_score: 1,
                },
              ],
            },
          },
        )
      ).recordScenarioResults
    expect(await join()).toEqual({
      receipts: [{ status: 'REJECTED', code: 'LIMIT_EXCEEDED', path: ['scenario'] }],
      errors: [],
    })
    await complete(tenant, first)
    expect(await join()).toMatchObject({ receipts: [{ status: 'STORED' }], errors: [] })

    const other = arc.tenant()
    const version = await other.configVersion()
    await other.scenarios('a')
    expect((await start(other, version.versionId, 10)).errors).toEqual([])
  })
})

describe('as many as come at once', () => {
  const refused = (payloads: { errors: { code: string }[] }[]) =>
    payloads.filter(({ errors }) => errors.some(({ code }) => code === 'LIMIT_EXCEEDED')).length

  it('are no more runs than one after the other', async () => {
    const tenant = arc.tenant()
    const { versionId } = await tenant.configVersion()
    await tenant.scenarios('a')
    const starts = await Promise.all(
      Array.from({ length: 12 }, () =>
        tenant.data(
          `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { errors { code } } }`,
          { input: { configVersionId: versionId, scenarioIds: ['a'], repetitions: 5 } },
        ),
      ),
    )
    expect(refused(starts.map(({ startSimulation }) => startSimulation))).toBe(10)
  })

  it('are no more keys', async () => {
    const tenant = arc.tenant()
    const keys = await Promise.all(
      Array.from({ length: 12 }, () =>
        tenant.data('mutation { createApiKey(input: { name: "ci", scope: READ }) { errors { code } } }'),
      ),
    )
    expect(refused(keys.map(({ createApiKey }) => createApiKey))).toBe(10)
  })
})

describe('API keys', () => {
  const create = async (tenant: Tenant) =>
    (
      await tenant.data(
        'mutation { createApiKey(input: { name: "ci", scope: ALL }) { apiKey { keyId } errors { code message } } }',
      )
    ).createApiKey
  const revoke = (tenant: Tenant, keyId: string) =>
    tenant.data('mutation ($keyId: UUID!) { revokeApiKey(input: { keyId: $keyId }) { errors { code } } }', {
      keyId,
    })

  it('are so many of a tenant that may be used', async () => {
    const tenant = arc.tenant()
    const [first, second] = [await create(tenant), await create(tenant)]
    expect([first.errors, second.errors]).toEqual([[], []])
    expect((await create(tenant)).errors).toMatchObject([
      { code: 'LIMIT_EXCEEDED', message: expect.stringMatching(/ARC_MAX_API_KEYS_PER_TENANT/) },
    ])
    expect((await create(arc.tenant())).errors).toEqual([])
    await revoke(tenant, first.apiKey.keyId)
    expect((await create(tenant)).errors).toEqual([])
  })

  it('that were revoked stay so, whatever SQL the roles of the service send', async () => {
    const tenant = arc.tenant()
    const { keyId } = (await create(tenant)).apiKey
    await revoke(tenant, keyId)
    for (const role of ['app_user', 'app_admin']) {
      for (const revokedAt of ['null', 'now()']) {
        const failure = await arc.sql('service', async (client) => {
          await client.query('begin')
          await client.query(`select set_config('role', $1, true), set_config('app.user_id', $2, true)`, [
            role,
            tenant.tenantId,
          ])
          const result = await client
            .query(`update api_keys set revoked_at = ${revokedAt} where key_id = $1`, [keyId])
            .then(
              ({ rowCount }) => rowCount,
              (error) => error.code,
            )
          await client.query('rollback')
          return result
        })
        expect({ role, revokedAt, failure }).toEqual({ role, revokedAt, failure: '42501' })
      }
    }
    await revoke(tenant, keyId)
  })
})
