import { ArcRequestError } from './arcRequestError.ts'

export interface KeepAliveOptions {
  /** Milliseconds between two heartbeats; 15,000 when not given. Well below the simulation's `timeoutMs`. */
  everyMs?: number
}

/** Heartbeats of a simulation or of one of its runs, from now on until `stop`. */
export class KeepAlive {
  readonly #beat: (signal: AbortSignal) => Promise<void>
  readonly #stopped = new AbortController()
  readonly #ended = new AbortController()
  readonly #timer: ReturnType<typeof setInterval>
  #isOnTheWay = false

  constructor(beat: (signal: AbortSignal) => Promise<void>, { everyMs = 15_000 }: KeepAliveOptions = {}) {
    this.#beat = beat
    this.#timer = setInterval(() => void this.#send(), everyMs)
    // In Node: what runs keeps the process alive, not what tells of it.
    ;(this.#timer as { unref?(): void }).unref?.()
    void this.#send()
  }

  /** Aborted when the server says that nobody waits for the outcome, with its ArcRequestError as the reason. */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  /** The last heartbeat. The server hears no goodbye: what comes next is an outcome, or nothing. */
  stop(): void {
    clearInterval(this.#timer)
    this.#stopped.abort()
  }

  async #send(): Promise<void> {
    // A server that is slow gets no second one beside the first.
    if (this.#isOnTheWay) return
    this.#isOnTheWay = true
    try {
      await this.#beat(this.#stopped.signal)
    } catch (error) {
      const isDefinite = error instanceof ArcRequestError && error.codes.includes('SIMULATION_ENDED')
      if (!isDefinite) return
      this.stop()
      this.#ended.abort(error)
    } finally {
      this.#isOnTheWay = false
    }
  }
}
