import { afterAll, afterEach, describe, expect, inject, it, vi } from 'vitest'
import { ArcClient, type ArcClientOptions } from '../../src/client/arcClient.ts'
import { ArcRequestError } from '../../src/client/arcRequestError.ts'
import { AccidentScene, type Needs } from '../support/accidentScene.ts'
import type { Memory } from '../support/arcProcess.ts'
import { Load, type Seen } from '../support/load.ts'
import { ManySockets } from '../support/manySockets.ts'
import { hasPostgresServers } from '../support/postgresServer.ts'
import { shiftClock } from '../support/shiftedClock.ts'
import { SlowSubscriber } from '../support/slowSubscriber.ts'
import { SOON } from '../support/soon.ts'

/** How many sockets are open at once: docs/faults.md has figures of 10,000. */
const SOCKETS = Number(process.env.ARC_TEST_SOCKETS ?? 1_000)

/** As many as a tenant may have (ARC_MAX_SOCKETS_PER_TENANT). */
const SOCKETS_PER_TENANT = 1_000

const SANDBOXES = 1_000
/** So many more than a queue may hold. */
const CROWD = 200
const SLOW = 20
const HOUR_MS = 3_600_000
const TEST_MS = 180_000 + 30 * SOCKETS

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

interface Happening {
  scene: AccidentScene
  load: Load
  /** Whose the load is. */
  options: ArcClientOptions & { token: string }
  /** What the server took before. */
  before: Memory
}

interface Accident extends Needs {
  name: string
  /** Also on the embedded database: where that, or the way to it, is another. Only there: `only`. */
  embedded?: true | 'only'
  client?: Partial<ArcClientOptions>
  simulation?: Parameters<typeof Load.begin>[1]
  /** Goes on while the load does. What it returns must hold when the load has ended. */
  happens(happening: Happening): Promise<((seen: Seen) => Promise<void>) | void>
}

