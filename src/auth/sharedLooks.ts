import type { KnownKey } from './apiKeyLookup.ts'

/** Finds a key by the SHA-256 of its secret; null when there is none. */
export type FindKey = (hash: Buffer) => Promise<KnownKey | null>

/**
 * One look at each key at a time, so that nobody waits behind thousands at the same one. Who comes while one is on the way
 * shares the next: the one on the way may not know of a revocation that came before them.
 */
export function sharedLooks(findKey: FindKey): FindKey {
  const onTheWay = new Map<string, Promise<KnownKey | null>>()
  const next = new Map<string, Promise<KnownKey | null>>()

  function look(id: string, hash: Buffer): Promise<KnownKey | null> {
    next.delete(id)
    const found = findKey(hash)
    onTheWay.set(id, found)
    const end = () => onTheWay.delete(id)
    found.then(end, end)
    return found
  }

  return (hash) => {
    const id = hash.toString('base64')
    const before = onTheWay.get(id)
    if (!before) return next.get(id) ?? look(id, hash)
    const begin = () => look(id, hash)
    const shared = next.get(id) ?? before.then(begin, begin)
    next.set(id, shared)
    return shared
  }
}
