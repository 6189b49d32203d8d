import { LRUCache } from 'lru-cache'

/** What this process answered a tenant since it started. */
export interface TenantMetrics {
  operations: number
  failed: number
  /** Of all operations together. */
  durationMs: number
  /** Fields of the root of queries that one statement each answered. */
  compiledFields: number
  /** Those that resolvers answered, by why. */
  resolvedFields: ReadonlyMap<string, number>
}

/** Tenants that are counted; the one that asked longest ago makes room. */
const MAX_TENANTS = 10_000

/** Counts operations by tenant, so that nobody learns how busy others are. In memory: a restart begins anew. */
export class OperationMetrics {
  readonly #tenants = new LRUCache<string, TenantMetrics>({ max: MAX_TENANTS })

  count(tenantId: string, durationMs: number, failed: boolean): void {
    const known = this.of(tenantId)
    this.#tenants.set(tenantId, {
      ...known,
      operations: known.operations + 1,
      failed: known.failed + (failed ? 1 : 0),
      durationMs: known.durationMs + durationMs,
    })
  }

  /** How a query was answered. `reasons`: of the fields that resolvers answered; each is a field of the schema or a code. */
  countRoads(tenantId: string, compiled: number, reasons: readonly string[]): void {
    const known = this.of(tenantId)
    const resolvedFields = new Map(known.resolvedFields)
    for (const reason of reasons) resolvedFields.set(reason, (resolvedFields.get(reason) ?? 0) + 1)
    this.#tenants.set(tenantId, {
      ...known,
      compiledFields: known.compiledFields + compiled,
      resolvedFields: reasons.length > 0 ? resolvedFields : known.resolvedFields,
    })
  }

  of(tenantId: string): TenantMetrics {
    return this.#tenants.peek(tenantId) ?? NOTHING_YET
  }
}

const NOTHING_YET: TenantMetrics = {
  operations: 0,
  failed: 0,
  durationMs: 0,
  compiledFields: 0,
  resolvedFields: new Map(),
}