const ACCIDENTS: Accident[] = [
  {
    name: 'kill -9 of the API, three times',
    happens: ({ scene: { server }, load }) =>
      times(3, async () => {
        await load.more(100)
        await server.kill()
        await server.start()
      }),
  },
  {
    name: 'the connection that LISTENs cut, ten times, and refused for a while',
    embedded: true,
    async happens({ scene: { databaseWay }, load }) {
      await times(10, async () => {
        await databaseWay.listenerUp()
        await Promise.all([databaseWay.killListener(), load.more(20)])
      })
      databaseWay.refuseListener(true)
      await databaseWay.killListener()
      await load.more(100)
      databaseWay.refuseListener(false)
      await databaseWay.listenerUp()
    },
  },
  {
    name: 'all other connections to the database cut, ten times',
    embedded: true,
    happens: ({ scene: { databaseWay }, load }) =>
      times(10, async () => {
        await load.more(50)
        await databaseWay.killPool()
      }),
  },
  {
    name: 'the way to the server swallows everything, twice',
    client: { timeoutMs: 2_000, silenceMs: 14_000 },
    happens: ({ scene: { clientsWay }, load }) =>
      times(2, async () => {
        await load.more(100)
        const sent = clientsWay.count('mutation Record')
        clientsWay.mute(true)
        // Those that were on the way, and their second attempts.
        await vi.waitFor(() => expect(clientsWay.count('mutation Record')).toBeGreaterThan(sent + 5), SOON)
        clientsWay.mute(false)
      }),
  },
  {
    name: `${SANDBOXES} sandboxes that record one outcome each, at once`,
    embedded: true,
    happens: ({ load }) => load.burst(SANDBOXES),
  },
  ...[3, -3].map(
    (hours): Accident => ({
      name: `the client’s clock three hours ${hours > 0 ? 'ahead' : 'behind'}`,
      async happens({ load }) {
        const setBack = shiftClock(hours * HOUR_MS)
        try {
          await load.more(200)
          const outcome = load.outcome()
          const receipt = await load.client.recordOutcome({
            ...outcome,
            executionTime: new Date().toISOString(),
          })
          if (hours < 0) expect(receipt.status).toBe('STORED')
          else {
            expect(receipt).toMatchObject({ status: 'REJECTED', code: 'TIME_IN_FUTURE' })
            expect((await load.client.recordOutcome(outcome)).status).toBe('STORED')
          }
        } finally {
          setBack()
        }
        return async () => expect(load.hoursOff()).toBeLessThan(hours < 0 ? 3.1 : 0.1)
      },
    }),
  ),
  {
    name: `${SOCKETS.toLocaleString('en')} sockets that follow, and leave at once`,
    async happens({ scene, load }) {
      const sockets = new ManySockets()
      const followed: [ArcClient, string][] = []
      for (let left = SOCKETS; left > 0; left -= SOCKETS_PER_TENANT) {
        const { url, token } = await scene.newTenant()
        const client = new ArcClient({ url, token })
        const simulationId = await quietSimulation(client)
        const count = Math.min(left, SOCKETS_PER_TENANT)
        await sockets.open(scene.server.url, token, simulationId, count)
        followed.push([client, simulationId])
      }
      await load.more(100)
      for (const repetition of upTo(3)) {
        for (const [client, simulationId] of followed)
          await client.recordOutcome({ simulationId, scenarioId: 'a', repetition, status: 'SUCCESS' })
      }
      await Promise.all(upTo(4).map((seq) => sockets.heard(seq, SOCKETS)))
      await sockets.leave()
      expect({ lost: sockets.lost, disordered: sockets.disordered }).toEqual({ lost: 0, disordered: 0 })
    },
  },
  {
    name: 'kill -9 of the API with its embedded database, twice',
    database: 'the server’s own, embedded',
    embedded: 'only',
    happens: ({ scene: { server }, load }) =>
      times(2, async () => {
        await load.more(100)
        await server.kill()
        await server.start()
      }),
  },
  {
    name: 'kill -9 of one of two APIs behind a proxy, then of the other',
    beside: true,
    async happens({ scene: { server, beside, clientsWay }, load }) {
      for (const [dying, living] of [
        [server, beside],
        [beside, server],
      ] as const) {
        await load.more(100)
        clientsWay.upstream = living.url
        await dying.kill()
        await load.more(100)
        await dying.start()
      }
    },
  },
  {
    name: 'kill -9 of PostgreSQL, twice',
    database: 'a PostgreSQL of its own',
    happens: ({ scene: { postgres }, load }) =>
      times(2, async () => {
        await load.more(100)
        postgres.kill()
        postgres.start()
      }),
  },
  {
    name: 'the disk of the data full',
    database: 'a PostgreSQL of its own',
    disk: 'of the data',
    async happens({ scene: { server, disk }, load, options: { token } }) {
      disk.fill()
      const impatient = new ArcClient({ url: server.url, token, patienceMs: 0 })
      const refusal = await firstRefusal(() => impatient.recordOutcomes(upTo(20).map(() => load.outcome())))
      expect(refusal).toMatchObject({ status: 503, codes: ['UNAVAILABLE'], retryable: true })
      expect(refusal.message).toMatch(/no room/)
      // What was stored is read on.
      expect((await impatient.getSimulationStatus(load.simulationId)).status).toBe('RUNNING')
      for await (const { outcomeId } of impatient.getScenarioOutcomes(load.simulationId))
        expect(outcomeId).toBeDefined()
      disk.empty()
    },
  },
  {
    name: 'the disk of the write-ahead log full, until PostgreSQL ends; started when there is room',
    database: 'a PostgreSQL of its own',
    disk: 'of the log',
    async happens({ scene: { postgres, disk } }) {
      disk.fill()
      await vi.waitFor(() => expect(postgres.isRunning).toBe(false), { timeout: 60_000 })
      disk.empty()
      postgres.start()
    },
  },
  {
    name: 'the way to the database swallows everything, three times',
    embedded: true,
    // The embedded one answers all other tests as well, one after the other.
    server: { ARC_DATABASE_SECONDS: inject('serverUrl') === null ? '6' : '2' },
    happens: ({ scene: { databaseWay }, load }) =>
      times(3, async () => {
        await load.more(100)
        databaseWay.swallow()
      }),
  },
  {
    name: `a pool of one connection that writes, a queue of forty, and ${CROWD} who want to`,
    server: { ARC_POOL_SIZE: '3', ARC_POOL_BURST: '0', ARC_MAX_WAITING: '40' },
    async happens({ scene: { clientsWay }, load }) {
      await load.burst(CROWD)
      expect(clientsWay.count('mutation RecordOutcome(')).toBeGreaterThan(1.5 * CROWD)
    },
  },
  {
    name: `${SLOW} subscribers of large events that stop reading`,
    server: { ARC_MAX_WRITE_SECONDS: '3', ARC_MAX_PONG_SECONDS: '3' },
    simulation: { metadata: { text: 'm'.repeat(100_000) } },
    async happens({ scene: { server }, load, options: { token }, before }) {
      const asked = { url: server.url, token, simulationId: load.simulationId }
      const subscribers = upTo(SLOW).map(
        (number) => new SlowSubscriber(number % 2 === 0 ? 'WebSocket' : 'server-sent events', asked),
      )
      await Promise.all(subscribers.map(({ subscribed }) => subscribed))
      let most = 0
      await times(5, async () => {
        await load.more(200)
        most = Math.max(most, (await server.memory()).usedMb)
      })
      // What ws may hold of each (1 MiB), and the event that is on its way.
      expect(most - before.usedMb).toBeLessThan(20 + 3 * SLOW)
      // All but the load's own are shown out.
      await vi.waitFor(async () => expect((await server.figures()).get('arc_subscriptions')).toBe(1), SOON)
      for (const subscriber of subscribers) subscriber.resume()
      return async ({ events }: Seen) => {
        for (const { seqs } of subscribers) {
          const resumed = load.client.simulationEvents(load.simulationId, { afterSeq: seqs.at(-1)! })
          for await (const { seq } of resumed) seqs.push(seq)
          expect(seqs).toEqual(upTo(events))
        }
      }
    },
  },
  ...[3, -3].map(
    (hours): Accident => ({
      name: `the server’s clock three hours ${hours > 0 ? 'ahead' : 'behind'}`,
      server: { TEST_CLOCK_AHEAD_MS: String(hours * HOUR_MS) },
      happens: async (happening) => {
        const { load } = happening
        await load.more(200)
        await load.client.recordOutcome(load.outcome({ executionTime: new Date().toISOString() }))
        await keysEndWithTheDatabasesTime(happening)
        return async () => expect(load.hoursOff()).toBeLessThan(0.1)
      },
    }),
  ),
]

