import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type GroupedFailure, groupFailures, type LinkedFailure } from '../../../src/jobs/failureGrouping.ts'

/** Similarities of pairs of signatures, as `a b`. */
type Similarities = ReadonlyMap<string, number>

/** Failures with these similarities, in this order and with these numbers; each pair is told by the later one, or by both. */
function linked(
  signatures: readonly string[],
  similarities: Similarities,
  isToldTwice = false,
): LinkedFailure[] {
  return signatures.map((signature, node) => {
    const others = signatures.flatMap((other, at) => {
      const similarity = similarities.get([signature, other].sort().join(' '))
      return similarity === undefined || at === node || (at > node && !isToldTwice)
        ? []
        : [[at + 7, similarity] as const]
    })
    return {
      signature,
      node: node + 7,
      links: others.map(([at]) => at),
      similarities: others.map(([, similarity]) => similarity),
    }
  })
}

const bySignature = (groups: GroupedFailure[]) =>
  [...groups].sort((one, other) => (one.signature < other.signature ? -1 : 1))

function membersOf(groups: GroupedFailure[]): string[] {
  const members = new Map<string, string[]>()
  for (const { signature, groupKey } of bySignature(groups))
    members.set(groupKey, [...(members.get(groupKey) ?? []), signature])
  return [...members.values()].map((each) => each.join('')).sort()
}

/** As the definition says, with all means anew for each step. */
function byDefinition(
  signatures: readonly string[],
  similarities: Similarities,
  leastMean: number,
): string[] {
  let groups = [...signatures].sort().map((signature) => [signature])
  for (;;) {
    let best: { mean: number; one: string[]; other: string[] } | undefined
    groups.forEach((one, at) => {
      for (const other of groups.slice(at + 1)) {
        const pairs = one.flatMap((a) => other.map((b) => similarities.get([a, b].sort().join(' ')) ?? 0))
        const mean = pairs.reduce((sum, each) => sum + each, 0) / pairs.length
        if (mean > (best?.mean ?? 0)) best = { mean, one, other }
      }
    })
    if (!best || best.mean < leastMean) return groups.map((each) => each.sort().join('')).sort()
    const { one, other } = best
    groups = groups.map((each) => (each === one ? [...one, ...other] : each)).filter((each) => each !== other)
  }
}

const NAMES = [...'abcdefghijkl']

/** Few different similarities, so that many means are equal. */
const anySimilarities = fc
  .array(fc.option(fc.constantFrom(4_000, 5_000, 6_000, 8_000, 10_000), { nil: undefined }), {
    minLength: (NAMES.length * (NAMES.length - 1)) / 2,
    maxLength: (NAMES.length * (NAMES.length - 1)) / 2,
  })
  .map((values) => {
    const pairs = NAMES.flatMap((one, at) => NAMES.slice(at + 1).map((other) => `${one} ${other}`))
    return new Map(
      pairs.flatMap((pair, at) => (values[at] === undefined ? [] : [[pair, values[at]] as const])),
    )
  })

const anyOrder = fc.shuffledSubarray(NAMES, { minLength: NAMES.length })

describe('groups of failures', () => {
  it('are those of average linkage', () =>
    fc.assert(
      fc.asyncProperty(anySimilarities, fc.constantFrom(1, 2_500, 5_000), async (similarities, leastMean) => {
        const groups = await groupFailures(linked(NAMES, similarities), leastMean)
        expect(membersOf(groups)).toEqual(byDefinition(NAMES, similarities, leastMean))
      }),
      { numRuns: 300 },
    ))

  it('are the same in whatever order failures came, which of two tells how alike they are, and what went', () =>
    fc.assert(
      fc.asyncProperty(
        anySimilarities,
        anyOrder,
        fc.subarray(NAMES),
        fc.boolean(),
        fc.constantFrom(2, 5, 100),
        async (similarities, order, gone, isToldTwice, core) => {
          const stay = NAMES.filter((name) => !gone.includes(name))
          const expected = await groupFailures(linked(stay, similarities), 2_500, core)
          const among = linked(order, similarities, isToldTwice).filter(({ signature }) =>
            stay.includes(signature),
          )
          expect(bySignature(await groupFailures(among, 2_500, core))).toEqual(bySignature(expected))
        },
      ),
      { numRuns: 300 },
    ))

  const chain = new Map(NAMES.slice(1).map((name, at) => [`${NAMES[at]} ${name}`, 6_000]))
  it.each([
    [
      'what is alike is together',
      [
        ['a b', 9_000],
        ['b c', 9_000],
        ['a c', 9_000],
      ],
      'abc',
      ['abc'],
    ],
    [
      'a chain does not hold what its ends have nothing in common with',
      [...chain],
      'abcdefghijkl',
      ['ab', 'cd', 'ef', 'gh', 'ij', 'kl'],
    ],
    [
      'the more similar one is joined first',
      [
        ['a b', 5_000],
        ['b c', 9_000],
      ],
      'abc',
      ['abc'],
    ],
    [
      'too little on the whole',
      [
        ['a b', 9_000],
        ['a c', 4_000],
      ],
      'abc',
      ['ab', 'c'],
    ],
    [
      'of equal ones the first is joined, also with what was joined before',
      [
        ['a b', 4_800],
        ['a c', 4_800],
        ['a d', 4_800],
        ['c d', 8_000],
      ],
      'abcd',
      ['ab', 'cd'],
    ],
    ['none at all', [], 'ab', ['a', 'b']],
    ['nothing', [], '', []],
  ] as [string, [string, number][], string, string[]][])('%s', async (_, pairs, names, groups) => {
    expect(membersOf(await groupFailures(linked([...names], new Map(pairs)), 2_500))).toEqual(groups)
  })

  it('have a key that all members have, and say how typical each is', async () => {
    const similarities = new Map([
      ['a b', 9_000],
      ['b c', 8_000],
      ['a c', 5_000],
    ])
    expect(bySignature(await groupFailures(linked([...'cabd'], similarities), 2_500))).toEqual([
      { signature: 'a', groupKey: 'a', centrality: 7_000 },
      { signature: 'b', groupKey: 'a', centrality: 8_500 },
      { signature: 'c', groupKey: 'a', centrality: 6_500 },
      { signature: 'd', groupKey: 'd', centrality: 10_000 },
    ])
  })

  it('take in what is beyond the core, each by itself, where it is nearest', async () => {
    const similarities = new Map([
      ['a b', 9_000],
      ['a d', 6_000],
      ['c d', 9_000],
      ['e f', 9_000],
      ['b e', 5_500],
      ['b g', 4_900],
      ['a h', 5_000],
      ['b h', 5_000],
      ['c h', 5_000],
    ])
    // Of a, b and c: d is nearer to c than to half of ab, e is near to half of ab, f to nobody in the core, g to half of ab but not enough, and h to both alike.
    expect(membersOf(await groupFailures(linked([...'abcdefgh'], similarities), 2_500, 3))).toEqual([
      'abeh',
      'cd',
      'f',
      'g',
    ])
  })
})
