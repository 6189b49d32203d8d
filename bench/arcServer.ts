import { setImmediate } from 'node:timers/promises'
import pg from 'pg'
import { readConfig } from '../src/config.ts'
import { type ArcServer, startServer } from '../src/server.ts'
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
const server: ArcServer = await startServer(readConfig())
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
