import { performance } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { cutText, storableText } from '../text.ts'
import {
  BLANK_TEXT,
  type Embedded,
  EmbeddingError,
  type EmbeddingProvider,
  isBlank,
  UnembeddableText,
  unitVector,
} from './embeddingProvider.ts'

/** A text to embed; without one, what has the number is no longer wanted. */
export interface ToMinilm {
  id: number
  text?: string
  /** How long the thread rests after each part of it, in times that the part took. */
  rests?: number
}

/** What the thread is told when it starts. */
export interface MinilmThread {
  isPatient: boolean
}

export type FromMinilm = { ready: true } | { id: number; vector: Float64Array }

/** Counts up with every change of how a text becomes a vector: how it is cut, how the parts are summed up, the weights. */
const VERSION = 1

/** Some 2,500 tokens, which is ten parts of a quarter of a second each. */
const CHARACTERS_PER_TEXT = 8_000
const TEXTS_PER_REQUEST = 32

/**
 * Without texts a thread ends, and gives back what the model takes: some 200 MB. The next text waits a second for a new one, which who asks would
 * notice, and what is made afterwards does not.
 */
const REST_MS = 300_000
const PATIENT_REST_MS = 60_000

/**
 * How long a patient thread rests while the process's first one is as busy as not, in times that it works. Its low priority is not enough:
 * Linux shares processors out among groups of processes first (containers, sessions), and what requests leave of the server's share would
 * be the database's.
 */
const RESTS = 4
const MOST_RESTS = 16

/** How often a thread may end by itself under a text before the text is held to be the reason. */
const MAX_DEATHS = 2

interface Call {
  texts: readonly string[]
  embedded: Embedded[]
  next: number
  /** Of its text that is in the thread. */
  id: number
  deaths: number
  resolve(embedded: Embedded[]): void
  reject(error: unknown): void
}

/**
 * all-MiniLM-L6-v2 (384 numbers) in WebAssembly, in a thread of this process: nothing leaves the machine. The thread starts with the first
 * text, stays until `close()`, and keeps the process alive only while somebody waits for it. Calls are served in turn, part by part.
 *
 * The model reads 256 tokens; longer texts are cut into parts, whose mean by their tokens is the text's vector.
 */
export class MinilmProvider implements EmbeddingProvider {
  readonly model = `minilm:all-MiniLM-L6-v2#${VERSION}`
  readonly dimensions = 384
  readonly limits = { textsPerRequest: TEXTS_PER_REQUEST, charactersPerText: CHARACTERS_PER_TEXT }
  #worker: Worker | undefined
  #isClosed = false
  #lastId = 0
  /** By the number of the text that is in the thread. */
  readonly #calls = new Map<number, Call>()
  readonly #isPatient: boolean
  readonly #restMs: number
  #resting: NodeJS.Timeout | undefined
  #load = performance.eventLoopUtilization()

  /**
   * `isPatient`: its thread runs at the lowest priority, where the system has priorities for threads, and rests while the server is busy.
   * `restMs`: without work it ends.
   */
  constructor({ isPatient = false, restMs }: { isPatient?: boolean; restMs?: number } = {}) {
    this.#isPatient = isPatient
    this.#restMs = restMs ?? (isPatient ? PATIENT_REST_MS : REST_MS)
  }