async function times(count: number, work: () => Promise<unknown>): Promise<void> {
  for (let time = 0; time < count; time++) await work()
}

async function firstRefusal(work: () => Promise<unknown>): Promise<ArcRequestError> {
  for (;;) {
    try {
      await work()
    } catch (error) {
      if (error instanceof ArcRequestError) return error
      throw error
    }
  }
}

async function quietSimulation(client: ArcClient): Promise<string> {
  const { versionId } = await client.ensureConfigVersion({ name: 'agent', yaml: 'model: m\n' })
  await client.upsertScenarios([{ scenarioId: 'a', taskPrompt: 'Do it.' }])
  const { simulationId } = await client.startSimulation({
    configVersionId: versionId,
    scenarioIds: ['a'],
    repetitions: 3,
  })
  return simulationId
}

/** A key for an hour is taken, works, and beats for its run. */
async function keysEndWithTheDatabasesTime({ scene, load }: Happening): Promise<void> {
  const { createApiKey } = await load.client.request<any>(
    `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret errors { message } } }`,
    { input: { name: 'for an hour', scope: 'ALL', expiresAt: new Date(Date.now() + HOUR_MS).toISOString() } },
  )
  expect(createApiKey.errors).toEqual([])
  const byKey = new ArcClient({ url: scene.server.url, token: createApiKey.secret })
  await byKey.heartbeat({ simulationId: load.simulationId })
  const { simulation } = await byKey.request<any>(
    'query ($id: UUID!) { simulation(simulationId: $id) { lastHeartbeatAt runtimeMs } }',
    { id: load.simulationId },
  )
  expect(Math.abs(Date.parse(simulation.lastHeartbeatAt) - Date.now())).toBeLessThan(HOUR_MS / 10)
  expect(simulation.runtimeMs).toBeLessThan(HOUR_MS / 10)
}

