import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseExactly, stringifyExactly } from '../../src/exactNumbers.ts'
import { storableJson } from '../../src/json.ts'
import { Refusal } from '../../src/refusal.ts'

function nested(levels: number): unknown {
  let tree: unknown = 'leaf'
  for (let level = 0; level < levels; level++) tree = level % 2 ? [tree] : { inner: tree }
  return tree
}

function refusalOf(call: () => unknown): Refusal {
  try {
    call()
  } catch (error) {
    if (error instanceof Refusal) return error
  }
  throw new Error('was not refused')
}

describe('storableJson', () => {
  it('returns the very same tree when nothing has to change', () => {
    const tree = { messages: [{ role: 'user', content: 'naïve 😀 text' }], ok: true, score: 0.5, none: null }
    const stored = storableJson(tree)
    expect(stored.value).toBe(tree)
    expect(stored.notes).toEqual([])
  })

  it('replaces U+0000 in strings and keys and says how often', () => {
    const { value, notes } = storableJson({ 'a\0b': ['x\0y\0z', 'fine'] }, 'trajectory')
    expect(value).toEqual({ 'a\ufffdb': ['x\ufffdy\ufffdz', 'fine'] })
    expect(notes).toEqual(['U+0000 replaced by U+FFFD in trajectory (3 places)'])
  })

  it('replaces lone surrogates and leaves pairs', () => {
    const { value, notes } = storableJson(['\ud83d', '\ude00', '😀', '\ud83d\ud83d\ude00\ude00'], 'metrics')
    expect(value).toEqual(['\ufffd', '\ufffd', '😀', '\ufffd😀\ufffd'])
    expect(notes).toEqual(['lone surrogate replaced by U+FFFD in metrics (4 places)'])
  })

  it('turns numbers that JSON does not have into null', () => {
    const { value, notes } = storableJson({ a: Number.NaN, b: [Number.POSITIVE_INFINITY, 1] }, 'metrics')
    expect(value).toEqual({ a: null, b: [null, 1] })
    expect(notes).toEqual(['non-finite number replaced by null in metrics (2 places)'])
  })

  it('copies only what leads to a change and leaves the input alone', () => {
    const tree = { kept: { deep: [1, 2] }, changed: [{ text: 'a\0' }, { text: 'b' }] }
    const { value } = storableJson(tree)
    const stored = value as unknown as typeof tree
    expect(stored).not.toBe(tree)
    expect(stored.kept).toBe(tree.kept)
    expect(stored.changed[1]).toBe(tree.changed[1])
    expect(tree.changed[0]!.text).toBe('a\0')
  })

  it('keeps two keys that would become one apart', () => {
    const { value } = storableJson({ 'a\0': 1, 'a\ufffd': 2, 'a\ud800': 3 })
    expect(Object.values(value as object).sort()).toEqual([1, 2, 3])
    expect(value).toHaveProperty(['a\ufffd'], 2)
  })

  it('keeps a key named __proto__ a key', () => {
    const { value } = storableJson(JSON.parse('{"__proto__": {"a": "\\u0000"}, "\\u0000": 1}'))
    expect(JSON.stringify(value)).toBe('{"__proto__":{"a":"\ufffd"},"\ufffd":1}')
  })

  it('takes 200 levels and refuses the 201st with the path to it', () => {
    const deep = nested(200)
    expect(storableJson(deep).value).toBe(deep)
    const refusal = refusalOf(() => storableJson({ first: 1, steps: [[], nested(199)] }))
    expect(refusal.code).toBe('TOO_LARGE')
    expect(refusal.inputPath.slice(0, 3)).toEqual(['steps', 1, 'inner'])
    expect(refusal.inputPath).toHaveLength(200)
  })

  it('refuses a cyclic tree and what JSON does not know', () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    expect(refusalOf(() => storableJson(cycle)).code).toBe('TOO_LARGE')
    const refusal = refusalOf(() => storableJson({ list: [1, 2n] }))
    expect([refusal.code, refusal.inputPath]).toEqual(['INVALID_VALUE', ['list', 1]])
  })

  it('leaves nothing that PostgreSQL refuses, and no more to do', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\0', '\ud83d', '\ude00', 'é') })
    const tree = fc.letrec((tie) => ({
      node: fc.oneof(text, fc.double(), fc.array(tie('node')), fc.dictionary(text, tie('node'))),
    })).node
    fc.assert(
      fc.property(tree, (value) => {
        const stored = storableJson(value).value
        expect(JSON.stringify(stored)).not.toMatch(/\\u0000|\\ud[89a-f]/)
        expect(storableJson(stored)).toEqual({ value: stored, notes: [] })
      }),
    )
  })
})

it('a key has at most 10,000 characters', () => {
  const key = '😀'.repeat(10_000)
  expect(storableJson({ a: [{ [key]: 1 }] }).notes).toEqual([])
  expect(refusalOf(() => storableJson({ a: [{ [`${key}k`]: 1 }] }))).toMatchObject({
    code: 'TOO_LARGE',
    message: 'a key has 10001 characters, but must have at most 10000',
    inputPath: ['a', 0],
  })
})

describe('a number that PostgreSQL would write with many zeros', () => {
  it('is kept as it is written, as a text, with a note', () => {
    const tree = '{"a":[1e400,-1E-400,9007199254740993e300],"b":[1e401,-1.5E-131071,1e99999999999]}'
    const { value, notes } = storableJson(parseExactly(tree), 'trajectory')
    expect(stringifyExactly(value)).toBe(
      '{"a":[1e400,-1E-400,9007199254740993e300],"b":["1e401","-1.5E-131071","1e99999999999"]}',
    )
    expect(notes).toEqual(['number with an exponent beyond ±400 stored as text in trajectory (3 places)'])
  })

  it('is a text when it has more characters than PostgreSQL has places for', () => {
    const digits = (count: number) => '1'.repeat(count)
    const kept = `[${digits(15_000)},0.${digits(14_998)},${digits(14_996)}e400]`
    expect(storableJson(parseExactly(kept)).notes).toEqual([])
    const { value, notes } = storableJson(
      parseExactly(`[${digits(15_001)},-0.${'0'.repeat(20_000)}1,${digits(200_000)}e401]`),
      'metrics',
    )
    expect(stringifyExactly(value)).toBe(
      `["${digits(15_001)}","-0.${'0'.repeat(20_000)}1","${digits(200_000)}e401"]`,
    )
    expect(notes).toEqual([
      'number with an exponent beyond ±400 stored as text in metrics (1 place)',
      'number of more than 15000 characters stored as text in metrics (2 places)',
    ])
  })

  it('is refused when there are so many that they come to 4 MiB of zeros', () => {
    for (const number of ['1e300', '1e-300', '9007199254740993e300']) {
      expect(storableJson(parseExactly(`[${Array(13_000).fill(number)}]`)).notes, number).toEqual([])
      expect(
        refusalOf(() => storableJson({ a: parseExactly(`[${Array(15_000).fill(number)}]`) })),
        number,
      ).toMatchObject({
        code: 'TOO_LARGE',
        inputPath: ['a', expect.any(Number)],
      })
    }
  })
})
