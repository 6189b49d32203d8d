import { readdirSync, readFileSync } from 'node:fs'
import { applyPatch, diffArrays, parsePatch } from 'diff'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ChangeSummary,
  changedPaths,
  unifiedDiff,
} from '../../../src/evaluation/configurations/configDiff.ts'
import { parseConfigDocument } from '../../../src/evaluation/configurations/configDocument.ts'
import type { JsonObject, JsonValue } from '../../../src/json.ts'
import { withSharedData } from '../../support/sharedData.ts'

/** A tree after the changes, applied one after the other as RFC 6902 says; `before` must be what is there. */
function applied(tree: JsonObject, changes: ChangeSummary): JsonValue {
  const root = { '': structuredClone(tree) as JsonValue }
  for (const change of changes) {
    const steps = change.path.split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    const last = steps.pop()!
    let parent = root as { [step: string]: JsonValue }
    for (const step of steps) {
      expect(Object.hasOwn(parent, step)).toBe(true)
      parent = parent[step] as { [step: string]: JsonValue }
    }
    const exists = Object.hasOwn(parent, last)
    if (change.op === 'add') expect(change).not.toHaveProperty('before')
    else expect([exists, parent[last]]).toEqual([true, change.before])
    if (change.op === 'remove') expect(change).not.toHaveProperty('after')
    if (Array.isArray(parent)) {
      const index = Number(last)
      expect(index).toBeLessThanOrEqual(parent.length)
      parent.splice(index, change.op === 'add' ? 0 : 1, ...(change.op === 'remove' ? [] : [change.after!]))
    } else if (change.op === 'remove') {
      delete parent[last]
    } else {
      expect(exists).toBe(change.op === 'replace')
      Object.defineProperty(parent, last, {
        value: change.after,
        enumerable: true,
        configurable: true,
        writable: true,
      })
    }
  }
  return root['']
}

/** Of processor time, which other programs on the machine don't lengthen. */
function seconds(work: () => unknown): number {
  const start = process.cpuUsage()
  work()
  return process.cpuUsage(start).user / 1e6
}

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => `${line(index)}\n`).join('')
}

