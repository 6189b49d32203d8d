import { databaseNow } from '../databaseTime.ts'
import type { Viewer } from '../viewer.ts'

/** setTimeout's longest delay; what lives longer is looked at again. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1

/** How soon what a revoked key has open ends. */
const KEY_CHECK_MS = 5_000

/**
 * Calls `onEnd` once, with the reason, when the viewer's token or key has ended or the key was revoked. For what
 * outlives a request: sockets and subscriptions. Returns what stops the watch.
 */
export function onExpiry(viewer: Viewer, onEnd: (reason: string) => void): () => void {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const stop = () => {
    stopped = true
    clearTimeout(timer)
  }
  const end = (reason: string) => {
    if (stopped) return
    stop()
    onEnd(reason)
  }
  const { expiresAtMs = Number.POSITIVE_INFINITY, stillHolds } = viewer
  const name = stillHolds ? 'API key' : 'token'
  // Keys are the database's. Tokens are of others, and none of them has its clock.
  const now = () => (stillHolds ? databaseNow().getTime() : Date.now())
  const look = async () => {
    if (expiresAtMs <= now()) end(`The ${name} has expired.`)
    // A database that does not answer says nothing of the key.
    else if (stillHolds && !(await stillHolds().catch(() => true))) end('The API key was revoked.')
    else if (!stopped) wait()
  }
  const wait = () => {
    const remaining = Math.max(0, expiresAtMs - now())
    if (remaining === Number.POSITIVE_INFINITY && !stillHolds) return
    timer = setTimeout(look, Math.min(remaining, stillHolds ? KEY_CHECK_MS : LONGEST_TIMEOUT_MS))
  }
  wait()
  return stop
}
