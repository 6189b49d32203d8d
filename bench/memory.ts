import { setImmediate } from 'node:timers/promises'

export interface Memory {
  heapMb: number
  /** Buffers and the like, which V8 holds outside of its heap. */
  externalMb: number
  residentMb: number
  /** The most that was resident until now. */
  peakMb: number
}

/** What is left in this process after a collection, which needs `--expose-gc`. */
export async function memoryNow(): Promise<Memory> {
  // What has a finalizer goes with the second.
  gc!()
  await setImmediate()
  gc!()
  const { heapUsed, external, rss } = process.memoryUsage()
  const mb = (bytes: number) => bytes / 1e6
  return {
    heapMb: mb(heapUsed),
    externalMb: mb(external),
    residentMb: mb(rss),
    peakMb: mb(process.resourceUsage().maxRSS * 1_024),
  }
}
