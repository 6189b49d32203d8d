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
  readonly #tenants = new Map<string, TenantMetrics>()

  count(tenantId: string, durationMs: number, failed: boolean): void {
    const known = this.of(tenantId)
    this.#tenants.delete(tenantId)
    this.#tenants.set(tenantId, {
      operations: known.operations + 1,
      failed: known.failed + (failed ? 1 : 0),
      durationMs: known.durationMs + durationMs,
    })
    if (this.#tenants.size > MAX_TENANTS) this.#tenants.delete(this.#tenants.keys().next().value!)
  }

  of(tenantId: string): TenantMetrics {
    return this.#tenants.get(tenantId) ?? { operations: 0, failed: 0, durationMs: 0 }
  }
}
