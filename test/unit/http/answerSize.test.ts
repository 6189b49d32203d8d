import fc from 'fast-check'
import { expect, it } from 'vitest'
import { piecesSize, sizeWithin } from '../../../src/http/limits/answerSize.ts'

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom('a', '\0', '\u0001', '\n', '"', '\\', '\x7f', 'é', 'ÿ', '中', '😀', '\ud800', '\udc00'),
    )
    .map((units) => units.join('')),
)
const answers = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    texts,
    fc.constantFrom(null, true, false, 0, -1, 1.5, 1e300, 0.1 + 0.2),
    fc.array(tie('value')),
    fc.dictionary(texts, fc.oneof(tie('value'), fc.constant(undefined))),
  ),
})).value

it('an answer is as long as JSON writes it, and takes what it is in memory or as sent, whichever is more', () => {
  fc.assert(
    fc.property(answers, (answer) => {
      const json = JSON.stringify(answer)
      const isWide = /[^\0-\xff]/.test(json)
      expect(sizeWithin(Number.POSITIVE_INFINITY, answer)).toEqual({
        characters: json.length,
        bytes: Math.max(Buffer.byteLength(json), isWide ? 2 * json.length : json.length),
      })
      expect(sizeWithin(json.length, answer)?.characters).toBe(json.length)
      expect(sizeWithin(json.length - 1, answer)).toBeUndefined()
    }),
  )
})

it('text that stands in an answer many times is not looked at beyond the limit', () => {
  const text = '\u0001'.repeat(1_000_000)
  let looks = 0
  const answer = Array.from({ length: 1_000 }, () => ({
    get a() {
      looks++
      return text
    },
  }))
  expect(sizeWithin(10_000_000, answer)).toBeUndefined()
  expect(looks).toBe(2)
})

it('bytes count by their characters where together they could be too many', () => {
  const pieces = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.boolean()))
  fc.assert(
    fc.property(pieces, fc.nat(100), (texts, limit) => {
      const { length } = texts.map(([text]) => text).join('')
      const { characters } = piecesSize(
        limit,
        texts.map(([text, isBytes]) => (isBytes ? Buffer.from(text) : text)),
      )
      if (length <= limit) expect(characters).toBeLessThanOrEqual(limit)
      else expect(characters).toBe(length)
    }),
  )
})
