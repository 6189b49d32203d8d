import { LRUCache } from 'lru-cache'

/** What this process answered a tenant since it started. */
export interface TenantMetrics {
  operations: number
  failed: number
  /** Of all operations together. */
  durationMs: number
}

/** Tenants that are counted; the one that asked longest ago makes room. */
const MAX_TENANTS = 10_000

/** Counts operations by tenant, so that nobody learns how busy others are. In memory: a restart begins anew. */
export class OperationMetrics {
  readonly #tenants = new LRUCache<string, TenantMetrics>({ max: MAX_TENANTS })

  count(tenantId: string, durationMs: number, failed: boolean): void {
    const known = this.of(tenantId)
    this.#tenants.set(tenantId, {
      operations: known.operations + 1,
      failed: known.failed + (failed ? 1 : 0),
      durationMs: known.durationMs + durationMs,
    })
  }

  of(tenantId: string): TenantMetrics {
    return this.#tenants.peek(tenantId) ?? { operations: 0, failed: 0, durationMs: 0 }
  }
}