describe('the changes between two trees', () => {
  it('are none when they are equal, whatever the order of their keys', () => {
    expect(changedPaths({}, {})).toEqual([])
    expect(changedPaths({ a: 1, b: [{ c: 2, d: null }] }, { b: [{ d: null, c: 2 }], a: 1 })).toEqual([])
    expect(changedPaths({ l: [{ c: 2, d: 3 }] }, { l: [{ c: 1 }, { d: 3, c: 2 }] })).toEqual([
      { path: '/l/0', op: 'add', after: { c: 1 } },
    ])
  })

  it('go by key, in the order of the keys', () => {
    expect(
      changedPaths({ b: 1, c: { x: 1, y: 2 }, d: [] }, { e: null, c: { y: 3, x: 1 }, b: true, d: [] }),
    ).toEqual([
      { path: '/b', op: 'replace', before: 1, after: true },
      { path: '/c/y', op: 'replace', before: 2, after: 3 },
      { path: '/e', op: 'add', after: null },
    ])
    expect(changedPaths({ b: 1, a: { x: 1 } }, {})).toEqual([
      { path: '/a', op: 'remove', before: { x: 1 } },
      { path: '/b', op: 'remove', before: 1 },
    ])
  })

  it('replace what changes its kind', () => {
    expect(changedPaths({ a: { b: 1 }, c: [1], d: null }, { a: [1], c: '1', d: 0 })).toEqual([
      { path: '/a', op: 'replace', before: { b: 1 }, after: [1] },
      { path: '/c', op: 'replace', before: [1], after: '1' },
      { path: '/d', op: 'replace', before: null, after: 0 },
    ])
  })

  it('have JSON pointers', () => {
    const odd = { 'a/b': { 'm~n': 1, '': 2, '~1': 3 } }
    expect(changedPaths(odd, { 'a/b': { 'm~n': 2, '': 3, '~1': 4 } }).map(({ path }) => path)).toEqual([
      '/a~1b/',
      '/a~1b/m~0n',
      '/a~1b/~01',
    ])
  })

  it('know nothing of prototypes', () => {
    const polluting = JSON.parse('{"__proto__": {"a": 1}, "constructor": 1}')
    expect(changedPaths({}, polluting)).toEqual([
      { path: '/__proto__', op: 'add', after: { a: 1 } },
      { path: '/constructor', op: 'add', after: 1 },
    ])
    expect(applied({}, changedPaths({}, polluting))).toEqual(polluting)
  })

  it.each<[string, JsonValue[], JsonValue[], ChangeSummary]>([
    ['an element in front', ['b', 'c'], ['a', 'b', 'c'], [{ path: '/l/0', op: 'add', after: 'a' }]],
    ['an element at the end', ['a'], ['a', 'b'], [{ path: '/l/1', op: 'add', after: 'b' }]],
    ['an element less', ['a', 'b', 'c'], ['a', 'c'], [{ path: '/l/1', op: 'remove', before: 'b' }]],
    [
      'another element',
      ['a', 'b', 'c'],
      ['a', 'x', 'c'],
      [{ path: '/l/1', op: 'replace', before: 'b', after: 'x' }],
    ],
    [
      'an element elsewhere',
      ['a', 'b', 'c'],
      ['c', 'a', 'b'],
      [
        { path: '/l/0', op: 'add', after: 'c' },
        { path: '/l/3', op: 'remove', before: 'c' },
      ],
    ],
    [
      'elements that go one after the other, at the place where each then is',
      ['a', 'b', 'c', 'd'],
      ['d', 'e'],
      [
        { path: '/l/0', op: 'remove', before: 'a' },
        { path: '/l/0', op: 'remove', before: 'b' },
        { path: '/l/0', op: 'remove', before: 'c' },
        { path: '/l/1', op: 'add', after: 'e' },
      ],
    ],
    [
      'a mapping with an id that changed, and one before it',
      [
        { id: 'a', v: 1 },
        { id: 'b', v: 1 },
      ],
      [
        { id: 'new', v: 1 },
        { id: 'a', v: 1 },
        { id: 'b', v: 2, w: [] },
      ],
      [
        { path: '/l/0', op: 'add', after: { id: 'new', v: 1 } },
        { path: '/l/2/v', op: 'replace', before: 1, after: 2 },
        { path: '/l/2/w', op: 'add', after: [] },
      ],
    ],
    [
      'mappings with a name, all of them changed',
      [
        { name: 'search', top: 5 },
        { name: 'read', top: 5 },
      ],
      [{ name: 'write' }, { name: 'read', top: 3 }],
      [
        { path: '/l/0', op: 'remove', before: { name: 'search', top: 5 } },
        { path: '/l/0', op: 'add', after: { name: 'write' } },
        { path: '/l/1/top', op: 'replace', before: 5, after: 3 },
      ],
    ],
    [
      'a mapping without an id',
      [{ type: 'python', value: 1 }],
      [{ type: 'python', value: 2 }, { type: 'is-json' }],
      [
        { path: '/l/0/value', op: 'replace', before: 1, after: 2 },
        { path: '/l/1', op: 'add', after: { type: 'is-json' } },
      ],
    ],
    [
      'a list in the list',
      [['a'], ['b', 'c']],
      [['a'], ['b', 'd', 'c']],
      [{ path: '/l/1/1', op: 'add', after: 'd' }],
    ],
    ['nothing but repetitions', ['a', 'a', 'a'], ['a', 'a'], [{ path: '/l/2', op: 'remove', before: 'a' }]],
  ])('in lists: %s', (_name, before, after, changes) => {
    expect(changedPaths({ l: before }, { l: after })).toEqual(changes)
    expect(applied({ l: before }, changes)).toEqual({ l: after })
  })

  it('replace lists whole when more than 2,000 × 2,000 elements differ', () => {
    const range = (length: number, from: number) => Array.from({ length }, (_, index) => index + from)
    const kept = range(5_000, 100_000)
    const alignable = { l: [...kept, ...range(2_000, 0), ...kept] }
    const changed = { l: [...kept, ...range(2_000, 1_000), ...kept] }
    const changes = changedPaths(alignable, changed)
    expect(changes).toHaveLength(2_000)
    expect(applied(alignable, changes)).toEqual(changed)

    const large = { l: range(2_001, 0), other: 1 }
    const larger = { l: range(2_000, 1), other: 2 }
    expect(changedPaths(large, larger)).toHaveLength(2)
    larger.l = range(2_001, 2_001)
    expect(changedPaths(large, larger)).toEqual([
      { path: '/l', op: 'replace', before: large.l, after: larger.l },
      { path: '/other', op: 'replace', before: 1, after: 2 },
    ])
  })

  it('take no longer for many lists of that size', () => {
    const tree = (from: number): JsonObject =>
      Object.fromEntries(
        Array.from({ length: 95 }, (_, list) => [
          `l${list}`,
          Array.from({ length: 2_000 }, (_, index) => from + list * 2_000 + index),
        ]),
      )
    const before = tree(0)
    const after = tree(1_000_000)
    expect(
      seconds(() => {
        // Ten lists element by element, 85 as a whole.
        expect(changedPaths(before, after)).toHaveLength(10 * 2_000 + 85)
      }),
    ).toBeLessThan(5)
  })

  const scalar = fc.constantFrom<JsonValue>(null, true, 0, 1, 2, '', 'a', 'b', '/~')
  const key = fc.constantFrom('id', 'name', 'a', 'b', '', '/~0', '0', '__proto__')
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      scalar,
      fc.array(tie('value'), { maxLength: 8 }),
      fc.dictionary(key, tie('value'), { maxKeys: 4 }),
    ),
  }))
  const tree = fc.dictionary(key, value)

  it('lead from one tree to the other', () => {
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        expect(applied(before, changedPaths(before, after))).toEqual(after)
      }),
      { numRuns: 1_000 },
    )
  })

  it('are none exactly between equal trees', () => {
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        const copy = structuredClone(before)
        expect(changedPaths(before, copy)).toEqual([])
        expect(before).toEqual(copy)
        expect(changedPaths(before, after).length === 0).toBe(changedPaths(after, before).length === 0)
      }),
      { numRuns: 500 },
    )
  })

  it('are one when one element is inserted into, taken from or changed in a list', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1 }), fc.nat(), fc.nat(), (list, place, inserted) => {
        const index = place % list.length
        const more = changedPaths({ list }, { list: list.toSpliced(index, 0, inserted) })
        expect(more).toEqual([{ path: expect.any(String), op: 'add', after: inserted }])
        const fewer = changedPaths({ list }, { list: list.toSpliced(index, 1) })
        expect(fewer).toEqual([{ path: expect.any(String), op: 'remove', before: list[index] }])
        const other = changedPaths({ list }, { list: list.with(index, -1) })
        expect(other).toEqual([{ path: `/list/${index}`, op: 'replace', before: list[index], after: -1 }])
      }),
    )
  })
})