/** One line of the report. */
type Line = Seen & { name: string; before: Memory; after: Memory }

const lines: Line[] = []
/** That of the last accident, for the next one that needs no other: to start one takes longer than most accidents. */
let current: { needs: string; scene: AccidentScene; before: Memory } | undefined
const undo: (() => Promise<unknown>)[] = []

async function leaveScene(): Promise<void> {
  current = undefined
  for (const step of undo.splice(0).reverse()) await step()
}

/** With what its server takes when it has worked for a while. Undefined where there may be no small disk. */
async function sceneFor({ database, disk, beside, server }: Needs): Promise<typeof current> {
  const needs = JSON.stringify({ database, disk, beside, server })
  if (current?.needs === needs) return current
  await leaveScene()
  const scene = await AccidentScene.build({ database, disk, beside, server }, undo)
  if (!scene) return undefined
  const warmUp = await Load.begin(await scene.newTenant())
  await warmUp.more(300)
  await warmUp.end()
  current = { needs, scene, before: await scene.server.memory() }
  return current
}

afterEach(({ task }) => (task.result?.state === 'fail' ? leaveScene() : undefined))
afterAll(async () => {
  await leaveScene()
  console.log(reportOf(lines))
})

const onServer = inject('serverUrl') !== null

describe('while a client records, follows and reads:', () => {
  for (const accident of ACCIDENTS) {
    const { name, embedded, database } = accident
    const isHere = onServer ? embedded !== 'only' : embedded !== undefined
    const hasServers = database !== 'a PostgreSQL of its own' || hasPostgresServers
    it.skipIf(!isHere || !hasServers)(
      name,
      async ({ skip }) => {
        const found = await sceneFor(accident)
        if (!found) return skip('No file system of its own may be mounted here.')
        const { scene, before } = found
        const options = { ...accident.client, ...(await scene.newTenant()) }
        const load = await Load.begin(options, accident.simulation)
        await load.more(100)
        const then = await accident.happens({ scene, load, options, before })
        await load.more(100)
        const seen = await load.end()
        await then?.(seen)
        let after = before
        await vi.waitFor(async () => {
          after = await scene.server.memory()
          expect(after.usedMb).toBeLessThan(before.usedMb * 1.15 + 5)
        }, SOON)
        lines.push({ name, ...seen, before, after })

        const { lost, doubled, eventsMissed, eventsOutOfOrder, misread, failures } = seen
        expect({ lost, doubled, eventsMissed, eventsOutOfOrder, misread, failures }).toEqual({
          lost: 0,
          doubled: 0,
          eventsMissed: 0,
          eventsOutOfOrder: 0,
          misread: 0,
          failures: [],
        })
      },
      TEST_MS,
    )
  }
})

function reportOf(all: readonly Line[]): string {
  const head = [
    'accident',
    'acknowledged',
    'lost',
    'doubled',
    'events',
    'missed',
    'readings',
    'failed calls',
    'longest delay',
    'memory before → after',
  ]
  const rows = all.map(({ name, before, after, ...seen }) => [
    name,
    seen.acknowledged,
    seen.lost,
    seen.doubled,
    seen.events,
    seen.eventsMissed + seen.eventsOutOfOrder,
    seen.readings,
    seen.failures.length,
    `${(seen.longestDelayMs / 1_000).toFixed(1)} s`,
    `${before.usedMb.toFixed(0)} → ${after.usedMb.toFixed(0)} MB`,
  ])
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
