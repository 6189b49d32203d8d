import { ArcRequestError } from './arcRequestError.ts'

/**
 * A signal that is aborted when nothing came in time, or with another one. Its reason is what is to be thrown. Not
 * `AbortSignal.any` and `timeout`: Node 20 may collect those before they fire.
 */
export class Deadline {
  readonly #abort = new AbortController()
  readonly #ms: number
  readonly #late: string
  readonly #outer: AbortSignal | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(ms: number, outer: AbortSignal | undefined, late: string) {
    this.#ms = ms
    this.#late = late
    this.#outer = outer
    if (outer?.aborted) this.#abortWithOuter()
    else outer?.addEventListener('abort', this.#abortWithOuter)
    this.restart()
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  restart(): void {
    this.stop()
    this.#timer = setTimeout(() => this.#abort.abort(new ArcRequestError(this.#late)), this.#ms)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Closes what still runs under the signal. */
  end(): void {
    this.stop()
    this.#outer?.removeEventListener('abort', this.#abortWithOuter)
    this.#abort.abort()
  }

  readonly #abortWithOuter = () => {
    this.stop()
    this.#abort.abort(this.#outer!.reason)
  }
}