describe('the unified diff of two texts', () => {
  const before = lines(12, (index) => `key${index}: ${index}`)

  it('has three lines of context', () => {
    const after = before.replace('key5: 5', 'key5: five')
    expect(unifiedDiff(before, after, 'assistant v1', 'assistant v2')).toBe(
      [
        '--- assistant v1',
        '+++ assistant v2',
        '@@ -3,7 +3,7 @@',
        ' key2: 2',
        ' key3: 3',
        ' key4: 4',
        '-key5: 5',
        '+key5: five',
        ' key6: 6',
        ' key7: 7',
        ' key8: 8',
        '',
      ].join('\n'),
    )
  })

  it('is empty for equal texts', () => {
    expect(unifiedDiff(before, before, 'v1', 'v2')).toBe('')
  })

  it('shows line ends and their absence', () => {
    expect(unifiedDiff('a: 1\n', 'a: 1', 'v1', 'v2')).toBe(
      '--- v1\n+++ v2\n@@ -1,1 +1,1 @@\n-a: 1\n+a: 1\n\\ No newline at end of file\n',
    )
    expect(unifiedDiff('a: 1\n', 'a: 1\r\n', 'v1', 'v2')).toBe(
      '--- v1\n+++ v2\n@@ -1,1 +1,1 @@\n-a: 1\n+a: 1\r\n',
    )
    expect(unifiedDiff('', 'a: 1\n', 'v1', 'v2')).toBe('--- v1\n+++ v2\n@@ -0,0 +1,1 @@\n+a: 1\n')
  })

  it('has one file, whatever the labels', () => {
    const diff = unifiedDiff('a: 1\n', 'a: 2\n', 'v1\n+++ other', 'Prüfung "2"')
    expect(parsePatch(diff)).toMatchObject([{ oldFileName: 'v1\n+++ other', newFileName: 'Prüfung "2"' }])
  })

  it('replaces the whole text when more than 2,000 lines differ', () => {
    // Every tenth of 10,000 lines, each both removed and added, is as many as may be; a5 is one more.
    const long = lines(10_000, (index) => `a${index}: 1`)
    const changed = long.replaceAll('0: 1\n', '0: 2\n')
    expect(parsePatch(unifiedDiff(long, changed, 'v1', 'v2'))[0]?.hunks).toHaveLength(1_000)
    const more = changed.replace('a5: 1', 'a5: 2')
    expect(parsePatch(unifiedDiff(long, more, 'v1', 'v2'))[0]?.hunks).toHaveLength(1)

    const text = lines(1_500, (index) => `a${index}: 1`)
    for (const [from, to] of [
      [text, text.replaceAll('1\n', '2\n')],
      [text.trimEnd(), text.replaceAll('1\n', '2\n')],
      [text, text.replaceAll('1\n', '2\n').trimEnd()],
      ['', text + text],
      [text + text, ''],
    ] as const) {
      const diff = unifiedDiff(from, to, 'v1', 'v2')
      expect(parsePatch(diff)[0]?.hunks).toHaveLength(1)
      expect(applyPatch(from, diff)).toBe(to)
    }
  })

  it.each([
    ['different lines', lines(50_000, (i) => `before${i}: 1`), lines(50_000, (i) => `after${i}: 1`)],
    ['short lines', lines(500_000, () => 'a'), lines(500_000, () => 'b')],
    [
      'much that is equal between',
      lines(2_500, (i) => `x${i}`) + lines(250_000, () => 'a') + lines(2_500, (i) => `x${i}`),
      lines(2_500, (i) => `y${i}`) + lines(250_000, () => 'a') + lines(2_500, (i) => `y${i}`),
    ],
    ['one line', 'a'.repeat(1_048_576), 'b'.repeat(1_048_576)],
  ])('is quick for up to 1 MiB: %s', (_name, from, to) => {
    let diff = ''
    expect(seconds(() => (diff = unifiedDiff(from, to, 'v1', 'v2')))).toBeLessThan(5)
    // Not toBe(to), whose report of a difference would take minutes.
    expect(applyPatch(from, diff) === to).toBe(true)
  })

  it('has as few lines as can be', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 40 })
    fc.assert(
      fc.property(text, text, (old, fresh) => {
        const [from, to] = [old, fresh].map((all) => lines(all.length, (i) => all[i]!)) as [string, string]
        const changed = parsePatch(unifiedDiff(from, to, 'v1', 'v2'))
          .flatMap(({ hunks }) => hunks.flatMap((hunk) => hunk.lines))
          .filter((line) => !line.startsWith(' '))
        const fewest = diffArrays(old, fresh)
          .filter(({ added, removed }) => added || removed)
          .reduce((count, { value }) => count + value.length, 0)
        expect(changed).toHaveLength(fewest)
      }),
      { numRuns: 1_000 },
    )
  })

  it('leads from one text to the other', () => {
    const text = fc
      .array(
        fc.constantFrom(
          'a',
          'b',
          '',
          '-',
          '+',
          '--- a',
          '\\',
          '@@ -1 +1 @@',
          ' x',
          'ü',
          '\n',
          '\n',
          '\n',
          '\r\n',
        ),
      )
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, text, (from, to) => {
        fc.pre(from !== to)
        expect(applyPatch(from, unifiedDiff(from, to, 'v1', 'v2'), { autoConvertLineEndings: false })).toBe(
          to,
        )
      }),
      { numRuns: 2_000 },
    )
  })
})

