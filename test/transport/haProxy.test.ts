import { request } from 'node:https'
import { createClient } from 'graphql-ws'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { Arc } from '../support/arc.ts'
import { HaProxy, hasHaProxy } from '../support/haProxy.ts'
import { SOON } from '../support/soon.ts'
import { hasOpenSsl, selfSigned } from '../support/tlsInFront.ts'

const canRun = hasHaProxy && hasOpenSsl

describe.skipIf(!canRun)('behind HAProxy with TLS', async () => {
  if (!canRun) return
  const certificate = selfSigned()
  afterAll(() => certificate.remove())
  const behind = { ARC_PROXY_HOPS: '1', ARC_DRAIN_SECONDS: '3' }
  const servers = [new Arc(behind), new Arc(behind)] as const
  for (const server of servers) await server.start()
  const proxy = await HaProxy.start(
    certificate,
    servers.map(({ url }) => url),
  )
  afterAll(async () => {
    await proxy.stop()
    await servers[1].stop()
  })
  const [arc] = servers
  const tenant = arc.tenant()
  const ask = (query: string, headers: Record<string, string> = {}) =>
    new Promise<{ status: number; body: any }>((resolve, reject) => {
      void tenant.token().then((token) => {
        const sent = request(
          {
            host: 'localhost',
            port: proxy.httpsPort,
            path: '/graphql',
            method: 'POST',
            ca: certificate.cert,
            headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
          },
          (answer) => {
            let text = ''
            answer.on('data', (piece) => {
              text += piece
            })
            answer.on('end', () =>
              resolve({ status: answer.statusCode!, body: text.startsWith('{') ? JSON.parse(text) : text }),
            )
          },
        )
        sent.on('error', reject)
        sent.end(JSON.stringify({ query }))
      })
    })
  const scenario = (id: string) =>
    `mutation { upsertScenarios(input: { scenarios: [{ scenarioId: "${id}", taskPrompt: "Do." }] }) { errors { code } } }`

  it('operations come through, with the address of their client and not what it says of itself', async () => {
    await vi.waitFor(async () => expect((await ask('{ scenarios { totalCount } }')).status).toBe(200), SOON)
    expect((await ask(scenario('proxied'), { 'x-forwarded-for': '203.0.113.7' })).status).toBe(200)
    const { body } = await ask('{ auditLog(first: 1) { nodes { ipAddress } } }')
    expect(body.data).toEqual({ auditLog: { nodes: [{ ipAddress: '127.0.0.1' }] } })
  })

  it('what comes without TLS is sent there', async () => {
    const { status, headers } = await fetch(`http://localhost:${proxy.httpPort}/graphql`, {
      redirect: 'manual',
    })
    expect([status, headers.get('location')]).toEqual([308, expect.stringMatching(/^https:\/\/localhost/)])
  })

  it('subscriptions run over WebSockets', async () => {
    const simulationId = await tenant.simulation(['a'])
    const token = await tenant.token()
    const client = createClient({
      url: `wss://localhost:${proxy.httpsPort}/graphql`,
      webSocketImpl: class extends WebSocket {
        constructor(url: string, protocols: string) {
          super(url, protocols, { ca: certificate.cert })
        }
      },
      connectionParams: { authorization: `Bearer ${token}` },
    })
    const events = client.iterate<{ simulationProgress: { status: string } }>({
      query: `subscription { simulationProgress(simulationId: "${simulationId}") { status } }`,
    })
    expect((await events.next()).value?.data?.simulationProgress.status).toBe('RUNNING')
    await tenant.data(
      `mutation { cancelSimulation(input: { simulationId: "${simulationId}" }) { errors { code } } }`,
    )
    expect((await events.next()).value?.data?.simulationProgress.status).toBe('CANCELLED')
    await client.dispose()
  })

  it('no operation fails while one of two servers is stopped', async () => {
    let stopped = false
    const stopping = servers[0].stop().then(() => {
      stopped = true
    })
    let asked = 0
    while (!stopped) {
      expect((await ask('{ scenarios { totalCount } }')).status).toBe(200)
      asked += 1
    }
    await stopping
    for (let more = 0; more < 20; more++) expect((await ask('{ scenarios { totalCount } }')).status).toBe(200)
    expect(asked).toBeGreaterThan(1)
  })
})
