import type { Profiler as Inspector } from 'node:inspector'
import { Session } from 'node:inspector/promises'
import type pg from 'pg'

/** Where a process's main thread was while it was watched. */
export interface Profile {
  wallMs: number
  /** Processor time of all its threads. */
  cpuMs: number
  /** Self time of the main thread by area, largest first; idle time is none of them. */
  areas: { area: string; selfMs: number }[]
  /** The functions with the largest self time. */
  functions: { name: string; where: string; selfMs: number }[]
  /** Statements sent to the database, BEGIN, COMMIT and settings among them. */
  statements: number
}

const SAMPLING_INTERVAL_US = 500
const FUNCTIONS_SHOWN = 40

/** The first that fits says whose code it is. */
const AREAS: readonly (readonly [area: string, url: RegExp])[] = [
  ['WebAssembly (Prisma query compiler; PGlite when embedded)', /^wasm:/],
  ['Prisma client', /node_modules\/@prisma\/|(src|dist)\/db\/generated\//],
  ['pg (protocol, rows, pool)', /node_modules\/pg(-[a-z]+)?\//],
  ['PGlite', /node_modules\/@electric-sql\//],
  ['Pothos', /node_modules\/@pothos\//],
  ['graphql-js', /node_modules\/graphql\//],
  ['GraphQL scalars', /node_modules\/graphql-scalars\//],
  ['DataLoader', /node_modules\/dataloader\//],
  ['Yoga, fetch API', /node_modules\/(graphql-yoga|@graphql-yoga|@whatwg-node|@envelop|@graphql-tools)\//],
  ['WebSocket', /node_modules\/(ws|graphql-ws)\//],
  ['jose (token)', /node_modules\/jose\//],
  ['Arc: ingestion', /\/(src|dist)\/evaluation\//],
  ['Arc: GraphQL', /\/(src|dist)\/graphql\//],
  ['Arc: database', /\/(src|dist)\/db\//],
  ['Arc: live', /\/(src|dist)\/live\//],
  ['Arc: HTTP, rest', /\/(src|dist)\//],
  ['other packages', /node_modules\//],
  [
    'Node: HTTP, sockets, streams',
    /^node:(_?http|net|internal\/(http|stream|net|js_stream)|stream|_http|internal\/streams)/,
  ],
  ['Node: crypto', /^node:(crypto|internal\/crypto)/],
  ['Node: rest', /^node:/],
]

/** Watches this process: V8's sampling profiler, processor time, statements that reach the database. */
export class Profiler {
  readonly #clients: pg.Client
  readonly #query: pg.Client['query']
  #session: Session | undefined
  #statements = 0
  #startedAt = 0
  #cpu: NodeJS.CpuUsage | undefined

  /** `clients` is the prototype of all database connections of this process. */
  constructor(clients: pg.Client) {
    this.#clients = clients
    this.#query = clients.query
  }

  async start(): Promise<void> {
    const count = () => {
      this.#statements += 1
    }
    const query = this.#query as (...args: unknown[]) => unknown
    this.#statements = 0
    this.#clients.query = function (this: pg.Client, ...args: unknown[]) {
      count()
      return query.apply(this, args)
    } as never
    this.#session = new Session()
    this.#session.connect()
    await this.#session.post('Profiler.enable')
    await this.#session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US })
    await this.#session.post('Profiler.start')
    this.#startedAt = performance.now()
    this.#cpu = process.cpuUsage()
  }

  async stop(): Promise<Profile> {
    const cpu = process.cpuUsage(this.#cpu)
    const wallMs = performance.now() - this.#startedAt
    const { profile } = await this.#session!.post('Profiler.stop')
    this.#session!.disconnect()
    this.#clients.query = this.#query
    return {
      wallMs,
      cpuMs: (cpu.user + cpu.system) / 1_000,
      statements: this.#statements,
      ...selfTimes(profile),
    }
  }
}

function selfTimes(profile: Inspector.Profile): Pick<Profile, 'areas' | 'functions'> {
  const selfMs = new Map<number, number>()
  profile.samples!.forEach((id, index) => {
    selfMs.set(id, (selfMs.get(id) ?? 0) + profile.timeDeltas![index]! / 1_000)
  })
  const areas = new Map<string, number>()
  const functions = new Map<string, { name: string; where: string; selfMs: number }>()
  for (const { id, callFrame } of profile.nodes) {
    const { functionName, url, lineNumber } = callFrame
    const ms = selfMs.get(id) ?? 0
    // `dispatch` is the profiler's own start and stop.
    if (ms === 0 || functionName === '(idle)' || (functionName === 'dispatch' && url === '')) continue
    const area = areaOf(functionName, url)
    areas.set(area, (areas.get(area) ?? 0) + ms)
    const where =
      url === '' ? area : `${url.replace(/^.*\/(node_modules|src|dist)\//, '$1/')}:${lineNumber + 1}`
    const key = `${functionName} ${where}`
    const known = functions.get(key)
    if (known) known.selfMs += ms
    else functions.set(key, { name: functionName, where, selfMs: ms })
  }
  return {
    areas: [...areas].map(([area, ms]) => ({ area, selfMs: ms })).sort((a, b) => b.selfMs - a.selfMs),
    functions: [...functions.values()].sort((a, b) => b.selfMs - a.selfMs).slice(0, FUNCTIONS_SHOWN),
  }
}

function areaOf(name: string, url: string): string {
  if (name === '(garbage collector)') return 'garbage collection'
  // System calls, compilation, and whatever else of C++ that V8 has no frame for.
  if (name === '(program)') return 'V8 and C++ without a frame'
  if (url === '')
    return name === 'parse' || name === 'stringify' ? 'JSON.parse, JSON.stringify' : 'JavaScript built-ins'
  return AREAS.find(([, pattern]) => pattern.test(url))?.[0] ?? 'rest'
}
