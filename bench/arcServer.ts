import { setImmediate } from 'node:timers/promises'
import pg from 'pg'
import { type Profile, Profiler } from './profile.ts'

/** What this process says when it is ready. */
export interface ArcStarted {
  url: string
  databaseUrl: string
}

/** What it answers to `profile start` (nothing) and `profile stop`. */
export type ArcAnswer = Profile | null

/** What it answers to `memory`: what is left after a collection. */
export interface Memory {
  heapMb: number
  /** Buffers and the like, which V8 holds outside of its heap. */
  externalMb: number
  residentMb: number
}

// The child process of the benchmark that is Arc: the server as `arc serve` starts it, and a profiler of it.
// As it is published: tsx, which runs the sources, makes a name for each function whenever it is made.
const built = <Module>(file: string): Promise<Module> =>
  import(new URL(`../dist/${file}`, import.meta.url).href)
const { readConfig } = await built<typeof import('../src/config.ts')>('config.js')
const { startServer } = await built<typeof import('../src/server.ts')>('server.js')
const server = await startServer(readConfig())
const profiler = new Profiler(pg.Client.prototype)
process.on('message', async (question) => {
  if (question === 'profile start') {
    await profiler.start()
    process.send!(null)
  } else if (question === 'memory') {
    process.send!(await memory())
  } else {
    process.send!(await profiler.stop())
  }
})
process.once('disconnect', async () => {
  await server.close()
  process.exit()
})
process.send!({ url: server.url, databaseUrl: server.databaseUrl } satisfies ArcStarted)

async function memory(): Promise<Memory> {
  // What has a finalizer goes with the second.
  gc!()
  await setImmediate()
  gc!()
  const { heapUsed, external, rss } = process.memoryUsage()
  const mb = (bytes: number) => bytes / 1e6
  return { heapMb: mb(heapUsed), externalMb: mb(external), residentMb: mb(rss) }
}
