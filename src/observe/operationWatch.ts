import type { Logger } from 'pino'
import { shorten } from '../text.ts'
import type { EndedOperation, OutcomeCode } from './endedOperation.ts'
import type { OperationMetrics } from './operationMetrics.ts'
import type { ServerFigures } from './serverFigures.ts'

/** In characters. */
const MAX_NAME = 100

/** What is the server's fault, and nobody else's. */
const FAULTS: ReadonlySet<OutcomeCode> = new Set(['INTERNAL_SERVER_ERROR', 'UNAVAILABLE'])

/** Sees what operations come to, on every transport: for the log, for the tenant's figures and for the server's. */
export class OperationWatch {
  readonly #logger: Logger
  readonly #slowMs: number
  readonly #metrics: OperationMetrics
  readonly #figures: ServerFigures | undefined

  /** `slowMs`: from then on an operation is slow; 0: none is. `figures`: of those that are exported, if any are. */
  constructor(logger: Logger, slowMs: number, metrics: OperationMetrics, figures: ServerFigures | undefined) {
    this.#logger = logger
    this.#slowMs = slowMs
    this.#metrics = metrics
    this.#figures = figures
  }

  ended(operation: EndedOperation): void {
    const { viewer, kind, code, durationMs } = operation
    if (kind !== 'subscription') this.#metrics.count(viewer.tenantId, durationMs, code !== 'OK')
    this.#figures?.countOperation(operation)
    const isSlow = this.#slowMs > 0 && durationMs >= this.#slowMs
    if (FAULTS.has(code)) this.#logger.warn(factsOf(operation), 'an operation failed')
    else if (isSlow) this.#logger.warn(factsOf(operation), 'a slow operation')
    else if (this.#logger.isLevelEnabled('debug')) this.#logger.debug(factsOf(operation), 'an operation')
  }

  /** A request was refused before it was known what it asks for, or whether it may. */
  refused(code: OutcomeCode, requestId: string): void {
    this.#figures?.countRefusal(code)
    this.#logger.debug({ requestId, code }, 'a request was refused')
  }

  /** Outcomes were ingested, or were to be: counts their receipts, and hands them on. */
  readonly ingested = <Receipt extends { status: string }>(receipts: Receipt[]): Receipt[] => {
    this.#figures?.countReceipts(receipts)
    return receipts
  }
}

/** Nothing of what was asked or answered: that may be anybody's secret. */
function factsOf({ viewer, requestId, kind, name, code, durationMs, answerBytes }: EndedOperation): object {
  return {
    requestId,
    tenantId: viewer.tenantId,
    operation: kind,
    operationName: name && shorten(name, MAX_NAME),
    durationMs: Math.round(durationMs * 10) / 10,
    code,
    answerBytes,
  }
}
