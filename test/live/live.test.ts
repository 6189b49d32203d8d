import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { useArcBehindProxy } from '../support/databaseProxy.ts'
import { SOON } from '../support/soon.ts'
import {
  all,
  complete,
  ENDS,
  EVENTS,
  end,
  next,
  PROGRESS,
  seqs,
  success,
  take,
  upTo,
  useSubscriptions,
} from '../support/subscriptions.ts'

const { arc, proxy } = await useArcBehindProxy()
const { openSocket, overWebSocket, overSse } = useSubscriptions(arc)

describe.each([
  ['WebSocket', overWebSocket],
  ['server-sent events', overSse],
])('over %s', (_, subscribe) => {
  describe('simulationProgress', () => {
    it('begins with the state of a simulation that has not begun, and follows it', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a', 'b'], { start: false })
      const progress = await subscribe(tenant, PROGRESS, { simulationId })
      const begin = { totalScenarios: 2, failedScenarios: 0 }
      expect(await next(progress)).toEqual({
        ...begin,
        seq: 0,
        status: 'PENDING',
        succeededScenarios: 0,
        completionPercent: 0,
        currentScore: null,
        simulation: { status: 'PENDING', succeededScenarios: 0 },
      })
      await tenant.record([success(simulationId, 1)])
      expect(await next(progress)).toEqual({
        ...begin,
        seq: 1,
        status: 'RUNNING',
        succeededScenarios: 1,
        completionPercent: 50,
        currentScore: 1,
        simulation: { status: 'RUNNING', succeededScenarios: 1 },
      })
      await complete(tenant, simulationId)
      expect(await next(progress)).toMatchObject({ seq: 2, status: 'COMPLETED', currentScore: 1 })
      expect(await progress.next()).toMatchObject({ done: true })
    })

    it.each(ENDS)('of a simulation that is %s is that one state', async (status, step) => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'])
      await end(tenant, step, simulationId)
      const states = await all(await subscribe(tenant, PROGRESS, { simulationId }))
      expect(states).toMatchObject([{ seq: 2, status }])
    })

    it.each(ENDS)('completes when the simulation becomes %s', async (status, step) => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'])
      const progress = await subscribe(tenant, PROGRESS, { simulationId })
      expect(await next(progress)).toMatchObject({ seq: 1, status: 'RUNNING' })
      await end(tenant, step, simulationId)
      expect(await all(progress)).toMatchObject([{ seq: 2, status }])
    })

    it('follows ingestion to its end, never backwards', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 30 })
      const progress = await subscribe(tenant, PROGRESS, { simulationId })
      expect(await next(progress)).toMatchObject({ seq: 1 })
      const states = all(progress)
      for (const repetition of upTo(30)) await tenant.record([success(simulationId, repetition)])
      await complete(tenant, simulationId)
      const seen = seqs(await states)
      expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
      expect((await states).at(-1)).toMatchObject({ seq: 32, status: 'COMPLETED', succeededScenarios: 30 })
    })

    it('shows a later subscriber what has changed without a step', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { name: 'first' })
      const query = PROGRESS.replace('seq', 'seq simulation { simulationName }')
      const first = await subscribe(tenant, query, { simulationId })
      expect(await next(first)).toMatchObject({ seq: 1, simulation: { simulationName: 'first' } })
      await arc.sql('admin', (client) =>
        client.query(
          `begin; select set_config('app.user_id', '${tenant.tenantId}', true);
          update simulations set simulation_name = 'second' where simulation_id = '${simulationId}'; commit`,
        ),
      )
      await vi.waitFor(
        async () => {
          const later = await subscribe(tenant, query, { simulationId })
          const state = await next(later)
          await later.return!()
          expect(state).toMatchObject({ seq: 1, simulation: { simulationName: 'second' } })
        },
        { ...SOON, interval: 200 },
      )
      await first.return!()
    })

    it('shows a second subscriber the state now, also when hints are lost', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 3 })
      const first = await subscribe(tenant, PROGRESS, { simulationId })
      expect(await next(first)).toMatchObject({ seq: 1 })
      proxy.muteListener(true)
      try {
        await tenant.record([success(simulationId, 1)])
        await tenant.record([success(simulationId, 2)])
        const second = await subscribe(tenant, PROGRESS, { simulationId })
        expect(await next(second)).toMatchObject({ seq: 3, succeededScenarios: 2 })
        // What one has read the other hears of; a poll may have shown it the step between.
        let state = await next(first)
        if (state.seq === 2) state = await next(first)
        expect(state).toMatchObject({ seq: 3 })
        await Promise.all([first.return!(), second.return!()])
      } finally {
        proxy.muteListener(false)
      }
    })
  })

  describe('simulationEvents', () => {
    it('are every step once, in order, from the first or from any other', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a', 'b'], { repetitions: 2, start: false })
      const live = all(await subscribe(tenant, EVENTS, { simulationId }))
      await tenant.record([success(simulationId, 1)])
      // One event a batch, however many rows it has, and none for a batch that stores nothing.
      await tenant.record([
        success(simulationId, 2, { reliabilityScore: 0.5 }),
        { simulationId, scenarioId: 'b', repetition: 1, status: 'ERROR', reliabilityScore: 0 },
      ])
      await tenant.record([success(simulationId, 1)])
      const timeout = { simulationId, scenarioId: 'b', repetition: 2, status: 'TIMEOUT' }
      await tenant.record([timeout])
      // A later attempt is an event even when no figure changes by it.
      await tenant.record([{ ...timeout, retryCount: 1 }])
      await complete(tenant, simulationId)

      const state = { totalScenarios: 4 }
      const steps = [
        { kind: 'STARTED', status: 'RUNNING', succeededScenarios: 1, failedScenarios: 0, currentScore: 1 },
        { kind: 'PROGRESS', status: 'RUNNING', succeededScenarios: 2, failedScenarios: 1, currentScore: 0.5 },
        { kind: 'PROGRESS', status: 'RUNNING', succeededScenarios: 2, failedScenarios: 2, currentScore: 0.5 },
        { kind: 'PROGRESS', status: 'RUNNING', succeededScenarios: 2, failedScenarios: 2, currentScore: 0.5 },
        {
          kind: 'COMPLETED',
          status: 'COMPLETED',
          succeededScenarios: 2,
          failedScenarios: 2,
          currentScore: 0.5,
        },
      ].map((step, index) => ({
        ...state,
        ...step,
        seq: index + 1,
        completionPercent: (100 * (step.succeededScenarios + step.failedScenarios)) / 4,
      }))
      expect(await live).toEqual(steps)
      for (const afterSeq of [undefined, 0, 1, 3, 5, 6]) {
        const again = await all(await subscribe(tenant, EVENTS, { simulationId, afterSeq }))
        expect(again).toEqual(steps.slice(afterSeq ?? 0))
      }
    })

    it.each(ENDS)('end with %s', async (kind, step) => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'])
      const events = await subscribe(tenant, EVENTS, { simulationId })
      expect(await next(events)).toMatchObject({ seq: 1, kind: 'STARTED' })
      await end(tenant, step, simulationId)
      expect(await all(events)).toMatchObject([{ seq: 2, kind, status: kind }])
    })

    it('go on after a lost connection with exactly the next one', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 40 })
      const ingestion = (async () => {
        for (const repetition of upTo(40)) await tenant.record([success(simulationId, repetition)])
        await complete(tenant, simulationId)
      })()
      const seen: number[] = []
      for (const count of [1, 7, 12]) {
        const events = await subscribe(tenant, EVENTS, { simulationId, afterSeq: seen.at(-1) })
        seen.push(...seqs(await take(events, count)))
        await events.return!()
      }
      seen.push(...seqs(await all(await subscribe(tenant, EVENTS, { simulationId, afterSeq: seen.at(-1) }))))
      await ingestion
      expect(seen).toEqual(upTo(42))
    })

    it('reach two subscribers of a simulation, and not the one of another', async () => {
      const tenant = arc.tenant()
      const [simulationId, otherId] = [
        await tenant.simulation(['a'], { repetitions: 5 }),
        await tenant.simulation(['a']),
      ]
      const [first, second] = [
        all(await subscribe(tenant, EVENTS, { simulationId })),
        all(await subscribe(tenant, EVENTS, { simulationId, afterSeq: 3 })),
      ]
      const other = await subscribe(tenant, EVENTS, { simulationId: otherId })
      expect(await next(other)).toMatchObject({ seq: 1 })
      for (const repetition of upTo(5)) await tenant.record([success(simulationId, repetition)])
      await complete(tenant, simulationId)
      expect(seqs(await first)).toEqual(upTo(7))
      expect(seqs(await second)).toEqual(upTo(7, 4))
      await complete(tenant, otherId)
      expect(await all(other)).toMatchObject([{ seq: 2, kind: 'COMPLETED', totalScenarios: 1 }])
    })

    it('begin after any number, whatever another subscriber has brought into memory', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 6 })
      for (const repetition of upTo(3)) await tenant.record([success(simulationId, repetition)])
      const progress = await subscribe(tenant, PROGRESS, { simulationId })
      expect(await next(progress)).toMatchObject({ seq: 4 })
      for (const repetition of upTo(6, 4)) {
        await tenant.record([success(simulationId, repetition)])
        expect(await next(progress)).toMatchObject({ seq: repetition + 1 })
      }
      for (const afterSeq of upTo(6, 0)) {
        const events = await subscribe(tenant, EVENTS, { simulationId, afterSeq })
        expect(seqs(await take(events, 7 - afterSeq))).toEqual(upTo(7, afterSeq + 1))
        await events.return!()
      }
      await progress.return!()
    })

    it('that cannot be shown end with the error: to go on would leave a gap', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 2 })
      // A text of its own: what is prepared is not sent again.
      const alias = `of${simulationId.replaceAll('-', '')}`
      const query = EVENTS.replace('seq', `seq simulation { ${alias}: succeededScenarios }`)
      const events = await subscribe(tenant, query, { simulationId, afterSeq: 1 })
      const holding = proxy.hold(alias)
      await tenant.record([success(simulationId, 1)])
      const shown = events.next()
      ;(await holding).cut()
      expect((await shown).value.errors).toMatchObject([{ extensions: { code: 'UNAVAILABLE' } }])
      await tenant.record([success(simulationId, 2)])
      expect(await events.next()).toMatchObject({ done: true })
      const again = await subscribe(tenant, query, { simulationId, afterSeq: 1 })
      expect(seqs(await take(again, 2))).toEqual([2, 3])
      await again.return!()
    })

    it('have numbers without a gap when several clients send at once', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 60 })
      const events = all(await subscribe(tenant, EVENTS, { simulationId }))
      await Promise.all(
        upTo(6).map(async (client) => {
          for (const turn of upTo(5)) {
            const repetition = (client - 1) * 10 + turn * 2
            await tenant.record([success(simulationId, repetition - 1), success(simulationId, repetition)])
          }
        }),
      )
      await complete(tenant, simulationId)
      expect(seqs(await events)).toEqual(upTo(32))
      expect((await events).map(({ succeededScenarios }) => succeededScenarios)).toEqual([
        ...upTo(31).map((seq) => (seq - 1) * 2),
        60,
      ])
    })

    it('of a log longer than one page all arrive', async () => {
      const tenant = arc.tenant()
      const simulationId = await tenant.simulation(['a'], { repetitions: 1000 })
      const events = all(await subscribe(tenant, EVENTS, { simulationId }))
      await arc.sql('admin', async (client) => {
        await client.query(
          `begin; select set_config('app.user_id', '${tenant.tenantId}', true); do $$ begin
            for n in 1..1100 loop
              update simulations set total_tokens = n where simulation_id = '${simulationId}';
            end loop;
          end $$; commit`,
        )
      })
      await complete(tenant, simulationId)
      expect(seqs(await events)).toEqual(upTo(1102))
      expect(seqs(await all(await subscribe(tenant, EVENTS, { simulationId })))).toEqual(upTo(1102))
    })
  })

  describe('tenants', () => {
    it('find no simulation of another', async () => {
      const simulationId = await arc.tenant().simulation(['a'])
      for (const [field, query] of [
        ['simulationProgress', PROGRESS],
        ['simulationEvents', EVENTS],
      ] as const) {
        const results = await subscribe(arc.tenant(), query, { simulationId })
        const { value } = await results.next()
        expect(value.errors).toMatchObject([
          { path: [field], extensions: { code: 'SIMULATION_NOT_FOUND', input: ['simulationId'] } },
        ])
        expect(await results.next()).toMatchObject({ done: true })
      }
    })

    it('with simulations of the same id hear only their own', async () => {
      const [one, two] = [arc.tenant(), arc.tenant()]
      const simulationId = randomUUID()
      for (const tenant of [one, two]) await tenant.simulation(['a'], { simulationId, repetitions: 3 })
      const [events, progress] = [
        all(await subscribe(one, EVENTS, { simulationId })),
        await subscribe(two, PROGRESS, { simulationId }),
      ]
      expect(await next(progress)).toMatchObject({ seq: 1, succeededScenarios: 0 })
      for (const repetition of upTo(3)) await one.record([success(simulationId, repetition)])
      await complete(one, simulationId)
      expect((await events).at(-1)).toMatchObject({ seq: 5, status: 'COMPLETED', succeededScenarios: 3 })
      await two.record([{ simulationId, scenarioId: 'a', status: 'ERROR' }])
      expect(await next(progress)).toMatchObject({ seq: 2, succeededScenarios: 0, failedScenarios: 1 })
      await progress.return!()
    })
  })

  it('afterSeq below 0 is refused', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const { value } = await (await subscribe(tenant, EVENTS, { simulationId, afterSeq: -1 })).next()
    expect(value.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', input: ['afterSeq'] } }])
  })
})

