import { setImmediate } from 'node:timers/promises'
import type { Memory } from './arcProcess.ts'
import { shiftClock } from './shiftedClock.ts'

// A server in a process of its own, with a clock that may be wrong from its first line on: see ArcProcess.
shiftClock(Number(process.env.TEST_CLOCK_AHEAD_MS ?? 0))
const { readConfig } = await import('../../src/config.ts')
const { createLogger } = await import('../../src/observe/logger.ts')
const { startServer } = await import('../../src/server.ts')

const config = readConfig()
const server = await startServer(config, createLogger(config.logLevel))
process.on('message', async () => process.send!(await memory()))
process.once('disconnect', async () => {
  await server.close()
  process.exit()
})
process.send!({ url: server.url })

/** What is left after a collection. */
async function memory(): Promise<Memory> {
  // What has a finalizer goes with the second.
  gc!()
  await setImmediate()
  gc!()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { usedMb: (heapUsed + external) / 1e6, residentMb: rss / 1e6 }
}
