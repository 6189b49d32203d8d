import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { ArcClient } from '../../src/client/arcClient.ts'
import { deliverAlerts, EVALUATE_ALERT_RULES } from '../../src/jobs/alerts.ts'
import { AddressGuard } from '../../src/webhooks/addressGuard.ts'
import { WebhookSender } from '../../src/webhooks/webhookSender.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { ENGINES, makeMigratedDatabase, query } from '../support/emptyDatabase.ts'
import { server } from '../support/jobs.ts'
import { SOON } from '../support/soon.ts'
import { next, take, useSubscriptions } from '../support/subscriptions.ts'
import { WebhookReceiver } from '../support/webhookReceiver.ts'

const CREATE = `mutation ($input: CreateAlertRuleInput!) {
  createAlertRule(input: $input) { rule { ruleId state enabled } secret errors { code message path } }
}`

const RULE = `query ($ruleId: UUID!) { alertRule(ruleId: $ruleId) {
  name kind threshold recoveryThreshold windowHours minRuns webhookUrl enabled state value countedRuns evaluatedAt
  alerts { nodes { alertId value threshold countedRuns endedAt endReason endValue simulationId configId
    events { nodes { kind seq value deliveryStatus attempts statusCode error nextAttemptAt deliveredAt } } } }
} }`

const EVENTS = `subscription ($afterSeq: SafeInt) { alertEvents(afterSeq: $afterSeq) {
  seq event { eventId kind value alert { alertId rule { name } } }
} }`

