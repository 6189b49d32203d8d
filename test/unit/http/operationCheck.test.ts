import { buildSchema } from 'graphql'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/config.ts'
import { createOperationCheck } from '../../../src/http/operationCheck.ts'
import { Refusal } from '../../../src/refusal.ts'

describe('documents that were judged', () => {
  const { exposure } = readConfig({ ARC_JWT_SECRET: 'x'.repeat(32) })
  const checks = () => {
    const check = createOperationCheck(buildSchema('type Query { a: Int }'), exposure, new Map())
    /** The same for as long as the document is kept. */
    return (query: string): unknown => {
      try {
        return check({ query }, query.length).document
      } catch (error) {
        if (error instanceof Refusal) return error
        throw error
      }
    }
  }
  const ofLength = (length: number, name: string) => `{ ${name}: a }`.padEnd(length, '#')

  it.each([
    ['one that may run', '{ a }'],
    ['one that may not', '{ b }'],
    ['one that is none', '{'],
    ['nothing', ''],
  ])('are read once: %s', (_, query) => {
    const read = checks()
    expect(read(query)).toBe(read(query))
  })

  it('are kept up to 500,000 characters: who was asked for longest ago goes first', () => {
    const read = checks()
    const texts = Array.from({ length: 25 }, (_, index) => ofLength(20_000, `a${index}`))
    const first = texts.map(read)
    expect(texts.map(read)).toEqual(first)
    for (const [index, text] of texts.entries()) expect(read(text)).toBe(first[index])
    // The first is the last to go now.
    expect(read(texts[0]!)).toBe(first[0])
    read('{ a }')
    expect(read(texts[0]!)).toBe(first[0])
    expect(read(texts[2]!)).toBe(first[2])
    expect(read(texts[1]!)).not.toBe(first[1])
  })

  it('of more than 20,000 characters are read each time', () => {
    const read = checks()
    const long = ofLength(20_001, 'a')
    expect(read(long)).not.toBe(read(long))
    const longest = ofLength(20_000, 'a')
    expect(read(longest)).toBe(read(longest))
  })
})
