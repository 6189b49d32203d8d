import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { KnownKey } from '../../../src/auth/apiKeyLookup.ts'
import { newSecret } from '../../../src/auth/apiKeySecret.ts'
import { createKeyVerifier } from '../../../src/auth/apiKeys.ts'

const KEY: KnownKey = {
  tenantId: '01890a5d-ac96-774b-bcce-b302099a8057',
  keyId: '01890a5d-ac96-774b-bcce-b302099a8058',
  name: 'a key',
  prefix: 'arc_aaaaaaaa',
  role: 'app_user',
  expiresAt: null,
  revokedAt: null,
}

let passedMs: number

async function pass(ms: number): Promise<void> {
  passedMs += ms
  await vi.advanceTimersByTimeAsync(ms)
}

beforeEach(() => {
  passedMs = 0
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  vi.spyOn(performance, 'now').mockImplementation(() => 1_000 + passedMs)
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** A key that somebody signed in with, and how often it was looked at since. */
async function signedIn() {
  const find = vi.fn(async (): Promise<KnownKey> => KEY)
  const { stillHolds } = await createKeyVerifier(find)(newSecret().secret)
  find.mockClear()
  return { find, stillHolds: stillHolds! }
}

it('one look at a key is good for all that it has open, for 2.5 seconds', async () => {
  const { find, stillHolds } = await signedIn()
  expect(await Promise.all([stillHolds(), stillHolds(), stillHolds()])).toEqual([true, true, true])
  expect(find).toHaveBeenCalledTimes(1)
  find.mockResolvedValue({ ...KEY, revokedAt: new Date() })
  await pass(2_400)
  expect(await stillHolds()).toBe(true)
  await pass(200)
  expect(await stillHolds()).toBe(false)
  expect(find).toHaveBeenCalledTimes(2)
  expect(await stillHolds()).toBe(false)
  expect(find).toHaveBeenCalledTimes(2)
})

it('a look that is asked to be fresh is one', async () => {
  const { find, stillHolds } = await signedIn()
  await stillHolds()
  find.mockResolvedValue({ ...KEY, revokedAt: new Date() })
  expect(await stillHolds(true)).toBe(false)
})

it('a look that failed is not kept: all who waited for it hear, the next one looks again', async () => {
  const { find, stillHolds } = await signedIn()
  find.mockRejectedValueOnce(new Error('the database did not answer'))
  const looks = await Promise.allSettled([stillHolds(), stillHolds()])
  expect(looks.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await stillHolds()).toBe(true)
  expect(find).toHaveBeenCalledTimes(2)
})

it('those who come while a look is on the way share the next one, which knows of what was revoked before them', async () => {
  const { find, stillHolds } = await signedIn()
  let answer: (key: KnownKey) => void = () => {}
  find.mockImplementationOnce(
    () =>
      new Promise((resolve) => {
        answer = resolve
      }),
  )
  const first = stillHolds(true)
  find.mockResolvedValue({ ...KEY, revokedAt: new Date() })
  const others = Array.from({ length: 1_000 }, () => stillHolds(true))
  expect(find).toHaveBeenCalledTimes(1)
  answer(KEY)
  expect(await first).toBe(true)
  expect(new Set(await Promise.all(others))).toEqual(new Set([false]))
  expect(find).toHaveBeenCalledTimes(2)
  expect(await stillHolds(true)).toBe(false)
  expect(find).toHaveBeenCalledTimes(3)
})

it('a look that fails fails for those alone who shared it', async () => {
  const { find, stillHolds } = await signedIn()
  find.mockRejectedValueOnce(new Error('the database did not answer'))
  const looks = await Promise.allSettled([stillHolds(true), stillHolds(true), stillHolds(true)])
  expect(looks.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  expect(find).toHaveBeenCalledTimes(2)
})
