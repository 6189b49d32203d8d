import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { signToken } from '../../src/auth/tokens.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { useArcBehindProxy } from '../support/databaseProxy.ts'
import { GraphQLSocket } from '../support/graphqlWs.ts'

const arc = useArc({ ARC_POOL_SIZE: undefined })

const MANY = 1_000
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

/** A request on a connection of its own, as each sandbox has one. */
function post(
  url: string,
  token: string,
  query: string,
  variables: object,
): Promise<{ status: number; retryAfter: string | undefined; data: any; errors: any }> {
  const body = JSON.stringify({ query, variables })
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
    const sent = request(url, { method: 'POST', headers, agent: new Agent() }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece) => {
        text += piece
      })
      response.on('end', () => {
        const { 'retry-after': retryAfter } = response.headers
        resolve({ status: response.statusCode!, retryAfter, ...JSON.parse(text) })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const RECORD = `mutation ($outcome: OutcomeInput!) {
  recordOutcome(input: { outcome: $outcome }) { receipt { status } errors { code message } }
}`

const recordedIn = async (tenant: Tenant) =>
  (await tenant.data('{ outcomes { totalCount } }')).outcomes.totalCount

describe(`${MANY} sandboxes`, () => {
  it('with a key of their own each, that record one outcome at the same time, are all answered, and all is stored', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: MANY })
    const { tenantId } = tenant
    const answers = await Promise.all(
      upTo(MANY).map(async (repetition) => {
        const actorId = `sandbox ${repetition}`
        const token = await signToken(arc.config.auth, {
          tenantId,
          actorId,
          role: 'app_ingest',
          lifetimeSeconds: 3_600,
        })
        return post(arc.url, token, RECORD, {
          outcome: { simulationId, scenarioId: 'a', repetition, status: 'SUCCESS' },
        })
      }),
    )
    expect(answers.filter(({ data }) => data?.recordOutcome.receipt?.status !== 'STORED')).toEqual([])
    expect(await recordedIn(tenant)).toBe(MANY)
  })

  // PGlite serves one transaction at a time: it would take minutes and show the same.
  it.skipIf(arc.onPGlite)(
    'that start, record and end a simulation each all go through',
    async () => {
      const tenant = arc.tenant()
      const { versionId } = await tenant.configVersion()
      await tenant.scenarios('a')
      const token = await tenant.token()
      const whole = async () => {
        const simulationId = randomUUID()
        const steps = [
          post(
            arc.url,
            token,
            `mutation ($id: UUID!, $version: UUID!) {
              startSimulation(input: { simulationId: $id, configVersionId: $version, scenarioIds: ["a"] }) {
                simulation { status } errors { code message }
              }
            }`,
            { id: simulationId, version: versionId },
          ),
        ]
        await steps[0]
        steps.push(
          post(arc.url, token, RECORD, { outcome: { simulationId, scenarioId: 'a', status: 'SUCCESS' } }),
        )
        await steps[1]
        steps.push(
          post(
            arc.url,
            token,
            `mutation ($id: UUID!) {
              completeSimulation(input: { simulationId: $id }) { simulation { status } errors { code message } }
            }`,
            { id: simulationId },
          ),
        )
        const [started, recorded, ended] = await Promise.all(steps)
        return [
          started!.data?.startSimulation.simulation?.status ?? started,
          recorded!.data?.recordOutcome.receipt?.status ?? recorded,
          ended!.data?.completeSimulation.simulation?.status ?? ended,
        ]
      }
      const results = await Promise.all(upTo(MANY).map(whole))
      expect(results.filter((result) => result.join() !== 'RUNNING,STORED,COMPLETED')).toEqual([])
    },
    90_000,
  )

  it('connect while the server is busy with something else', () => {
    const { hostname, port } = new URL(arc.url)
    const connectAll = `
      let connected = 0
      const sockets = Array.from({ length: ${MANY} }, () =>
        require('node:net').connect(${port}, '${hostname}', () => {
          connected += 1
          if (connected === ${MANY}) process.exit(0)
        }))`
    // Until it ends this process does nothing at all: what is connected is so by the backlog alone.
    const { status } = spawnSync(process.execPath, ['--eval', connectAll], { timeout: 20_000 })
    expect(status).toBe(0)
  })
})