/** Other servers of the tests' common database would take what is to be delivered here: these have one of their own. */
describe.each(ENGINES)('alerts on $dump', ({ extension }) => {
  let url: string
  let serviceUrl: string
  let drop: () => Promise<unknown>
  let arc: Arc
  let receiver: WebhookReceiver
  const subscriptions = useSubscriptions({
    get url() {
      return arc.url
    },
    get webSocketUrl() {
      return arc.webSocketUrl
    },
  } as Arc)
  const logged: string[] = []
  const sender = new WebhookSender(new AddressGuard(['127.0.0.1']))

  beforeAll(async () => {
    ;({ url, serviceUrl, drop } = await makeMigratedDatabase(extension))
    arc = new Arc(
      {
        DATABASE_URL: serviceUrl,
        ARC_JOBS: 'off',
        ARC_WEBHOOK_PRIVATE_HOSTS: '127.0.0.1',
        ARC_MAX_ALERT_RULES_PER_TENANT: '3',
        ARC_LOG_LEVEL: 'info',
      },
      { write: (line) => logged.push(line) },
    )
    await arc.start()
  })
  afterAll(async () => {
    await arc?.stop()
    await drop?.()
  })
  beforeAll(async () => {
    receiver = new WebhookReceiver()
    await receiver.start()
  })
  afterAll(() => receiver?.stop())
  afterEach(async () => {
    receiver.received.length = 0
    receiver.replies.length = 0
    receiver.otherwise = { status: 204 }
    // What a test leaves is not delivered in the next one.
    await query(url, 'truncate alert_rules cascade')
  })

  const asOwner = (statement: string) => query<any>(url, statement)

  /** All rules are due, and so is this server’s job. It looks no more afterwards: by itself it would take what is due to the next one. */
  async function runJob({ runner, stop }: ReturnType<typeof server>): Promise<void> {
    await asOwner(
      `update store.jobs set due_at = now() where name in ('evaluate_alert_rules', 'deliver_alerts')`,
    )
    await runner.runDue()
    await stop()
  }

  /** A server of which only this job runs. */
  const evaluator = () => server([EVALUATE_ALERT_RULES], serviceUrl)
  const courier = () => server([deliverAlerts(sender)], serviceUrl)

  /** Sums up what is stored and looks at all rules. */
  async function look(): Promise<void> {
    await query(serviceUrl, 'select refresh_rollups(1000)')
    await asOwner('update alert_rules set due_at = now()')
    const looking = evaluator()
    await runJob(looking)
    expect(looking.ended).toMatchObject([{ failed: false }])
  }

  async function deliver(): Promise<void> {
    const delivering = courier()
    await runJob(delivering)
    expect(delivering.ended).toMatchObject([{ failed: false }])
  }

  const untilDue = () =>
    asOwner('update alert_events set next_attempt_at = now() where next_attempt_at is not null')

  async function createRule(tenant: Tenant, input: object): Promise<{ ruleId: string; secret: string }> {
    const { createAlertRule } = await tenant.data(CREATE, {
      input: { name: 'mine', webhookUrl: receiver.url, ...input },
    })
    expect(createAlertRule.errors).toEqual([])
    return { ruleId: createAlertRule.rule.ruleId, secret: createAlertRule.secret }
  }

  const ruleOf = async (tenant: Tenant, ruleId: string) => (await tenant.data(RULE, { ruleId })).alertRule

  const alertsOf = async (tenant: Tenant, ruleId: string) => (await ruleOf(tenant, ruleId)).alerts.nodes

  const eventsOf = async (tenant: Tenant, ruleId: string) =>
    (await alertsOf(tenant, ruleId)).flatMap(({ events }: any) => events.nodes)

  async function change(tenant: Tenant, input: object) {
    const { updateAlertRule } = await tenant.data(
      `mutation ($input: UpdateAlertRuleInput!) { updateAlertRule(input: $input) { rule { state } errors { code path message } } }`,
      { input },
    )
    return updateAlertRule
  }

  /** Outcomes of a simulation that has room for them, each its own run. */
  let repetition = 0
  const outcome = (simulationId: string, more: object) => ({
    simulationId,
    scenarioId: 'a',
    repetition: ++repetition,
    status: 'SUCCESS',
    ...more,
  })
  async function record(tenant: Tenant, outcomes: object[]): Promise<void> {
    const { storedCount } = await tenant.record(outcomes)
    expect(storedCount).toBe(outcomes.length)
  }
  const times = (count: number, simulationId: string, more: object) =>
    Array.from({ length: count }, () => outcome(simulationId, more))

  const runOf = (tenant: Tenant, more: object = {}) => {
    repetition = 0
    return tenant.simulation(['a'], { repetitions: 100, ...more })
  }

  /** For all simulations of this database. */
  async function letPass(interval: string): Promise<void> {
    await asOwner(`update store.settings set hearing_since = '-infinity'`)
    await asOwner(`update public.simulation_events set created_at = created_at - interval '${interval}'`)
  }

  const nextDay = async () => {
    await asOwner(`update store.outcome_days set bucket = bucket - interval '1 day'`)
    await asOwner(
      `update alerts set fired_at = fired_at - interval '1 day', ended_at = ended_at - interval '1 day'`,
    )
  }

  const kinds: [
    kind: string,
    input: object,
    few: object[] | null,
    bad: object[],
    good: object[] | 'next day',
    value: number,
  ][] = [
    [
      'ERROR_RATE',
      { threshold: 0.5, minRuns: 3 },
      [{ status: 'ERROR' }, { status: 'TIMEOUT' }, { status: 'CANCELLED' }],
      [{ status: 'ERROR' }, { status: 'SUCCESS' }],
      [{}, {}, {}],
      0.75,
    ],
    [
      'SCORE_BELOW',
      { threshold: 0.5, minRuns: 2 },
      // Not graded.
      [{}, { status: 'ERROR' }, { reliabilityScore: 0 }],
      [{ reliabilityScore: 0.5 }],
      [{ reliabilityScore: 1 }],
      0.25,
    ],
    ['COST_PER_DAY', { threshold: 1.5 }, [{}], [{ costUsd: 1 }, { costUsd: 0.75 }], 'next day', 1.75],
  ]

  it.each(kinds)(
    'of kind %s know nothing of too little, fire once and end once',
    async (kind, input, few, bad, good, value) => {
      const tenant = arc.tenant()
      const simulationId = await runOf(tenant)
      const { ruleId, secret } = await createRule(tenant, { kind, ...input })
      const heard = await subscriptions.overSse(tenant, EVENTS, { afterSeq: 0 })
      await look()
      expect(await ruleOf(tenant, ruleId)).toMatchObject({
        state: 'UNKNOWN',
        value: null,
        alerts: { nodes: [] },
      })
      await record(
        tenant,
        few!.map((more) => outcome(simulationId, more)),
      )
      await look()
      expect(await ruleOf(tenant, ruleId)).toMatchObject({
        state: 'UNKNOWN',
        value: null,
        alerts: { nodes: [] },
      })
      await record(
        tenant,
        bad.map((more) => outcome(simulationId, more)),
      )
      await look()
      await look()
      await deliver()
      const firing = await ruleOf(tenant, ruleId)
      expect(firing).toMatchObject({
        state: 'FIRING',
        value,
        alerts: { nodes: [{ value, endedAt: null, endReason: null }] },
      })
      expect(firing.evaluatedAt).not.toBeNull()
      if (good === 'next day') await nextDay()
      else
        await record(
          tenant,
          good.map((more) => outcome(simulationId, more)),
        )
      await look()
      await look()
      await deliver()
      const { state, alerts } = await ruleOf(tenant, ruleId)
      expect(state).toBe(good === 'next day' ? 'UNKNOWN' : 'OK')
      expect(alerts.nodes).toMatchObject([{ value, endReason: 'RECOVERED' }])
      expect(await take(heard, 2)).toMatchObject([
        {
          seq: 1,
          event: {
            kind: 'FIRED',
            value,
            alert: { alertId: alerts.nodes[0].alertId, rule: { name: 'mine' } },
          },
        },
        { seq: 2, event: { kind: 'ENDED' } },
      ])
      await heard.return?.()
      expect(receiver.received.map(({ json }) => [json.type, json.data.seq])).toEqual([
        ['alert.fired', 1],
        ['alert.ended', 2],
      ])
      for (const { headers, body } of receiver.received)
        expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual(JSON.parse(body))
      const [{ json: fired }, { json: ended }] = receiver.received as any
      expect(fired.data).toMatchObject({
        rule: { ruleId, name: 'mine', kind },
        alert: { alertId: alerts.nodes[0].alertId, value, endedAt: null, endReason: null },
      })
      expect(ended.data.alert).toMatchObject({ value, endReason: 'RECOVERED' })
      expect(ended.data.alert.endedAt).not.toBeNull()
      expect(alerts.nodes[0].events.nodes).toMatchObject([
        {
          kind: 'ENDED',
          deliveryStatus: 'DELIVERED',
          attempts: 1,
          statusCode: 204,
          error: null,
          nextAttemptAt: null,
        },
        {
          kind: 'FIRED',
          deliveryStatus: 'DELIVERED',
          attempts: 1,
          statusCode: 204,
          error: null,
          nextAttemptAt: null,
        },
      ])
    },
  )

  describe('of stuck runs', () => {
    it('fire for each simulation of which nothing comes, and end when something does or it is over', async () => {
      const tenant = arc.tenant()
      const [stuck, ended, deleted, unwatched] = [
        await runOf(tenant),
        await runOf(tenant),
        await runOf(tenant),
        await runOf(tenant, { failWhenSilent: false }),
      ]
      const { ruleId } = await createRule(tenant, { kind: 'STUCK_RUN', threshold: 30 })
      await look()
      expect(await ruleOf(tenant, ruleId)).toMatchObject({ state: 'OK' })
      await letPass('29 minutes')
      await look()
      expect(await alertsOf(tenant, ruleId)).toEqual([])
      await letPass('2 minutes')
      const going = await runOf(tenant)
      await look()
      await look()
      const firing = await ruleOf(tenant, ruleId)
      expect(firing.state).toBe('FIRING')
      expect(firing.value).toBeGreaterThan(30)
      const about = firing.alerts.nodes.map(({ simulationId }: any) => simulationId)
      expect(about.sort()).toEqual([stuck, ended, deleted].sort())
      expect(about).not.toContain(unwatched)
      expect(about).not.toContain(going)
      const { simulation } = await tenant.data(
        `query ($id: UUID!) { simulation(simulationId: $id) { alerts { nodes { rule { ruleId } } } } }`,
        { id: stuck },
      )
      expect(simulation.alerts.nodes).toEqual([{ rule: { ruleId } }])
      await record(tenant, [outcome(stuck, { status: 'ERROR' })])
      await tenant.data(
        `mutation ($ended: UUID!, $deleted: UUID!) {
          cancelSimulation(input: { simulationId: $ended }) { errors { code } }
          deleteSimulation(input: { simulationId: $deleted }) { errors { code } }
        }`,
        { ended, deleted },
      )
      await look()
      const after = await ruleOf(tenant, ruleId)
      expect(after.state).toBe('OK')
      // That of what is deleted is hidden with it.
      expect(after.alerts.nodes.map(({ endReason }: any) => endReason)).toEqual(['RECOVERED', 'RECOVERED'])
      const { alertEvents } = await tenant.data(
        '{ alertEvents(filter: { kind: { eq: ENDED } }) { nodes { alert { simulationId } } } }',
      )
      expect(alertEvents.nodes.map(({ alert }: any) => alert?.simulationId ?? null).sort()).toEqual(
        [stuck, ended, null].sort(),
      )
    })

    it('fire for one that failed because its runner seems to be gone, until a person or the runner says otherwise', async () => {
      const tenant = arc.tenant()
      const { ruleId } = await createRule(tenant, { kind: 'STUCK_RUN', threshold: 30 })
      const simulationId = await runOf(tenant, { timeoutMs: 60_000 })
      await letPass('31 minutes')
      await asOwner(`update public.simulations set created_at = created_at - interval '1 hour'`)
      await asOwner(`update store.jobs set ended_at = now() where name = 'fail_silent_simulations'`)
      await query(serviceUrl, 'select fail_silent_simulations(1000)')
      await look()
      expect(await alertsOf(tenant, ruleId)).toMatchObject([{ simulationId, endedAt: null }])
      await tenant.data(
        `mutation ($id: UUID!) { failSimulation(input: { simulationId: $id, errorMessage: "known" }) { errors { code } } }`,
        { id: simulationId },
      )
      await look()
      expect(await alertsOf(tenant, ruleId)).toMatchObject([{ endReason: 'RECOVERED' }])
    })

    it('know of no silence while no server heard anything', async () => {
      const tenant = arc.tenant()
      await runOf(tenant)
      const { ruleId } = await createRule(tenant, { kind: 'STUCK_RUN', threshold: 30 })
      await letPass('2 hours')
      await asOwner(`update store.settings set hearing_since = now() - interval '29 minutes'`)
      await look()
      expect(await alertsOf(tenant, ruleId)).toEqual([])
    })
  })

  it('count what their scope has, and no more', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    const wrong = await runOf(tenant)
    await record(tenant, times(4, wrong, { status: 'ERROR' }))
    const right = await runOf(tenant)
    await record(tenant, times(4, right, {}))
    const { simulation } = await tenant.data(
      `query ($id: UUID!) { simulation(simulationId: $id) { configVersion { configuration { configId } } } }`,
      { id: wrong },
    )
    const { configId } = simulation.configVersion.configuration
    const rate = { kind: 'ERROR_RATE', threshold: 0.1, minRuns: 1 }
    const rules = [
      [await createRule(tenant, { ...rate, windowHours: 48 }), 0.5, 8],
      [await createRule(tenant, { ...rate, configId }), 1, 4],
      [await createRule(tenant, { ...rate, simulationId: right }), 0, 4],
      [await createRule(other, { ...rate, windowHours: 49 }), null, 0],
    ] as const
    await look()
    for (const [index, [{ ruleId }, value, countedRuns]] of rules.entries())
      expect(await ruleOf(index === 3 ? other : tenant, ruleId), String(index)).toMatchObject({
        value,
        countedRuns,
      })
    expect(await alertsOf(tenant, rules[1][0].ruleId)).toMatchObject([{ configId, simulationId: null }])
    for (const windowHours of [49, 720]) {
      await change(tenant, { ruleId: rules[0][0].ruleId, windowHours })
      await look()
      expect(await ruleOf(tenant, rules[0][0].ruleId)).toMatchObject({ value: 0.5, countedRuns: 8 })
    }
    // What was long ago is outside of every window, but not of a simulation's own.
    await asOwner(
      `update store.outcome_hours set bucket = bucket - interval '40 days'; update store.outcome_days set bucket = bucket - interval '40 days'`,
    )
    await look()
    expect(await ruleOf(tenant, rules[0][0].ruleId)).toMatchObject({
      value: null,
      countedRuns: 0,
      state: 'FIRING',
    })
    expect(await ruleOf(tenant, rules[2][0].ruleId)).toMatchObject({ value: 0, countedRuns: 4, state: 'OK' })
  })

  it('end where they recover, and are one while a value goes to and fro', async () => {
    const tenant = arc.tenant()
    const simulationId = await runOf(tenant)
    const { ruleId } = await createRule(tenant, {
      kind: 'ERROR_RATE',
      threshold: 0.5,
      recoveryThreshold: 0.2,
      minRuns: 1,
    })
    const steps: [more: object[], state: string, alerts: number][] = [
      [times(2, simulationId, { status: 'ERROR' }), 'FIRING', 1],
      [times(3, simulationId, {}), 'FIRING', 1],
      [times(2, simulationId, { status: 'ERROR' }), 'FIRING', 1],
      [times(13, simulationId, {}), 'OK', 1],
    ]
    for (const [outcomes, state, alerts] of steps) {
      await record(tenant, outcomes)
      await look()
      const rule = await ruleOf(tenant, ruleId)
      expect([rule.state, rule.alerts.nodes.length]).toEqual([state, alerts])
    }
    // Another threshold holds at once.
    expect(await change(tenant, { ruleId, threshold: 0.1, recoveryThreshold: null })).toMatchObject({
      errors: [],
    })
    await look()
    expect(await ruleOf(tenant, ruleId)).toMatchObject({
      state: 'FIRING',
      recoveryThreshold: null,
      alerts: {
        nodes: [
          { threshold: 0.1, endedAt: null },
          { threshold: 0.5, endReason: 'RECOVERED' },
        ],
      },
    })
  })

  describe('that are open', () => {
    async function firing(more: object = {}) {
      const tenant = arc.tenant()
      const simulationId = await runOf(tenant)
      await record(tenant, times(2, simulationId, { status: 'ERROR' }))
      const rule = await createRule(tenant, { kind: 'ERROR_RATE', threshold: 0, minRuns: 1, ...more })
      await look()
      await deliver()
      return { tenant, simulationId, ...rule }
    }

    it('end with a rule that is disabled, which is told', async () => {
      const { tenant, ruleId } = await firing()
      expect(await change(tenant, { ruleId, enabled: false })).toEqual({
        rule: { state: 'UNKNOWN' },
        errors: [],
      })
      await look()
      await deliver()
      expect(await ruleOf(tenant, ruleId)).toMatchObject({
        state: 'UNKNOWN',
        alerts: { nodes: [{ endReason: 'DISABLED' }] },
      })
      expect(receiver.received.map(({ json }) => json.data.alert.endReason)).toEqual([null, 'DISABLED'])
      await change(tenant, { ruleId, enabled: true })
      await look()
      expect((await ruleOf(tenant, ruleId)).alerts.nodes).toHaveLength(2)
    })

    it('go with a rule that is deleted', async () => {
      const { tenant, ruleId } = await firing()
      const { deleteAlertRule } = await tenant.data(
        `mutation ($ruleId: UUID!) { deleteAlertRule(input: { ruleId: $ruleId }) { rule { ruleId } errors { code } } }`,
        { ruleId },
      )
      expect(deleteAlertRule).toEqual({ rule: null, errors: [] })
      const left = await tenant.data(
        '{ alertRules { totalCount } alerts { totalCount } alertEvents { totalCount } }',
      )
      expect(left).toEqual({
        alertRules: { totalCount: 0 },
        alerts: { totalCount: 0 },
        alertEvents: { totalCount: 0 },
      })
      expect(await change(tenant, { ruleId, name: 'x' })).toMatchObject({
        errors: [{ code: 'ALERT_RULE_NOT_FOUND' }],
      })
    })

    it('end when what their rule watches is deleted, which hides both, and come back with it', async () => {
      const tenant = arc.tenant()
      const simulationId = await runOf(tenant)
      await record(tenant, times(2, simulationId, { status: 'ERROR' }))
      const { ruleId } = await createRule(tenant, {
        kind: 'ERROR_RATE',
        threshold: 0,
        minRuns: 1,
        simulationId,
      })
      await look()
      const { deleteSimulation } = await tenant.data(
        `mutation ($id: UUID!) { deleteSimulation(input: { simulationId: $id }) { deletion { deletionId } } }`,
        { id: simulationId },
      )
      await look()
      expect(await ruleOf(tenant, ruleId)).toBeNull()
      expect((await tenant.data('{ alerts { totalCount } }')).alerts.totalCount).toBe(0)
      expect(await change(tenant, { ruleId, name: 'x' })).toMatchObject({
        errors: [{ code: 'ALERT_RULE_NOT_FOUND' }],
      })
      await deliver()
      expect(receiver.received.map(({ json }) => json.data.alert.endReason)).toEqual([null, 'DELETED'])
      await tenant.data(
        `mutation ($id: UUID!) { undelete(input: { deletionId: $id }) { errors { code } } }`,
        { id: deleteSimulation.deletion.deletionId },
      )
      await look()
      expect((await ruleOf(tenant, ruleId)).alerts.nodes.map(({ endReason }: any) => endReason)).toEqual([
        null,
        'DELETED',
      ])
      // For good.
      await tenant.data(
        `mutation ($id: UUID!) { deleteSimulation(input: { simulationId: $id }) { errors { code } } }`,
        { id: simulationId },
      )
      await asOwner('update deletions set purge_at = now()')
      let place: unknown = null
      do {
        const [step] = await query<any>(
          serviceUrl,
          `select place::text from purge_deleted(1000, ${place === null ? 'null' : `'${place}'`})`,
        )
        place = step.place
      } while (place !== null)
      expect(
        await asOwner(
          'select from alert_rules union all select from alerts union all select from alert_events',
        ),
      ).toEqual([])
    })

    it('are kept as long as events once they have ended', async () => {
      const { tenant, ruleId } = await firing()
      await change(tenant, { ruleId, enabled: false })
      await asOwner(`update store.settings set event_days = 7`)
      const expire = () => query(serviceUrl, 'select expire_logs(1000)')
      await expire()
      expect(await alertsOf(tenant, ruleId)).toHaveLength(1)
      await asOwner(
        `update alerts set fired_at = fired_at - interval '8 days', ended_at = ended_at - interval '8 days'`,
      )
      await expire()
      expect(await alertsOf(tenant, ruleId)).toEqual([])
      await asOwner(`update store.settings set event_days = null`)
    })
  })

  describe('on their way', () => {
    /** A rule with one event that is to be delivered. */
    async function fired(more: object = {}) {
      const tenant = arc.tenant()
      const simulationId = await runOf(tenant)
      await record(tenant, times(2, simulationId, { status: 'ERROR' }))
      const rule = await createRule(tenant, { kind: 'ERROR_RATE', threshold: 0.5, minRuns: 1, ...more })
      await look()
      return { tenant, simulationId, ...rule }
    }

    it('are tried again with the same id, later each time or when the receiver says', async () => {
      const { tenant, ruleId } = await fired()
      receiver.replies.push(
        { status: 500, body: 'busy' },
        { status: 503 },
        { status: 429, headers: { 'retry-after': '3600' } },
      )
      for (const [status, least, most] of [
        [500, 9, 11],
        [503, 36, 44],
        [429, 3600, 3600],
      ] as const) {
        await deliver()
        const [event] = await eventsOf(tenant, ruleId)
        expect(event).toMatchObject({ deliveryStatus: 'PENDING', statusCode: status, deliveredAt: null })
        const [{ wait }] = await asOwner(
          `select extract(epoch from next_attempt_at - now())::float8 as wait from alert_events where rule_id = '${ruleId}'`,
        )
        expect(wait).toBeGreaterThan(least - 5)
        expect(wait).toBeLessThanOrEqual(most)
        // Not before that.
        const before = receiver.received.length
        await deliver()
        expect(receiver.received).toHaveLength(before)
        await untilDue()
      }
      await deliver()
      expect(await eventsOf(tenant, ruleId)).toMatchObject([
        { deliveryStatus: 'DELIVERED', attempts: 4, statusCode: 204, error: null, nextAttemptAt: null },
      ])
      expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
      expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1)
    })

    it('are given up after a day, or when the receiver refuses them, and the next one follows', async () => {
      const { tenant, simulationId, ruleId } = await fired()
      receiver.replies.push({ status: 500 })
      await deliver()
      await record(tenant, times(8, simulationId, {}))
      await look()
      // It waits for the one before it.
      expect(
        (await eventsOf(tenant, ruleId)).map(({ nextAttemptAt, attempts }: any) => [
          nextAttemptAt === null,
          attempts,
        ]),
      ).toEqual([
        [true, 0],
        [false, 1],
      ])
      await asOwner(
        `update alert_events set created_at = created_at - interval '23 hours 59 minutes 30 seconds' where kind = 'fired'`,
      )
      await untilDue()
      receiver.replies.push({ status: 500, body: 'still busy' }, { status: 404, body: 'gone' })
      await deliver()
      expect(await eventsOf(tenant, ruleId)).toMatchObject([
        {
          kind: 'ENDED',
          deliveryStatus: 'FAILED',
          attempts: 1,
          statusCode: 404,
          error: 'The receiver answered 404: gone',
        },
        { kind: 'FIRED', deliveryStatus: 'FAILED', attempts: 2, statusCode: 500, nextAttemptAt: null },
      ])
      const { alertEvents } = await tenant.data(
        '{ alertEvents(filter: { deliveryStatus: { eq: FAILED } }) { totalCount } }',
      )
      expect(alertEvents.totalCount).toBe(2)
      expect(receiver.received.map(({ json }) => json.type)).toEqual([
        'alert.fired',
        'alert.fired',
        'alert.ended',
      ])
    })

    it('are not sent to what became private, nor where the rule leads nowhere any more', async () => {
      const { tenant, ruleId } = await fired()
      await runJob(server([deliverAlerts(new WebhookSender(new AddressGuard()))], serviceUrl))
      expect(await eventsOf(tenant, ruleId)).toMatchObject([
        {
          deliveryStatus: 'FAILED',
          statusCode: null,
          error: '127.0.0.1 is or leads to an address that is not on the public internet.',
        },
      ])
      expect(receiver.received).toEqual([])
      await change(tenant, { ruleId, enabled: false })
      await change(tenant, { ruleId, webhookUrl: null })
      await deliver()
      expect((await eventsOf(tenant, ruleId))[0]).toMatchObject({
        kind: 'ENDED',
        deliveryStatus: 'FAILED',
        error: 'The rule has no webhook any more.',
      })
      await change(tenant, { ruleId, enabled: true })
      await look()
      expect((await eventsOf(tenant, ruleId))[0]).toMatchObject({
        kind: 'FIRED',
        deliveryStatus: null,
        attempts: 0,
      })
    })

    it('come from one of two servers, and from the other when that one went away', async () => {
      const { tenant, ruleId } = await fired()
      let answer = () => {}
      receiver.replies.push({
        status: 204,
        after: new Promise<void>((resolve) => {
          answer = resolve
        }),
      })
      const [first, second] = [courier(), courier()]
      const running = runJob(first)
      await vi.waitFor(() => expect(receiver.received).toHaveLength(1), SOON)
      // As if it had lost its lease of the job.
      await asOwner(
        `update store.jobs set leased_until = now() - interval '1 second', due_at = now() where name = 'deliver_alerts'`,
      )
      await second.runner.runDue()
      await second.stop()
      expect(second.ended).toHaveLength(1)
      expect(receiver.received).toHaveLength(1)
      answer()
      await running
      expect(await eventsOf(tenant, ruleId)).toMatchObject([{ deliveryStatus: 'DELIVERED', attempts: 1 }])

      await change(tenant, { ruleId, enabled: false })
      // Claimed by a server that then was killed.
      const [claim] = await query<any>(serviceUrl, 'select * from claim_alert_deliveries(10, 10)')
      await deliver()
      expect(receiver.received).toHaveLength(1)
      await untilDue()
      await deliver()
      expect(receiver.received).toHaveLength(2)
      const [{ became }] = await query<any>(
        serviceUrl,
        `select end_alert_delivery('${claim.tenant_id}', '${claim.event_id}', '${claim.held}', 'failed', 500, 'late', null) as became`,
      )
      expect(became).toBeNull()
      expect(await eventsOf(tenant, ruleId)).toMatchObject([{ deliveryStatus: 'DELIVERED', attempts: 2 }, {}])
    })

    it('of a tenant whose receiver is slow hold up nobody else’s', async () => {
      const slow = arc.tenant()
      for (let n = 0; n < 3; n++) await createRule(slow, { kind: 'STUCK_RUN', threshold: 1 })
      await runOf(slow)
      await letPass('1 hour')
      const { tenant, ruleId } = await fired({ webhookUrl: `${receiver.url}?quick` })
      let answer = () => {}
      receiver.otherwise = {
        status: 204,
        after: new Promise<void>((resolve) => {
          answer = resolve
        }),
      }
      const claims = await query<any>(serviceUrl, 'select tenant_id from claim_alert_deliveries(10, 2)')
      expect(claims.map(({ tenant_id }) => tenant_id).sort()).toEqual(
        [slow.tenantId, slow.tenantId, tenant.tenantId].sort(),
      )
      // Two of it are on their way: no third.
      expect(await query(serviceUrl, 'select from claim_alert_deliveries(10, 2)')).toEqual([])
      await untilDue()
      const running = runJob(courier())
      await vi.waitFor(() => expect(receiver.received).toHaveLength(4), SOON)
      answer()
      await running
      expect(await eventsOf(tenant, ruleId)).toMatchObject([{ deliveryStatus: 'DELIVERED' }])
    })

    it('are signed by two secrets for a day after a rotation', async () => {
      const { tenant, ruleId, secret } = await fired()
      const rotate = async () => {
        const { rotateAlertSecret } = await tenant.data(
          `mutation ($ruleId: UUID!) { rotateAlertSecret(input: { ruleId: $ruleId }) { secret rule { secretRotatedAt } errors { code } } }`,
          { ruleId },
        )
        expect(rotateAlertSecret.errors).toEqual([])
        expect(rotateAlertSecret.rule.secretRotatedAt).not.toBeNull()
        return rotateAlertSecret.secret
      }
      const rotated = await rotate()
      await deliver()
      const verify = (key: string, at: number) => {
        const { body, headers } = receiver.received[at]!
        return new Webhook(key).verify(body, headers as Record<string, string>)
      }
      for (const key of [secret, rotated]) expect(verify(key, 0)).toMatchObject({ type: 'alert.fired' })
      await asOwner(`update alert_rules set previous_secret_until = now()`)
      await change(tenant, { ruleId, enabled: false })
      await deliver()
      expect(verify(rotated, 1)).toMatchObject({ type: 'alert.ended' })
      expect(() => verify(secret, 1)).toThrow()
    })
  })

  it('are heard once and in order, also by who lost the connection', async () => {
    const tenant = arc.tenant()
    const simulationId = await runOf(tenant)
    await createRule(tenant, { kind: 'ERROR_RATE', threshold: 0.5, minRuns: 1, webhookUrl: null })
    const stranger = arc.tenant()
    const [live, theirs] = [
      await subscriptions.overWebSocket(tenant, EVENTS, { afterSeq: 0 }),
      await subscriptions.overWebSocket(stranger, EVENTS, { afterSeq: 0 }),
    ]
    const first = next(live)
    await record(tenant, times(2, simulationId, { status: 'ERROR' }))
    await look()
    expect(await first).toMatchObject({ seq: 1, event: { kind: 'FIRED' } })
    await live.return?.()
    await record(tenant, times(8, simulationId, {}))
    await look()
    await record(tenant, times(30, simulationId, { status: 'ERROR' }))
    await look()
    const again = await subscriptions.overSse(tenant, EVENTS, { afterSeq: 1 })
    expect((await take(again, 2)).map(({ seq, event }) => [seq, event.kind])).toEqual([
      [2, 'ENDED'],
      [3, 'FIRED'],
    ])
    await again.return?.()
    const client = new ArcClient({ url: arc.url, token: await tenant.token() })
    const steps = client.alertEvents(1)
    expect((await steps.next()).value).toMatchObject({
      seq: 2,
      event: { kind: 'ENDED', alert: { rule: { kind: 'ERROR_RATE' } } },
    })
    await steps.return?.()
    const { value } = await (await subscriptions.overSse(tenant, EVENTS, { afterSeq: 4 })).next()
    expect(value.errors).toMatchObject([
      {
        message: 'afterSeq is 4, but the latest alert has the number 3.',
        extensions: { code: 'INVALID_VALUE' },
      },
    ])
    await createRule(stranger, { kind: 'STUCK_RUN', name: 'theirs', threshold: 5 })
    await runOf(stranger)
    await letPass('1 hour')
    await look()
    expect(await next(theirs)).toMatchObject({ seq: 1, event: { alert: { rule: { name: 'theirs' } } } })
    await theirs.return?.()
  })

  it('are tried, and what came back is told', async () => {
    const tenant = arc.tenant()
    const { ruleId, secret } = await createRule(tenant, { kind: 'STUCK_RUN', threshold: 5 })
    const test = async (of = tenant, role?: 'app_readonly') => {
      const { data, errors } = await of.ask(
        `mutation ($ruleId: UUID!) { testAlertRule(input: { ruleId: $ruleId }) { delivered statusCode error durationMs errors { code } } }`,
        { ruleId },
        role,
      )
      return errors ? errors.map(({ extensions }) => extensions.code) : data.testAlertRule
    }
    expect(await test()).toMatchObject({ delivered: true, statusCode: 204, error: null, errors: [] })
    const [{ body, headers }] = receiver.received as any
    expect(new Webhook(secret).verify(body, headers)).toMatchObject({
      type: 'alert.test',
      data: { seq: null, rule: { ruleId, kind: 'STUCK_RUN' }, alert: null },
    })
    expect(await test()).toMatchObject({ delivered: null, errors: [{ code: 'RATE_LIMITED' }] })
    const again = () => asOwner(`update alert_rules set tested_at = tested_at - interval '5 seconds'`)
    await again()
    receiver.replies.push({ status: 500, body: 'not today' })
    expect(await test()).toMatchObject({
      delivered: false,
      statusCode: 500,
      error: 'The receiver answered 500: not today',
    })
    await again()
    expect(await test(arc.tenant())).toMatchObject({ errors: [{ code: 'ALERT_RULE_NOT_FOUND' }] })
    expect(await test(tenant, 'app_readonly')).toEqual(['FORBIDDEN'])
    await change(tenant, { ruleId, webhookUrl: null })
    expect(await test()).toMatchObject({ errors: [{ code: 'INVALID_VALUE' }] })
    expect(receiver.received).toHaveLength(2)
  })

  it('have rules that are refused with what is wrong', async () => {
    const tenant = arc.tenant()
    const rate = { name: 'mine', kind: 'ERROR_RATE', threshold: 0.5 }
    const cost = { ...rate, kind: 'COST_PER_DAY' }
    const stuck = { ...rate, kind: 'STUCK_RUN', threshold: 5 }
    const simulationId = await runOf(tenant)
    const { configId } = await tenant.configVersion('watched')
    const cases: [input: object, code: string, path: string[], message?: RegExp][] = [
      [{ ...rate, name: ' ' }, 'INVALID_VALUE', ['name']],
      [{ ...rate, name: 'x'.repeat(101) }, 'INVALID_VALUE', ['name']],
      [{ ...rate, threshold: 1.1 }, 'INVALID_VALUE', ['threshold']],
      [{ ...rate, threshold: -0.1 }, 'INVALID_VALUE', ['threshold']],
      [{ ...rate, recoveryThreshold: 0.6 }, 'INVALID_VALUE', ['recoveryThreshold']],
      [{ ...rate, kind: 'SCORE_BELOW', recoveryThreshold: 0.4 }, 'INVALID_VALUE', ['recoveryThreshold']],
      [{ ...rate, windowHours: 721 }, 'INVALID_VALUE', ['windowHours']],
      [{ ...rate, windowHours: 0 }, 'INVALID_VALUE', ['windowHours']],
      [{ ...rate, minRuns: 0 }, 'INVALID_VALUE', ['minRuns']],
      [{ ...cost, threshold: 1e12 }, 'INVALID_VALUE', ['threshold']],
      [{ ...cost, minRuns: 3 }, 'INVALID_VALUE', ['minRuns']],
      [{ ...cost, windowHours: 3 }, 'INVALID_VALUE', ['windowHours']],
      [{ ...stuck, threshold: 0.5 }, 'INVALID_VALUE', ['threshold']],
      [{ ...stuck, recoveryThreshold: 1 }, 'INVALID_VALUE', ['recoveryThreshold']],
      [{ ...rate, configId, simulationId }, 'INVALID_VALUE', ['simulationId']],
      [{ ...rate, configId: randomUUID() }, 'CONFIGURATION_NOT_FOUND', ['configId']],
      [{ ...rate, simulationId: randomUUID() }, 'SIMULATION_NOT_FOUND', ['simulationId']],
      ...(
        [
          ['hooks', /is no URL/],
          ['ftp://example.com/', /https:\/\/ or http:\/\//],
          ['file:///etc/passwd', /https/],
          ['https://user:hunter2@example.com/', /no user and no password/],
          ['http://169.254.169.254/latest/', /not on the public internet.*ARC_WEBHOOK_PRIVATE_HOSTS/],
          ['http://[::1]/', /not on the public internet/],
          [`https://example.com/${'x'.repeat(2_000)}`, /2000 characters/],
          [`https://example.com/${'ü'.repeat(500)}`, /2000 characters/],
        ] as const
      ).map(([webhookUrl, message]): [object, string, string[], RegExp] => [
        { ...rate, webhookUrl },
        'INVALID_VALUE',
        ['webhookUrl'],
        message,
      ]),
    ]
    for (const [input, code, path, message = /./] of cases) {
      const { createAlertRule } = await tenant.data(CREATE, { input })
      expect(createAlertRule, JSON.stringify(input)).toEqual({
        rule: null,
        secret: null,
        errors: [{ code, path, message: expect.stringMatching(message) }],
      })
      expect(JSON.stringify(createAlertRule)).not.toContain('hunter2')
    }
    const { ruleId } = await createRule(tenant, rate)
    expect(await ruleOf(tenant, ruleId)).toMatchObject({
      windowHours: 24,
      minRuns: 10,
      enabled: true,
      recoveryThreshold: null,
    })
    expect(await change(tenant, { ruleId, recoveryThreshold: 0.6 })).toMatchObject({
      errors: [{ code: 'INVALID_VALUE', path: ['recoveryThreshold'] }],
    })
    expect(await change(tenant, { ruleId, threshold: 0.7, windowHours: null, minRuns: 3 })).toMatchObject({
      errors: [],
    })
    expect(await ruleOf(tenant, ruleId)).toMatchObject({
      threshold: 0.7,
      windowHours: 24,
      minRuns: 3,
      webhookUrl: receiver.url,
    })
    const ofRun = await createRule(tenant, { ...rate, simulationId })
    expect(await ruleOf(tenant, ofRun.ruleId)).toMatchObject({ windowHours: null })
    await createRule(tenant, stuck)
    const { createAlertRule } = await tenant.data(CREATE, { input: rate })
    expect(createAlertRule.errors).toMatchObject([
      { code: 'LIMIT_EXCEEDED', message: expect.stringMatching(/ARC_MAX_ALERT_RULES_PER_TENANT/) },
    ])
    expect(await change(arc.tenant(), { ruleId, name: 'theirs' })).toMatchObject({
      errors: [{ code: 'ALERT_RULE_NOT_FOUND' }],
    })
  })

  it('have rules whose changes are in the audit log, and secrets that are nowhere', async () => {
    const tenant = arc.tenant()
    const { ruleId, secret } = await createRule(tenant, { kind: 'STUCK_RUN', threshold: 5 })
    await runOf(tenant)
    await letPass('1 hour')
    await look()
    receiver.otherwise = { status: 500 }
    await deliver()
    await change(tenant, { ruleId, name: 'yours' })
    const { rotateAlertSecret } = await tenant.data(
      `mutation ($ruleId: UUID!) { rotateAlertSecret(input: { ruleId: $ruleId }) { secret } }`,
      { ruleId },
    )
    await tenant.data(
      `mutation ($ruleId: UUID!) { deleteAlertRule(input: { ruleId: $ruleId }) { errors { code } } }`,
      {
        ruleId,
      },
    )
    const { auditLog } = await tenant.data(
      `{ auditLog(filter: { tableName: { eq: "alert_rules" } }, orderBy: { field: TIMESTAMP, direction: ASC }) { nodes { operation actorId oldData newData } } }`,
    )
    expect(auditLog.nodes.map(({ operation, actorId }: any) => [operation, actorId])).toEqual([
      ['INSERT', 'actor of app_user'],
      ['UPDATE', 'actor of app_user'],
      ['UPDATE', 'actor of app_user'],
      ['DELETE', 'actor of app_user'],
    ])
    expect(auditLog.nodes[1]).toMatchObject({ oldData: { name: 'mine' }, newData: { name: 'yours' } })
    const told = JSON.stringify([auditLog, logged])
    for (const each of [secret, rotateAlertSecret.secret])
      expect(told).not.toContain(each.slice('whsec_'.length))
    expect(told).not.toContain('"secret"')
  })

  it('have failures in the log, without what may be secret in their URL', async () => {
    const tenant = arc.tenant()
    await createRule(tenant, { kind: 'STUCK_RUN', threshold: 5, webhookUrl: `${receiver.url}/T0K3N?key=K3Y` })
    await runOf(tenant)
    await letPass('1 hour')
    await look()
    receiver.otherwise = { status: 400, body: 'T0K3N is wrong' }
    const lines: string[] = []
    const logger = pino({ level: 'debug' }, { write: (line: string) => lines.push(line) })
    const { pool } = courier()
    const results: string[] = []
    await deliverAlerts(sender, (result) => results.push(result)).run({
      query: async ({ text, values }) => (await pool.query(text, values as unknown[])).rows,
      signal: new AbortController().signal,
      logger,
    })
    expect(results).toEqual(['failed'])
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 40,
        msg: 'an alert could not be delivered and is given up',
        tenantId: tenant.tenantId,
        host: `127.0.0.1:${receiver.port}`,
        statusCode: 400,
      },
    ])
    expect(lines.join()).not.toMatch(/T0K3N|K3Y/)
  })

  it('are of their tenant, and no function gives secrets to a transaction of one', async () => {
    const [tenant, other] = [arc.tenant(), arc.tenant()]
    const { ruleId } = await createRule(tenant, { kind: 'STUCK_RUN', threshold: 5 })
    await runOf(tenant)
    await letPass('1 hour')
    await look()
    expect(await ruleOf(other, ruleId)).toBeNull()
    const seen = await other.data(
      '{ alertRules { totalCount } alerts { totalCount } alertEvents { totalCount } }',
    )
    expect(seen).toEqual({
      alertRules: { totalCount: 0 },
      alerts: { totalCount: 0 },
      alertEvents: { totalCount: 0 },
    })
    for (const role of ['app_user', 'app_readonly', 'app_admin', 'app_ingest'])
      for (const statement of [
        'select secret from alert_rules',
        'select previous_secret from alert_rules',
        'select * from alert_rules',
        'select alert_rules::text from alert_rules',
        `update alert_rules set name = secret`,
        `select * from alert_endpoint('${tenant.tenantId}', '${ruleId}')`,
        'select * from claim_alert_deliveries(10, 10)',
        `select end_alert_delivery('${tenant.tenantId}', '${ruleId}', '${ruleId}', 'failed', 1, '', 1)`,
        `update alert_rules set state = 'ok'`,
        'delete from alerts',
        `update alert_events set attempts = 0`,
      ]) {
        await expect(
          query(
            serviceUrl,
            `begin; set local role ${role}; set local app.user_id = '${tenant.tenantId}'; ${statement}`,
          ),
          `${role}: ${statement}`,
        ).rejects.toMatchObject({ code: '42501' })
        if (arc.onPGlite) await query(serviceUrl, 'rollback')
      }
  })

  it('of thousands of rules are looked at in steps, those that have waited longest first', async () => {
    const tenants = [arc.tenant(), arc.tenant()]
    for (const { tenantId } of tenants)
      await asOwner(
        `insert into alert_rules (user_id, name, kind, threshold, secret, due_at)
          select '${tenantId}', 'rule ' || n, 'cost_per_day', 1, 'whsec_' || repeat('A', 43) || '=', now() - make_interval(secs => n)
          from generate_series(1, 1000) n`,
      )
    const [step] = await query<any>(serviceUrl, 'select * from evaluate_alert_rules(50)')
    expect(step).toEqual({ evaluated: 50, fired: 0, ended: 0 })
    const looked = await asOwner(
      `select user_id, count(*)::int as n, min(substr(name, 6)::int) as first from alert_rules where evaluated_at is not null group by 1`,
    )
    expect(looked.map(({ n, first }) => [n, first])).toEqual([
      [25, 976],
      [25, 976],
    ])
    const looking = evaluator()
    await runJob(looking)
    expect(looking.ended).toMatchObject([{ failed: false }])
    expect(await asOwner('select from alert_rules where due_at <= now()')).toEqual([])
  })
})
