import { expect, it } from 'vitest'
import { jsonFault, placeOf } from '../../../src/importers/jsonFault.ts'
import { parseJsonLines } from '../../../src/importers/jsonLines.ts'
import { parseJson } from '../../../src/importers/lenientJson.ts'

it.each([
  ['{"a": 1,}', 1, 9, 'Expected double-quoted property name'],
  ['{"a" 1}', 1, 6, 'Expected ":" after a property name'],
  ['[1\n2]', 2, 1, 'Expected "," or "]" after an item'],
  ['{"a": 1\r\n"b": 2}', 2, 1, 'Expected "," or "}" after a property'],
  ['[1, ]', 1, 5, 'Expected a value'],
  ['["😀", nul]', 1, 7, 'Expected a value'],
  ['["a\\x"]', 1, 4, 'Bad escape in a string'],
  ['["a\tb"]', 1, 4, 'Unescaped control character in a string'],
  ['{"a": [', 1, 8, 'The text ends too early, within a list'],
  ['{"a": "b', 1, 9, 'The text ends too early, within a string'],
  ['{} {}', 1, 4, 'Unexpected text after the document'],
  ['[01]', 1, 2, 'Expected a value'],
])('%s is at fault in line %i, column %i', (text, line, column, message) => {
  const fault = jsonFault(text)!
  expect(fault.message).toBe(message)
  expect(placeOf(text, fault.offset)).toEqual({ line, column })
  expect(() => parseJson(text)).toThrow(`It is not JSON: ${message}, in line ${line}, column ${column}.`)
})

it('finds none in what is JSON, as Python writes it, too', () => {
  for (const text of ['{}', ' [] ', '"a\\u00e9\\n"', '-1.5e+3', 'null', '{"a": [NaN, -Infinity, {"b": []}]}'])
    expect(jsonFault(text)).toBeNull()
})

it('says the place in the text as it was written, behind a NaN', () => {
  expect(() => parseJson('{"a": NaN, "b": }')).toThrow('in line 1, column 17.')
})

it('reads JSON Lines, and says which lines are none', () => {
  expect(parseJsonLines('{"a": 1}\n\n{"a": NaN}\r\n{"a": 3')).toEqual({
    document: [{ a: 1 }, { a: Number.NaN }],
    nonFinite: 1,
    rejected: [
      { record: 'line 4', reason: 'It is not JSON: The text ends too early, within an object, in column 8.' },
    ],
  })
  for (const text of ['', '{"a": 1}\n', '{\n"a": 1}', '[1]\n[2]']) expect(parseJsonLines(text)).toBeNull()
})