withSharedData('real configurations', (data) => {
  const configs = new URL('configs/', data)
  const histories = readdirSync(configs).filter((name) => !name.endsWith('.json'))
  const versionsOf = (history: string) => {
    const folder = new URL(`${history}/`, configs)
    return readdirSync(folder)
      .sort()
      .map((file) => readFileSync(new URL(file, folder), 'utf8'))
  }
  // Most of them leave the model to the command line: under this key the whole original is a tree.
  const treeOf = (yaml: string) =>
    parseConfigDocument(`model: m\noriginal:\n${yaml.replaceAll(/^/gm, '  ')}`).parsedConfig

  it.each(histories)('%s: each version leads to the next', (history) => {
    const versions = versionsOf(history)
    expect(versions.length).toBeGreaterThan(1)
    for (const [index, after] of versions.slice(1).entries()) {
      const before = versions[index]!
      const diff = unifiedDiff(before, after, `v${index + 1}`, `v${index + 2}`)
      expect(applyPatch(before, diff)).toBe(after)
      const changes = changedPaths(treeOf(before), treeOf(after))
      expect(applied(treeOf(before), changes)).toEqual(treeOf(after))
    }
  })

  it.each<[string, number, string[]]>([
    ['SWE-agent__config__default', 4, ['replace /history_processor']],
    ['SWE-agent__config__default', 7, ['add /command_files/4']],
    ['SWE-agent__config__default', 11, ['add /agent/model']],
    ['SWE-agent__config__default', 12, ['remove /agent/model']],
    ['mini-swe-agent__src__minisweagent__config__default', 5, ['remove /model/model_kwargs/temperature']],
    // Only comments changed.
    ['mdma__evals__promptfooconfig', 1, []],
  ])('%s: what changed after version %i', (history, version, changes) => {
    const [before, after] = versionsOf(history)
      .slice(version - 1)
      .map(treeOf)
    const found = changedPaths(before!, after!).map(({ op, path }) => `${op} ${path}`)
    expect(found).toEqual(changes.map((change) => change.replace(' /', ' /original/')))
  })
})
