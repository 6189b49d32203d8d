import type { FieldNode } from 'graphql'
import type { Logger } from 'pino'
import type { Pools } from '../../db/pools.ts'
import type { Write } from '../../db/tenantTransaction.ts'
import type { Embeddings } from '../../embedding/embeddings.ts'
import type { OutcomeQueue } from '../../evaluation/outcomes/outcomeQueue.ts'
import type { Wording } from '../../evaluation/recommendations/wording.ts'
import type { LiveHub } from '../../live/hub.ts'
import type { HealthProbe } from '../../observe/health.ts'
import type { OperationMetrics } from '../../observe/operationMetrics.ts'
import type { OperationWatch } from '../../observe/operationWatch.ts'
import type { OperationReads } from '../../reads/operationReads.ts'
import type { Refusal } from '../../refusal.ts'
import type { Viewer } from '../../viewer.ts'
import type { AddressGuard } from '../../webhooks/addressGuard.ts'
import type { AlertMessage } from '../../webhooks/alertMessage.ts'
import type { WebhookResult } from '../../webhooks/webhookSender.ts'

/** The parts of the server that resolvers call. */
export interface Services {
  pools: Pools
  outcomeQueue: OutcomeQueue
  live: LiveHub
  health: HealthProbe
  metrics: OperationMetrics
  watch: OperationWatch
  quotas: Quotas
  webhooks: Webhooks
  /** What words recommendations; null: they have Arc's own words. */
  wording: Wording | null
  embeddings: Embeddings
  logger: Logger
}

/** How much of something a tenant may have. */
interface Quotas {
  openRuns: number
  apiKeys: number
  alertRules: number
}

/** What there is of tenants' webhooks outside of a transaction. */
interface Webhooks {
  guard: AddressGuard
  /** Sends a message to the webhook of a tenant's rule, once; null where it has none any more. */
  test(tenantId: string, ruleId: string, message: AlertMessage): Promise<WebhookResult | null>
}

/** What an operation was reckoned to cost, and what one may cost. */
export interface OperationCost {
  requested: number
  limit: number
}

/** A row that an answer shows by its key. */
export interface ShownRow {
  type: string
  key: string
  /** The place in the answer. */
  path: readonly (string | number)[]
  nodes: readonly FieldNode[]
}

/** What a resolver knows: who asks, the operation's reads, and the way to write. */
export interface Context {
  viewer: Viewer
  requestId: string
  requestBytes: number
  /** How many characters the answer may have. */
  answerLength: number
  /** Takes the answer's share of what may be on the way to the tenant. @throws Refusal RATE_LIMITED */
  holdAnswer(bytes: number): void
  cost: OperationCost
  reads: OperationReads
  services: Services
  write: Write
  /** Takes the rows that are read when the rest of the answer is there; absent where resolvers read them. */
  rowsLater?: (row: ShownRow) => void
  /** Why rows of the variables could not be read, by the mark of what stands in for each; absent when all could. */
  unreadableRows?: ReadonlyMap<string, Refusal>
}

/** What an operation has once, whoever asks for it: made by the first. */
export function oncePerOperation<Value extends object>(
  make: (context: Context) => Value,
): (context: Context) => Value {
  const made = new WeakMap<Context, Value>()
  return (context) => {
    const known = made.get(context) ?? make(context)
    made.set(context, known)
    return known
  }
}