describe('a socket', () => {
  it('stays open when one operation is wrong', async () => {
    const tenant = arc.tenant()
    const simulationId = await tenant.simulation(['a'])
    const socket = await openSocket(tenant)
    const events = socket.results(EVENTS, { simulationId })
    expect(await next(events)).toMatchObject({ seq: 1 })
    for (const [query, code] of [
      ['subscription {', 'GRAPHQL_PARSE_FAILED'],
      ['', 'GRAPHQL_PARSE_FAILED'],
      ['{ nothingOfTheKind }', 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription { simulationEvents(simulationId: "no uuid") { seq } }', 'GRAPHQL_VALIDATION_FAILED'],
      ['fragment F on Viewer { actorId }', 'GRAPHQL_VALIDATION_FAILED'],
      ['query A { viewer { actorId } } query B { viewer { role } }', 'BAD_REQUEST'],
      [`subscription ($id: UUID!) { simulationEvents(simulationId: $id) { seq } }`, 'BAD_USER_INPUT'],
      [`query ($id: UUID!) { simulation(simulationId: $id) { status } }`, 'BAD_USER_INPUT'],
    ] as const) {
      const { value } = await socket.results(query).next()
      expect({ query, codes: value.errors.map((error: any) => error.extensions.code) }).toEqual({
        query,
        codes: [code],
      })
    }
    const { value } = await socket.results('{ viewer { tenantId } }').next()
    expect(value.data.viewer.tenantId).toBe(tenant.tenantId)
    await tenant.record([success(simulationId, 1)])
    expect(await next(events)).toMatchObject({ seq: 2 })
    await events.return!()
  })
})
