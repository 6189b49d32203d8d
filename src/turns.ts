import { setImmediate } from 'node:timers/promises'

/** As long as a request may wait for another one's work. */
const TURN_MS = 20

/** All that a piece of work brings, step by step: between two steps everybody else has a turn where it has taken long. */
export async function inTurns<Result>(work: Iterable<Result>): Promise<Result[]> {
  const results: Result[] = []
  let since = performance.now()
  for (const result of work) {
    results.push(result)
    if (performance.now() - since < TURN_MS) continue
    await setImmediate()
    since = performance.now()
  }
  return results
}
