import type * as prometheus from 'prom-client'
import type { Counter, Histogram, Registry } from 'prom-client'
import type { EndedOperation, OutcomeCode } from './endedOperation.ts'

/** In seconds. A read of the embedded database takes some milliseconds, and no operation a minute. */
const OPERATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** An attempt ends after ten seconds. */
const DELIVERY_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

const JOB_BUCKETS = [0.01, 0.1, 1, 10, 60, 600, 3_600]

/**
 * What the server counts as it works, for Prometheus. No label names a tenant, a row, or what a client calls its operations:
 * each has few values, known beforehand.
 */
export class ServerFigures {
  readonly #requests: Counter<'operation' | 'code'>
  readonly #durations: Histogram<'operation'>
  readonly #answerBytes: Counter<'operation'>
  readonly #outcomes: Counter<'receipt'>
  readonly #jobs: Histogram<'job' | 'result'>
  readonly #deliveries: Histogram<'result'>

  constructor({ Counter, Histogram }: typeof prometheus, registry: Registry) {
    const registers = [registry]
    this.#requests = new Counter({
      name: 'arc_requests_total',
      help: 'Operations and events of subscriptions, by what they came to: OK, or the code of their first error. Operation unknown: refused before it was read.',
      labelNames: ['operation', 'code'],
      registers,
    })
    this.#durations = new Histogram({
      name: 'arc_operation_duration_seconds',
      help: 'How long operations ran, from when they may to their answer.',
      labelNames: ['operation'],
      buckets: OPERATION_BUCKETS,
      registers,
    })
    this.#answerBytes = new Counter({
      name: 'arc_answer_bytes_total',
      help: 'Bytes of answers, before compression.',
      labelNames: ['operation'],
      registers,
    })
    this.#outcomes = new Counter({
      name: 'arc_ingested_outcomes_total',
      help: 'Outcomes that were sent, by their receipts.',
      labelNames: ['receipt'],
      registers,
    })
    this.#jobs = new Histogram({
      name: 'arc_job_run_duration_seconds',
      help: 'How long runs of jobs took on this server.',
      labelNames: ['job', 'result'],
      buckets: JOB_BUCKETS,
      registers,
    })
    this.#deliveries = new Histogram({
      name: 'arc_alert_delivery_duration_seconds',
      help: 'How long attempts took to deliver alerts to tenants’ webhooks from this server: delivered, retry, or failed for good.',
      labelNames: ['result'],
      buckets: DELIVERY_BUCKETS,
      registers,
    })
  }

  countOperation({ kind: operation, code, durationMs, answerBytes }: EndedOperation): void {
    this.#requests.inc({ operation, code })
    if (operation === 'subscription') return
    this.#durations.observe({ operation }, durationMs / 1000)
    this.#answerBytes.inc({ operation }, answerBytes)
  }

  countRefusal(code: OutcomeCode): void {
    this.#requests.inc({ operation: 'unknown', code })
  }

  countReceipts(receipts: readonly { status: string }[]): void {
    const counts = new Map<string, number>()
    for (const { status } of receipts) counts.set(status, (counts.get(status) ?? 0) + 1)
    for (const [receipt, count] of counts) this.#outcomes.inc({ receipt: receipt.toLowerCase() }, count)
  }

  countDelivery(result: 'delivered' | 'retry' | 'failed', durationMs: number): void {
    this.#deliveries.observe({ result }, durationMs / 1000)
  }

  countJobRun(job: string, durationMs: number, failed: boolean): void {
    this.#jobs.observe({ job, result: failed ? 'failed' : 'ok' }, durationMs / 1000)
  }
}
