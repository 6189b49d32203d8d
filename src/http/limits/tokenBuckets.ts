import { LRUCache } from 'lru-cache'

/** As many keys are remembered; what was not used for longest is forgotten first, and begins again with a full bucket. */
const MAX_KEYS = 10_000
const MINUTE_MS = 60_000

interface Bucket {
  tokens: number
  at: number
}

/** For each key a bucket of `perMinute` tokens, which fills up again within a minute. 0 per minute is no limit. */
export class TokenBuckets {
  readonly perMinute: number
  readonly #buckets = new LRUCache<string, Bucket>({ max: MAX_KEYS })

  constructor(perMinute: number) {
    this.perMinute = perMinute
  }

  /** Takes a token; when there is none, how many whole seconds it is until there is one. */
  take(key: string): number | undefined {
    const wait = this.wait(key)
    if (wait === undefined && this.perMinute > 0) this.#buckets.get(key)!.tokens -= 1
    return wait
  }

  /** How many whole seconds it is until there is a token; undefined when there is one. */
  wait(key: string): number | undefined {
    if (this.perMinute === 0) return undefined
    const bucket = this.#filled(key)
    if (bucket.tokens >= 1) return undefined
    return Math.max(1, Math.ceil(((1 - bucket.tokens) * MINUTE_MS) / this.perMinute / 1000))
  }

  #filled(key: string): Bucket {
    const now = Date.now()
    const bucket = this.#buckets.get(key) ?? { tokens: this.perMinute, at: now }
    // The clock may be set back.
    const passedMs = Math.max(0, now - bucket.at)
    bucket.tokens = Math.min(this.perMinute, bucket.tokens + (passedMs / MINUTE_MS) * this.perMinute)
    bucket.at = now
    this.#buckets.set(key, bucket)
    return bucket
  }
}
