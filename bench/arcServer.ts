import pg from 'pg'
import { memoryNow } from './memory.ts'
import { type Profile, Profiler } from './profile.ts'

/** What this process says when it is ready. */
export interface ArcStarted {
  url: string
  databaseUrl: string
}

/** What it answers to `profile start` (nothing) and `profile stop`. */
export type ArcAnswer = Profile | null

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
    process.send!(await memoryNow())
  } else {
    process.send!(await profiler.stop())
  }
})
process.once('disconnect', async () => {
  await server.close()
  process.exit()
})
process.send!({ url: server.url, databaseUrl: server.databaseUrl } satisfies ArcStarted)
