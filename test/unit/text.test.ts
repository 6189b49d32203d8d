import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cutStart,
  cutText,
  indexOfUnstorable,
  isLongerThan,
  lengthOf,
  shorten,
  storableText,
} from '../../src/text.ts'

/** Of characters of one, two, three and four bytes in UTF-8, U+0000, and halves of surrogate pairs. */
const anyText = fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\0', '\ud83d', '\ude00') })
const charactersOf = (text: string) => [...text]

describe('a length', () => {
  it('is that of PostgreSQL: in code points', () => {
    expect(lengthOf('aé€😀')).toBe(4)
    fc.assert(
      fc.property(anyText, fc.nat(12), (text, max) => {
        const { length } = charactersOf(text)
        expect(lengthOf(text)).toBe(length)
        expect(isLongerThan(text, max)).toBe(length > max)
      }),
    )
  })
})

describe('a text that is cut', () => {
  it('keeps whole characters, from its start or to its end', () => {
    fc.assert(
      fc.property(anyText, fc.nat(12), (text, max) => {
        const characters = charactersOf(text)
        expect(cutText(text, max)).toBe(characters.slice(0, max).join(''))
        expect(cutStart(text, max)).toBe(characters.slice(Math.max(0, characters.length - max)).join(''))
      }),
    )
  })

  it('says so in its last character, where that is asked for', () => {
    expect(shorten('😀😀😀', 3)).toBe('😀😀😀')
    expect(shorten('😀😀😀😀', 3)).toBe('😀😀…')
  })
})

describe('storableText', () => {
  it('replaces U+0000 and lone surrogates, and returns any other text itself', () => {
    expect(storableText('a\0b\udc00')).toBe('a\ufffdb\ufffd')
    expect(storableText('\0')).toBe('\ufffd')
    expect(storableText('all 😀 well')).toBe('all 😀 well')
  })

  it('keeps the length, and nothing that cannot be stored', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const stored = storableText(text)
        expect(lengthOf(stored)).toBe(lengthOf(text))
        expect(indexOfUnstorable(stored)).toBe(-1)
        const first = indexOfUnstorable(text)
        if (first >= 0)
          expect([text.slice(0, first), stored[first]]).toEqual([stored.slice(0, first), '\ufffd'])
        else expect(stored).toBe(text)
      }),
    )
  })
})
