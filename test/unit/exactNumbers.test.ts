import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  asPlainNumber,
  exactNumber,
  isExactNumber,
  isText,
  parseExactly,
  stringifyExactly,
  withExactNumbers,
} from '../../src/exactNumbers.ts'
import { outlineOf } from '../../src/http/limits/jsonOutline.ts'

const sameDigits = (json: string) => expect(stringifyExactly(parseExactly(json))).toBe(json)

describe('JSON', () => {
  it.each([
    '{"id":9007199254740993,"start_time_unix_nano":1732827384123456789}',
    '[9007199254740993]',
    '9007199254740993',
    '[-18446744073709551615,0.1234567890123456789,1.00000000000000000001,1e400,-1E-400]',
    '{"a":[12345678901234567890,"12345678901234567890",{"b":98765432109876543210}]}',
    '["text with 12345678901234567890, and \\" a quote",12345678901234567891]',
    '["\\\\",12345678901234567891,"\\\\\\"",12345678901234567892]',
  ])('%s keeps its digits', sameDigits)

  it.each([
    ['[1, 0.5, -12, 123456789012345, true, "12345678901234567890", "1e400"]', false],
    ['[1, -9007199254740993]', true],
    ['{"a":1e400}', true],
    ['[0.30000000000000004]', true],
  ])('the outline of %s tells whether to look for long numbers: %s', (json, expected) => {
    expect(outlineOf(json).hasLongNumber).toBe(expected)
  })

  it('with numbers that JavaScript has is read as ever', () => {
    for (const json of [
      '1',
      '[0.30000000000000004,1e21,1.5e-7]',
      '{"a":9007199254740991,"b":1234567890123456.0}',
    ])
      expect(parseExactly(json)).toEqual(JSON.parse(json))
    for (const json of [
      '',
      '{',
      '[1,]',
      '01',
      '12345678901234567890x',
      '01234567890123456789',
      '1234567890123456-7',
      '1.234567890123456.7',
    ])
      expect(() => parseExactly(json)).toThrow(SyntaxError)
  })

  it('with a number of a million digits takes no long time', () => {
    const zeros = '0'.repeat(1_000_000)
    sameDigits(`[1${zeros}1,1${zeros}1]`)
  })

  it('of any kind comes back with the same values', () => {
    const digits = fc.oneof(
      fc
        .stringMatching(/^-?[1-9]\d{15,24}(\.\d{1,24}[1-9])?$/)
        .filter((text) => String(Number(text)) !== text),
      fc.stringMatching(/^-?[1-9](\.[1-9])?[eE][+-]?[4-9]\d\d$/),
    )
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(
        { withCrossShrink: true },
        digits,
        fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
        digits.map((text) => JSON.stringify(`a ${text}, `)),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
        fc.constantFrom('true', 'false', 'null'),
        fc.array(tie('value') as fc.Arbitrary<string>, { maxLength: 4 }).map((items) => `[${items}]`),
        fc
          .dictionary(fc.string(), tie('value') as fc.Arbitrary<string>, { maxKeys: 4 })
          .map(
            (fields) =>
              `{${Object.entries(fields).map(([key, value]) => `${JSON.stringify(key)}:${value}`)}}`,
          ),
      ),
    })).value
    fc.assert(
      fc.property(tree, (json) => {
        // Keys that are numbers change their place, and of equal ones the last counts: as JSON has it.
        const normal = JSON.stringify(
          JSON.parse(json.replace(/(?<=[[,:]|^)-?\d+(\.\d+)?([eE][+-]?\d+)?(?=[\],}]|$)/g, '"#$&"')),
        )
        const again = JSON.stringify(
          JSON.parse(
            stringifyExactly(parseExactly(json)).replace(
              /(?<=[[,:]|^)-?\d+(\.\d+)?([eE][+-]?\d+)?(?=[\],}]|$)/g,
              '"#$&"',
            ),
          ),
        )
        expect(again.replaceAll('e+', 'e')).toBe(normal.replaceAll('e+', 'e'))
        // Bodies are searched for such numbers where their outline has one.
        if (!outlineOf(json).hasLongNumber) expect(withExactNumbers(json)).toBe(json)
      }),
    )
  })
})

it('a number is exact when JavaScript has no such number, and plain where one is wanted', () => {
  expect(exactNumber('1.50')).toBe(1.5)
  const exact = exactNumber('9007199254740993')
  expect(isExactNumber(exact)).toBe(true)
  expect(asPlainNumber(exact)).toBe(9007199254740992)
  expect(stringifyExactly({ exact })).toBe('{"exact":9007199254740993}')
  expect([exact, 'a', '', 1, null, undefined].map(isText)).toEqual([false, true, true, false, false, false])
  for (const other of ['9007199254740993', '\0:1', '']) {
    expect(isExactNumber(other)).toBe(false)
    expect(asPlainNumber(other)).toBe(other)
    expect(JSON.parse(stringifyExactly(other))).toBe(other)
  }
})
