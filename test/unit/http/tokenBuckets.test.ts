import { expect, it } from 'vitest'
import { TokenBuckets } from '../../../src/http/limits/tokenBuckets.ts'

it('10,000 keys are remembered: who used none of its tokens for longest begins anew', () => {
  const buckets = new TokenBuckets(1)
  const isEmpty = (key: string) => buckets.wait(key) !== undefined
  buckets.take('first')
  buckets.take('second')
  for (let index = 2; index < 10_000; index++) buckets.take(`key ${index}`)
  // To be asked for keeps it.
  expect(isEmpty('first')).toBe(true)
  buckets.take('one more')
  expect({ first: isEmpty('first'), second: isEmpty('second') }).toEqual({ first: true, second: false })
})

it('0 per minute is no limit', () => {
  const buckets = new TokenBuckets(0)
  for (let count = 0; count < 10; count++) expect(buckets.take('key')).toBeUndefined()
})
