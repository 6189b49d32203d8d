import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffTrajectories } from '../../../src/evaluation/outcomes/trajectoryDiff.ts'
import type { JsonValue } from '../../../src/json.ts'

const SIGNS = { same: '=', changed: '~', only_baseline: '-', only_candidate: '+' } as const

async function diff(baseline: JsonValue[], candidate: JsonValue[], field = 'messages') {
  const { steps, ...rest } = await diffTrajectories({ [field]: baseline }, { [field]: candidate })
  return { ...rest, steps, signs: steps.map(({ change }) => SIGNS[change]).join('') }
}

const say = (content: string, role = 'assistant') => ({ role, content })
const call = (name: string, args: object | string, id = 'c1') => ({
  role: 'assistant',
  content: null,
  tool_calls: [{ id, type: 'function', function: { name, arguments: args as JsonValue } }],
})
const result = (content: string) => ({ role: 'tool', tool_call_id: 'c1', content })

describe('two trajectories', () => {
  const start = [
    say('Cancel order 17.', 'user'),
    call('find_order', { id: 17 }),
    result('open since 12:30:05'),
  ]

  it.each<[what: string, JsonValue[], JsonValue[], signs: string]>([
    ['the same', start, start, '==='],
    ['times, ids and numbers of texts', start, [start[0]!, start[1]!, result('open since 12:31:59')], '==='],
    [
      'the order of arguments, and arguments as text',
      [call('f', { a: 1, b: 2 })],
      [call('f', '{"b":2,"a":1}', 'c9')],
      '=',
    ],
    ['other numbers in arguments', [call('refund', { usd: 10 })], [call('refund', { usd: 11 })], '~'],
    ['other texts', [say('Sure.')], [say('I refuse.')], '~'],
    ['another result', start, [start[0]!, start[1]!, result('unknown order')], '==~'],
    ['another tool', [...start, call('refund', {})], [...start, call('cancel', {})], '===-+'],
    ['a step more', start, [start[0]!, say('Let me look.'), ...start.slice(1)], '=+=='],
    ['a step less', start, [start[0]!, start[2]!], '=-='],
    [
      'prose beside a call',
      [{ ...call('f', {}), content: 'First.' }],
      [{ ...call('f', {}), content: 'Now.' }],
      '=',
    ],
    ['who says it', [say('Yes.', 'user')], [say('Yes.')], '-+'],
    [
      'another text, and another tool behind it',
      [say('Sure.'), call('f', {})],
      [say('I refuse.'), call('g', {})],
      '~-+',
    ],
    ['none', [], start, '+++'],
    [
      'blocks',
      [{ role: 'assistant', content: [{ type: 'tool_use', id: '1', name: 'f', input: { a: 1 } }] }],
      [
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Hm.' },
            { type: 'tool_use', id: '2', name: 'f', input: { a: 1 } },
          ],
        },
      ],
      '=',
    ],
    [
      'items',
      [{ type: 'function_call', name: 'f', arguments: '{}' }],
      [{ type: 'function_call', name: 'g', arguments: '{}' }],
      '-+',
    ],
    [
      'actions',
      [{ action: 'open a.py', observation: 'x' }],
      [{ action: 'open a.py', observation: 'y' }],
      '=',
    ],
    ['actions on other files', [{ action: 'open src/a.py' }], [{ action: 'open src/b.py' }], '~'],
    ['tools', [{ tool: 'f', args: { a: 1 } }], [{ tool: 'f', args: { a: 2 } }], '~'],
    ['what is no step', ['a', 1, null], ['a', 1, { b: 1 }], '==-+'],
  ])('with %s: as they should', async (_, baseline, candidate, signs) => {
    const found = await diff(baseline, candidate)
    expect(found.signs).toBe(signs)
    expect(found.firstDifference).toEqual(found.steps.find(({ change }) => change !== 'same') ?? null)
    expect(found.isAligned).toBe(true)
  })

  it('name the tools of steps', async () => {
    const { steps } = await diff([call('f', {}), say('x')], [call('f', {}), call('g', {})])
    expect(steps.map(({ tools }) => tools)).toEqual([['f'], [], ['g']])
  })

  it('part in what they say, and in what they call', async () => {
    const found = await diff(
      [say('Hello.'), call('f', { a: 1 }), say('x'), call('g', {})],
      [say('Hi.'), call('f', { a: 1 }), say('y'), call('h', {})],
    )
    expect([found.firstDifference?.position, found.firstCallDifference]).toEqual([
      0,
      { position: 3, change: 'only_baseline', baselineIndex: 3, candidateIndex: null, tools: ['g'] },
    ])
    expect((await diff([say('a')], [say('b')])).firstCallDifference).toBeNull()
  })

  it('are read from whichever list they have', async () => {
    const { signs } = await diff([{ action: 'a' }], [{ action: 'b' }], 'steps')
    expect(signs).toBe('-+')
    expect((await diffTrajectories({ text: 'x' }, { messages: [] })).steps).toEqual([])
  })

  it('have each of their steps once, in order, whatever they are; turned around it is as long a way', () => {
    const step = fc.oneof(
      fc.constantFrom('yes', 'no', 'order 1', 'order 2').map((text) => say(text)),
      fc
        .tuple(fc.constantFrom('f', 'g'), fc.integer({ min: 0, max: 2 }))
        .map(([name, a]) => call(name, { a })),
    )
    const list = fc.array(step, { maxLength: 30 })
    return fc.assert(
      fc.asyncProperty(list, list, async (baseline, candidate) => {
        const found = await diff(baseline, candidate)
        const indexes = (side: 'baselineIndex' | 'candidateIndex') =>
          found.steps.flatMap(({ [side]: index }) => (index === null ? [] : [index]))
        expect(indexes('baselineIndex')).toEqual([...baseline.keys()])
        expect(indexes('candidateIndex')).toEqual([...candidate.keys()])
        const turned = await diff(candidate, baseline)
        expect(turned.counts.same + turned.counts.changed + turned.counts.only_baseline).toBe(
          candidate.length,
        )
        const same = await diff(baseline, baseline)
        expect(same.counts.same).toBe(baseline.length)
      }),
    )
  })

  it('that are too long to be aligned are paired by position, and far too long ones refused in words', async () => {
    const many = (word: string, count: number) =>
      Array.from({ length: count }, (_, at) =>
        say(`${word} ${'x'.repeat(at % 50)} ${word}${at % 7 === 0 ? 'a' : 'b'}`),
      )
    const { isAligned, counts, firstDifference } = await diff(
      [say('a'), ...many('one', 1_500)],
      [say('a'), ...many('other', 1_400)],
    )
    expect({ isAligned, counts, at: firstDifference?.position }).toEqual({
      isAligned: false,
      counts: { same: 1, changed: 1_400, only_baseline: 100, only_candidate: 0 },
      at: 1,
    })
    await expect(diff(many('x', 20_001), [])).rejects.toThrow(/20001 steps; 20000 is the limit/)
  })
})
