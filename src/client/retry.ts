import { ArcRequestError } from './arcRequestError.ts'

const ATTEMPTS = 3
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 5_000
/** A server that wants to be left alone for longer gets no second attempt. */
const LONGEST_RETRY_AFTER_MS = 60_000

export interface RetryOptions {
  mayRepeat: boolean
  signal: AbortSignal | undefined
  /** How long it is tried, in milliseconds; three times in any case. */
  patienceMs: () => number
}

/**
 * Does it again when there was no answer, or the fault is one that passes: three times, and more while there is patience left. What
 * may not be repeated is done again only when the server says that nothing was done.
 *
 * @throws ArcRequestError, the last one; the signal's reason once it is aborted.
 */
export async function withRetries<Result>(
  work: () => Promise<Result>,
  { mayRepeat, signal, patienceMs }: RetryOptions,
): Promise<Result> {
  const begun = performance.now()
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ArcRequestError) || !error.retryable) throw error
      if (attempt >= ATTEMPTS && performance.now() - begun >= patienceMs()) throw error
      if (!mayRepeat && !nothingWasDone(error)) throw error
      const { retryAfterMs } = error
      if (retryAfterMs !== undefined && retryAfterMs > LONGEST_RETRY_AFTER_MS) throw error
      await pause(retryAfterMs ?? Math.min(backOffMs(attempt), LONGEST_PAUSE_MS), signal)
    }
  }
}

/** 1 s after the first failure in a row, then twice as long each time. */
export function backOffMs(failures: number): number {
  return FIRST_PAUSE_MS * 2 ** (failures - 1)
}

/** Up to a quarter longer: those who lost the same server must not all come back in one moment. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      },
      ms * (1 + Math.random() / 4),
    )
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}

function nothingWasDone(error: ArcRequestError): boolean {
  return error.status === 429 || error.codes.includes('CONFLICT_RETRY')
}
