import { describe, expect, it } from 'vitest'
import type { ConfigChange } from '../../../src/evaluation/configurations/configDiff.ts'
import {
  ChangeDoesNotFit,
  changedTree,
  changedYaml,
} from '../../../src/evaluation/configurations/yamlEdit.ts'

const replace = (
  path: string,
  before: ConfigChange['before'],
  after: ConfigChange['after'],
): ConfigChange => ({
  path,
  op: 'replace',
  before,
  after,
})

/** Each: a text, what is changed in it, and the text afterwards; null where it cannot be. */
const EDITS: [title: string, yaml: string, changes: ConfigChange[], after: string | null][] = [
  [
    'comments, indentation and spaces stay',
    '# head\nmodel: gpt-4   # the model\nagent:\n    timeout:   30 # s\n\n    other: 1\n',
    [replace('/agent/timeout', 30, 90)],
    '# head\nmodel: gpt-4   # the model\nagent:\n    timeout:   90 # s\n\n    other: 1\n',
  ],
  [
    'quotes stay',
    `a: "x"\nb: 'y'\nc: z\n`,
    [replace('/a', 'x', 'it"s'), replace('/b', 'y', "it's"), replace('/c', 'z', 'yes: no')],
    `a: "it\\"s"\nb: 'it''s'\nc: "yes: no"\n`,
  ],
  [
    'in lists and flow collections',
    'tools:\n- {name: a, retries: 1}   # one\n-   name: b\n    retries: 2\n',
    [replace('/tools/0/retries', 1, 5), replace('/tools/1/retries', 2, 6)],
    'tools:\n- {name: a, retries: 5}   # one\n-   name: b\n    retries: 6\n',
  ],
  ['a key with a slash and a tilde', 'a/b:\n  c~d: 1\n', [replace('/a~1b/c~0d', 1, 2)], 'a/b:\n  c~d: 2\n'],
  [
    'what comes and goes, where the document is laid out as one can be',
    '# head\ntools:\n  - name: a # one\n    retries: 2\n',
    [
      { path: '/tools/0/retries', op: 'remove', before: 2 },
      { path: '/tools/0/timeout', op: 'add', after: 5 },
      { path: '/tools/1', op: 'add', after: { name: 'b' } },
    ],
    '# head\ntools:\n  - name: a # one\n    timeout: 5\n  - name: b\n',
  ],
  ['a text of lines, by rewriting', 'a: |\n  x\n  y\nb: 1\n', [replace('/a', 'x\ny\n', 'z')], 'a: z\nb: 1\n'],
  [
    'not where a rewriting would touch other lines',
    'a:   1\nb: 2\n',
    [{ path: '/b', op: 'remove', before: 2 }],
    null,
  ],
  ['not where an alias repeats it', 'a: &x 1\nb: *x\n', [replace('/a', 1, 2)], null],
  ['in the place of an alias', 'a: &x 1\nb: *x\n', [replace('/b', 1, 2)], 'a: &x 1\nb: 2\n'],
  [
    'over what is merged',
    'a: &x\n  c: 1\nb:\n  <<: *x\n',
    [replace('/b/c', 1, 2)],
    'a: &x\n  c: 1\nb:\n  <<: *x\n  c: 2\n',
  ],
  ['not where it would break a flow collection', 'a: [x, y]\n', [replace('/a/0', 'x', 'p, q')], null],
  ['not in a document that is too long', `a: 1\nb: ${'x'.repeat(262_144)}\n`, [replace('/a', 1, 2)], null],
]

describe('YAML with changes', () => {
  it.each(EDITS)('%s', (_, yaml, changes, after) => {
    expect(changedYaml(yaml, changes)).toBe(after)
  })

  it.each([
    [replace('/a', 2, 3), '/a'],
    [replace('/nothing/here', 1, 2), '/nothing/here'],
    [replace('/list/x', 1, 2), '/list/x'],
    [{ path: '/a', op: 'add', after: 1 } as ConfigChange, '/a'],
    [{ path: '/list/3', op: 'add', after: 1 } as ConfigChange, '/list/3'],
    [{ path: '/b', op: 'remove', before: 1 } as ConfigChange, '/b'],
    [replace('/__proto__', {}, 1), '/__proto__'],
  ])('is refused for what it was not made for: %o', (change, path) => {
    const yaml = 'a: 1\nlist: [1, 2]\n'
    expect(() => changedYaml(yaml, [change])).toThrow(ChangeDoesNotFit)
    expect(() => changedTree({ a: 1, list: [1, 2] }, [change])).toThrow(expect.objectContaining({ path }))
  })
})