  async embed(texts: readonly string[], signal?: AbortSignal): Promise<Embedded[]> {
    signal?.throwIfAborted()
    if (this.#isClosed) throw stopped()
    return await new Promise((resolve, reject) => {
      const call: Call = { texts, embedded: [], next: 0, id: 0, deaths: 0, resolve, reject }
      const leave = () => {
        if (!this.#calls.delete(call.id)) return
        this.#post({ id: call.id })
        this.#rest()
        reject(signal!.reason)
      }
      signal?.addEventListener('abort', leave, { once: true })
      const settled =
        <Value>(settle: (value: Value) => void) =>
        (value: Value) => {
          signal?.removeEventListener('abort', leave)
          settle(value)
        }
      call.resolve = settled(resolve)
      call.reject = settled(reject)
      this.#proceed(call)
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#resting)
    this.#rejectAll(stopped())
    await this.#worker?.terminate()
  }

  /** The next text of the call goes to the thread; without one the call is over. */
  #proceed(call: Call): void {
    while (call.next < call.texts.length && isBlank(call.texts[call.next]!)) {
      call.embedded.push(new UnembeddableText(BLANK_TEXT))
      call.next++
    }
    if (call.next === call.texts.length) {
      this.#rest()
      call.resolve(call.embedded)
    } else this.#send(call)
  }

  #send(call: Call): void {
    call.id = ++this.#lastId
    this.#calls.set(call.id, call)
    clearTimeout(this.#resting)
    this.#worker ??= this.#start()
    this.#worker.ref()
    const text = cutText(storableText(call.texts[call.next]!), CHARACTERS_PER_TEXT)
    this.#post({ id: call.id, text, rests: this.#isPatient ? this.#rests() : 0 })
  }

  /** By how busy this thread was since the last text. */
  #rests(): number {
    const before = this.#load
    this.#load = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(this.#load, before)
    return Math.min(MOST_RESTS, (RESTS * utilization) / (1 - utilization))
  }

  #post(message: ToMinilm): void {
    this.#worker?.postMessage(message)
  }

  /** Without work the thread does not keep the process alive. */
  #rest(): void {
    if (this.#calls.size > 0) return
    const worker = this.#worker
    worker?.unref()
    clearTimeout(this.#resting)
    this.#resting = setTimeout(() => {
      if (this.#worker === worker) this.#worker = undefined
      void worker?.terminate()
    }, this.#restMs).unref()
  }

  #receive({ id, vector }: { id: number; vector: Float64Array }): void {
    const call = this.#calls.get(id)
    // Nobody wants it any more.
    if (!call) return
    this.#calls.delete(id)
    call.embedded.push(
      unitVector(vector) ?? new UnembeddableText('There is nothing in it that the model reads.'),
    )
    call.next++
    call.deaths = 0
    this.#proceed(call)
  }

  #start(): Worker {
    const worker = startThread({ isPatient: this.#isPatient })
    let wasReady = false
    let fault: Error | undefined
    worker.on('message', (message: FromMinilm) => {
      if ('ready' in message) wasReady = true
      else this.#receive(message)
    })
    worker.on('error', (error: Error) => {
      fault = error
    })
    worker.on('exit', (code) => {
      const wasInUse = this.#worker === worker
      if (wasInUse) this.#worker = undefined
      if (this.#isClosed || !wasInUse) return
      const cause = fault ?? new Error(`exit code ${code}`)
      if (wasReady) this.#startAgain(cause)
      else {
        const message = `The embedded model cannot be loaded: ${cause.message}.`
        this.#rejectAll(new EmbeddingError(message, { isPassing: false, cause }))
      }
    })
    return worker
  }

  /** The texts that were in the thread go to a new one. */
  #startAgain(cause: Error): void {
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const call of calls) {
      call.deaths++
      if (call.deaths < MAX_DEATHS) this.#send(call)
      else {
        const message = `The thread of the embedded model ended, as the one before it had: ${cause.message}.`
        call.reject(new EmbeddingError(message, { isPassing: true, cause }))
      }
    }
    this.#rest()
  }

  #rejectAll(error: EmbeddingError): void {
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const call of calls) call.reject(error)
  }
}

function stopped(): EmbeddingError {
  return new EmbeddingError('The server stops.', { isPassing: true })
}

/** Options of this process (profilers, instrumentation) are not for the thread. */
function startThread(workerData: MinilmThread): Worker {
  const options = { name: 'embeddings', execArgv: [], workerData }
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./minilmWorker.js', import.meta.url), options)
  // Where the sources are run: a thread has loaders of its own, and Node 20 takes none for it by an option.
  const tsx = import.meta.resolve('tsx/esm/api')
  const source = new URL('./minilmWorker.ts', import.meta.url).href
  const code = `import('${tsx}').then(({ tsImport }) => tsImport('${source}', '${source}'))`
  return new Worker(code, { ...options, eval: true })
}
