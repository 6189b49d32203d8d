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

// The child process of the benchmark that is Arc: the server as `arc serve` starts it, and a profiler of it.
const server: ArcServer = await startServer(readConfig())
const profiler = new Profiler(pg.Client.prototype)
process.on('message', async (question) => {
  if (question === 'profile start') {
    await profiler.start()
    process.send!(null)
  } else {
    process.send!(await profiler.stop())
  }
})
process.once('disconnect', async () => {
  await server.close()
  process.exit()
})
process.send!({ url: server.url, databaseUrl: server.databaseUrl } satisfies ArcStarted)