describe('what is beyond a queue', async () => {
  const { arc: behind, proxy } = await useArcBehindProxy({
    ARC_POOL_SIZE: '1',
    ARC_POOL_BURST: '0',
    ARC_MAX_WAITING: '10',
  })

  it.each([
    {
      of: 'outcomes one by one',
      // A tenant's share of ten, of which the one that is being stored is one.
      room: 6,
      statement: 'ingestOutcomes',
      query: RECORD,
      variables: (simulationId: string, repetition: number) => ({
        outcome: { simulationId, scenarioId: 'a', repetition, status: 'SUCCESS' },
      }),
    },
    {
      of: 'other mutations',
      room: 10,
      statement: 'upsertScenarios',
      query: `mutation ($id: String!) {
        upsertScenarios(input: { scenarios: [{ scenarioId: $id, taskPrompt: "Do it." }] }) { errors { code } }
      }`,
      variables: (_: string, scenario: number) => ({ id: `scenario_${scenario}` }),
    },
    {
      of: 'queries',
      room: 10,
      statement: '/* answer */',
      query: '{ scenarios { nodes { scenarioId } } }',
      variables: () => ({}),
    },
  ])('of $of is refused, with a time to come back at', async ({ room, statement, query, variables }) => {
    const tenant = behind.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 31 })
    const token = await tenant.token()
    const holding = proxy.hold(statement)
    const first = post(behind.url, token, query, variables(simulationId, 31))
    const held = await holding
    const answers: Awaited<typeof first>[] = []
    let enough = () => {}
    const refusals = new Promise<void>((resolve) => {
      enough = resolve
    })
    const asking = upTo(30).map(async (index) => {
      answers.push(await post(behind.url, token, query, variables(simulationId, index)))
      if (answers.length === 30 - room) enough()
    })
    await refusals
    for (const { status, retryAfter, data, errors } of answers)
      expect({ status, retryAfter, data, code: errors?.[0].extensions.code }).toEqual({
        status: 503,
        retryAfter: '2',
        data: null,
        code: 'UNAVAILABLE',
      })
    const socket = new GraphQLSocket(behind.webSocketUrl, { authorization: `Bearer ${token}` })
    const { value } = await socket.results(query, variables(simulationId, 30)).next()
    expect(value.errors).toMatchObject([{ extensions: { code: 'UNAVAILABLE', retryAfterSeconds: 2 } }])
    await socket.close()
    held.forward()
    await Promise.all(asking)
    expect([await first, ...answers].filter(({ errors }) => !errors)).toHaveLength(1 + room)
  })
})

describe('what many tenants ask', async () => {
  const { arc: behind, proxy } = await useArcBehindProxy({
    ARC_POOL_SIZE: '1',
    ARC_POOL_BURST: '0',
    ARC_MAX_WAITING: '10',
  })

  it('has room among outcomes that wait, however many one of them has there', async () => {
    const record = async (tenant: Tenant, simulationId: string, repetition: number) => {
      const outcome = { simulationId, scenarioId: 'a', repetition, status: 'SUCCESS' }
      const { errors } = await post(behind.url, await tenant.token(), RECORD, { outcome })
      return errors?.[0].extensions.code ?? 'STORED'
    }
    const [loud, other] = [behind.tenant(), behind.tenant()]
    const [ofLoud, ofOther] = [
      await loud.simulation(['a'], { repetitions: 30 }),
      await other.simulation(['a'], { repetitions: 2 }),
    ]
    const holding = proxy.hold('ingestOutcomes')
    const first = record(loud, ofLoud, 30)
    const held = await holding
    const refused: string[] = []
    let enough = () => {}
    const refusals = new Promise<void>((resolve) => {
      enough = resolve
    })
    const many = upTo(20).map(async (repetition) => {
      const result = await record(loud, ofLoud, repetition)
      if (result !== 'STORED') refused.push(result)
      if (refused.length === 14) enough()
    })
    await refusals
    const quiet = upTo(2).map((repetition) => record(other, ofOther, repetition))
    held.forward()
    expect(await Promise.all(quiet)).toEqual(['STORED', 'STORED'])
    await Promise.all([first, ...many])
    expect(new Set(refused)).toEqual(new Set(['UNAVAILABLE']))
  })

  it('beyond the queue of the connections is refused, though each of them asks for little', async () => {
    const SCENARIOS = '{ scenarios { nodes { scenarioId } } }'
    const holding = proxy.hold('/* answer */')
    const first = behind.tenant().ask(SCENARIOS)
    const held = await holding
    let refused = 0
    let enough = () => {}
    const refusals = new Promise<void>((resolve) => {
      enough = resolve
    })
    const asking = upTo(30).map(async () => {
      const { status } = await behind.tenant().ask(SCENARIOS)
      if (status === 503) refused += 1
      if (refused === 20) enough()
      return status
    })
    await refusals
    held.forward()
    expect((await first).status).toBe(200)
    expect((await Promise.all(asking)).filter((status) => status === 200)).toHaveLength(10)
  })
})

describe('writing', async () => {
  const { arc: behind, proxy } = await useArcBehindProxy({ ARC_POOL_SIZE: '1', ARC_POOL_BURST: '0' })

  // PGlite serves one transaction at a time.
  it.skipIf(arc.onPGlite)('does not wait for those who read', async () => {
    const tenant = behind.tenant()
    const simulationId = await tenant.simulation(['a'], { repetitions: 2 })
    const holding = proxy.hold('/* answer */')
    // The only connection that reads.
    const reading = tenant.ask('{ scenarios { nodes { scenarioId } } }')
    const held = await holding
    const outcome = { simulationId, scenarioId: 'a', status: 'SUCCESS' }
    const { receipts } = await tenant.record([{ ...outcome, repetition: 1 }])
    const { recordOutcome } = await tenant.data(RECORD, { outcome: { ...outcome, repetition: 2 } })
    expect([...receipts, recordOutcome.receipt].map(({ status }) => status)).toEqual(['STORED', 'STORED'])
    held.forward()
    expect((await reading).errors).toBeUndefined()
  })
})
