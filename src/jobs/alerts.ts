import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import sql from 'sql-template-tag'
import { queryOwn } from '../db/transaction.ts'
import { type AlertMessage, alertBody } from '../webhooks/alertMessage.ts'
import type { WebhookResult, WebhookSender } from '../webhooks/webhookSender.ts'
import type { Job, JobContext } from './job.ts'

/** How many rules are looked at in one transaction: it holds the place in the order of the tenants' alerts. */
const STEP = 50

/** Looks at tenants' rules, each every 30 seconds or so. */
export const EVALUATE_ALERT_RULES: Job = {
  name: 'evaluate_alert_rules',
  async run({ query, logger, signal }) {
    let evaluated: number
    do {
      const [row] = await query<{ evaluated: number; fired: number; ended: number }>(
        sql`/* evaluateAlertRules */ select evaluated, fired, ended from evaluate_alert_rules(${STEP})`,
      )
      const { fired, ended } = row!
      evaluated = row!.evaluated
      if (fired > 0 || ended > 0) logger.info({ fired, ended }, 'alerts of tenants fired or ended')
    } while (evaluated === STEP && !signal.aborted)
  },
}

/** How many deliveries are on their way at a time, of all tenants and of one: a receiver that is slow holds up nobody else’s. */
const AT_A_TIME = 32
const OF_A_TENANT = 4

/** Hears how each attempt to deliver an alert ended, and whether it was the last one. */
export type OnDelivery = (result: 'delivered' | 'retry' | 'failed', durationMs: number) => void

/** Sends a message to the webhook of a tenant's rule, once; null where it has none any more. */
export async function sendAlertTest(
  pool: pg.Pool,
  sender: WebhookSender,
  tenantId: string,
  ruleId: string,
  message: AlertMessage,
): Promise<WebhookResult | null> {
  const [endpoint] = await queryOwn<{ url: string | null; secrets: string[] }>(
    pool,
    sql`/* alertEndpoint */ select url, secrets from alert_endpoint(${tenantId}, ${ruleId})`,
  )
  if (!endpoint?.url) return null
  const { url, secrets } = endpoint
  return sender.send({ url, secrets, id: randomUUID(), body: alertBody(message) })
}

interface Claimed {
  tenant_id: string
  event_id: string
  held: string
  seq: string | number
  kind: 'fired' | 'ended'
  value: number | null
  created_at: Date
  alert_id: string
  fired_at: Date
  ended_at: Date | null
  end_reason: string | null
  fired_value: number
  threshold: number
  counted_runs: string | number | null
  config_id: string | null
  simulation_id: string | null
  rule_id: string
  rule_name: string
  rule_kind: string
  url: string | null
  secrets: string[]
}

/** Brings alerts to the webhooks of their rules: each at least once, those of a rule one after the other. */
export function deliverAlerts(sender: WebhookSender, onDelivery: OnDelivery = () => {}): Job {
  return {
    name: 'deliver_alerts',
    async run(context) {
      const onTheWay = new Set<Promise<void>>()
      let failure: unknown
      let claimed: Claimed[]
      do {
        claimed = await context.query<Claimed>(
          sql`/* claimAlertDeliveries */ select * from claim_alert_deliveries(${AT_A_TIME - onTheWay.size}, ${OF_A_TENANT})`,
        )
        for (const event of claimed) {
          const delivery = deliver(context, sender, event, onDelivery).catch((error) => {
            failure ??= error
          })
          onTheWay.add(delivery)
          void delivery.then(() => onTheWay.delete(delivery))
        }
        // A place is free, and the next event of that rule is due.
        if (onTheWay.size > 0) await Promise.race(onTheWay)
      } while ((claimed.length > 0 || onTheWay.size > 0) && failure === undefined && !context.signal.aborted)
      await Promise.all(onTheWay)
      if (failure !== undefined) throw failure
    },
  }
}

async function deliver(
  { query, logger }: JobContext,
  sender: WebhookSender,
  event: Claimed,
  onDelivery: OnDelivery,
): Promise<void> {
  const { url, secrets, event_id: id } = event
  const result: WebhookResult =
    url === null
      ? {
          outcome: 'failed',
          statusCode: null,
          error: 'The rule has no webhook any more.',
          retryAfterSeconds: null,
          durationMs: 0,
        }
      : await sender.send({ url, secrets, id, body: bodyOf(event) })
  const { outcome, statusCode, error, retryAfterSeconds, durationMs } = result
  const [row] = await query<{ became: 'pending' | 'delivered' | 'failed' | null }>(sql`/* endAlertDelivery */
    select end_alert_delivery(${event.tenant_id}, ${id}, ${event.held}, ${outcome}, ${statusCode}, ${error}, ${retryAfterSeconds}) as became`)
  const became = row!.became
  onDelivery(became === 'failed' ? 'failed' : outcome, durationMs)
  if (outcome === 'delivered') return
  // Neither the path nor the query of the URL, in which some receivers have their secret, nor what was answered.
  const { tenant_id: tenantId, rule_id: ruleId } = event
  const failed = { tenantId, ruleId, eventId: id, host: url && new URL(url).host, statusCode }
  if (became === 'failed') logger.warn(failed, 'an alert could not be delivered and is given up')
  else logger.info(failed, 'an alert could not be delivered and will be retried')
}

function bodyOf(event: Claimed): string {
  const hasEnded = event.kind === 'ended'
  return alertBody({
    type: hasEnded ? 'alert.ended' : 'alert.fired',
    timestamp: event.created_at,
    data: {
      seq: Number(event.seq),
      rule: {
        ruleId: event.rule_id,
        name: event.rule_name,
        kind: event.rule_kind.toUpperCase(),
        threshold: event.threshold,
      },
      alert: {
        alertId: event.alert_id,
        value: event.fired_value,
        countedRuns: event.counted_runs === null ? null : Number(event.counted_runs),
        firedAt: event.fired_at,
        // As it was then, although it may be over now.
        endedAt: hasEnded ? event.ended_at : null,
        endReason: hasEnded && event.end_reason ? event.end_reason.toUpperCase() : null,
        endValue: hasEnded ? event.value : null,
        configId: event.config_id,
        simulationId: event.simulation_id,
      },
    },
  })
}
