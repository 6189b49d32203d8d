import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringifyExactly } from '../../../src/exactNumbers.ts'
import { namedNumbers, parseJson } from '../../../src/importers/lenientJson.ts'

test('NaN and infinities are numbers of their names, and texts stay texts', () => {
  const { document, nonFinite } = parseJson('{"a": [NaN, -Infinity, Infinity], "b": "NaN, \\"NaN", "c": 1}')
  expect(document).toEqual({ a: [Number.NaN, -Infinity, Infinity], b: 'NaN, "NaN', c: 1 })
  expect(nonFinite).toBe(3)
  expect(namedNumbers(document)).toEqual({ a: ['NaN', '-Infinity', 'Infinity'], b: 'NaN, "NaN', c: 1 })
  expect(parseJson('[1]')).toMatchObject({ document: [1], nonFinite: 0 })
})

test('numbers keep their digits, NaN beside them or not, and texts stay texts', () => {
  const kept = (json: string) => expect(stringifyExactly(parseJson(json).document)).toBe(json)
  kept('{"id":9007199254740993,"t":[1732827384123456789,-0.1234567890123456789],"n":1}')
  kept('{"a":"say \\" :9007199254740993 , "}')
  const { document, nonFinite } = parseJson('[NaN, 9007199254740993, "NaN 9007199254740993"]')
  expect(stringifyExactly(namedNumbers(document))).toBe('["NaN",9007199254740993,"NaN 9007199254740993"]')
  expect(nonFinite).toBe(1)
})

test('what only begins as a number is no JSON', () => {
  for (const json of ['[1234567890123456-7]', '[01234567890123456789]', '[1.234567890123456.7]'])
    expect(() => parseJson(json)).toThrow('It is not JSON')
})

test('every number is the same when it is written again', () => {
  const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,24})(\.\d{0,24}[1-9])?$/)
  fc.assert(
    fc.property(digits, (number) => {
      expect(stringifyExactly(parseJson(`[${number}]`).document)).toBe(`[${number === '-0' ? 0 : number}]`)
    }),
  )
})
