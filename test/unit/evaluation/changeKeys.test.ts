import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseConfigDocument } from '../../../src/evaluation/configurations/configDocument.ts'
import { changeKeys } from '../../../src/evaluation/effects/changeKeys.ts'
import { withSharedData } from '../../support/sharedData.ts'

/** Each as one text: op, path, direction and names. */
function keysOf(before: string, after: string): string[] {
  const [was, is] = [before, after].map((yaml) => parseConfigDocument(yaml).parsedConfig)
  return changeKeys(was!, is!).map(({ path, op, direction, valueBefore, valueAfter }) =>
    [
      op,
      path,
      ...(direction ? [direction] : []),
      ...(valueBefore === null ? [] : [`${valueBefore} → ${valueAfter}`]),
    ].join(' '),
  )
}

const prompt = (text: string) => `model: m\nprompt: |\n${text.replace(/^/gm, '  ')}\n`

describe('a changed path', () => {
  it.each([
    ['nothing', 'model: m\na: 1', 'a: 1\nmodel: m # the same', []],
    ['a model', 'model: m-1', 'model: m-2', ['replace /model m-1 → m-2']],
    [
      'a model elsewhere',
      'agent:\n  model:\n    name: m-1',
      'agent:\n  model:\n    name: m-2',
      ['replace /model m-1 → m-2'],
    ],
    [
      'a model in a mapping',
      'model:\n  name: m-1\n  top_p: 1',
      'model:\n  name: m-2\n  top_p: 0.5',
      ['replace /model m-1 → m-2', 'replace /model/top_p decrease'],
    ],
    [
      'a provider',
      'providers: [{id: "openai:m-1", config: {temperature: 0}}]',
      'providers: [{id: "openai:m-1", config: {temperature: 1}}]',
      ['replace /temperature increase'],
    ],
    [
      'a temperature',
      'model: m\ntemperature: 0.7',
      'model: m\ntemperature: 0.2',
      ['replace /temperature decrease'],
    ],
    [
      'a temperature elsewhere',
      'model: m\nagent:\n  temperature: 0',
      'model: m\nagent:\n  temperature: 1',
      ['replace /temperature increase'],
    ],
    ['a temperature for the first time', 'model: m', 'model: m\ntemperature: 1', ['add /temperature']],
    [
      'a switch and a name',
      'model: m\na: true\nb: one',
      'model: m\na: false\nb: other',
      ['replace /a true → false', 'replace /b one → other'],
    ],
    ['words', 'model: m\nrole: a careful agent', 'model: m\nrole: a bold agent', ['replace /role']],
    [
      'tools by name',
      'model: m\ntools: [{name: a, k: 1}, {name: b}, {name: c}]',
      'model: m\ntools: [{name: d}, {name: c}, {name: a, k: {x: 2}}]',
      ['replace /tools/a', 'remove /tools/b', 'add /tools/d'],
    ],
    [
      'tools as providers have them',
      'model: m\ntools: [{type: function, function: {name: a}}]',
      'model: m\ntools: [{type: function, function: {name: a, description: x}}]',
      ['replace /tools/a'],
    ],
    [
      'tools as texts',
      'model: m\ntools: [a, b]',
      'model: m\ntools: [b, c]',
      ['remove /tools/a', 'add /tools/c'],
    ],
    [
      'tools as a mapping',
      'model: m\ntools: {a: {k: 1}}',
      'model: m\ntools: {a: {k: 2}, b: {}}',
      ['replace /tools/a', 'add /tools/b'],
    ],
    [
      'lists of tools',
      'model: m\ntools: {sets: [{path: a/b}]}',
      'model: m\ntools: {sets: [{path: a/c}]}',
      ['remove /tools/sets/a~1b', 'add /tools/sets/a~1c'],
    ],
    ['an order', 'model: m\ntools: [a, b]', 'model: m\ntools: [b, a]', []],
    [
      'elements without a name',
      'model: m\nrules: [Be brief., Be kind.]',
      'model: m\nrules: [Be brief., Ask first., Be bold.]',
      ['replace /rules/*'],
    ],
    [
      'an element more',
      'model: m\nrules: [Be brief.]',
      'model: m\nrules: [Ask first., Be brief.]',
      ['add /rules/*'],
    ],
    ['elements twice', 'model: m\na: [1 x, 1 x]', 'model: m\na: [1 x]', ['remove /a/*']],
    [
      'a message of a role',
      'model: m\nmessages: [{role: system, content: You help.}]',
      'model: m\nmessages: [{role: system, content: You help well.}]',
      ['replace /messages/system/content'],
    ],
    [
      'an element’s numbers',
      'model: m\nsteps: [{name: a, limit: 1}]',
      'model: m\nsteps: [{name: a, limit: 3}]',
      ['replace /steps/a/limit increase'],
    ],
    [
      'a mapping more',
      'model: m',
      'model: m\nlimits: {steps: 1, cost: {usd: 2}}',
      ['add /limits/cost/usd', 'add /limits/steps'],
    ],
    ['another kind', 'model: m\na: [1]', 'model: m\na: {b: 1}', ['replace /a']],
    ['keys with slashes', 'model: m\n"a/b~c": 1', 'model: m\n"a/b~c": 2', ['replace /a~1b~0c increase']],
    [
      'a part of a prompt',
      prompt('You help.\n\n## Rules:\nBe brief.\n# **Tone**\nKind.'),
      prompt('You help.\n## Rules:\nBe bold.\n# **Tone**\nKind.'),
      ['replace /prompt#Rules'],
    ],
    [
      'parts by tags',
      prompt('<rules>\nA\n</rules>\nEnd.'),
      prompt('<rules>\nB\n</rules>\nEnd.\n<tone>\nC\n</tone>'),
      ['replace /prompt#rules', 'add /prompt#tone'],
    ],
    [
      'parts by labels',
      prompt('SETTING: a shop\nTIPS:\nA'),
      prompt('SETTING: a bank\nTIPS:\nA'),
      ['replace /prompt#SETTING'],
    ],
    [
      'words before the parts',
      prompt('You help.\n# A\na'),
      prompt('You may help.\n# A\na'),
      ['replace /prompt'],
    ],
    ['comments in code', prompt('```\n# a\nb\n```'), prompt('```\n# a\nc\n```'), ['replace /prompt']],
    ['spaces alone', prompt('# A\na'), prompt('# A\na\n\n'), []],
    ['spaces in a text', 'model: m\na: "# A\\na"', 'model: m\na: "# A\\na "', ['replace /a']],
    ['an empty list', 'model: m\na: []', 'model: m\na: [x]', ['add /a/x']],
  ])('of %s', (_, before, after, keys) => {
    expect(keysOf(before, after)).toEqual(keys)
  })

  it('is no longer than a column takes, whatever is in the YAML, and the same in whatever order', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        tie('list'),
        tie('tree'),
      ),
      list: fc.array(tie('any'), { maxLength: 4 }),
      tree: fc.dictionary(
        fc.oneof(
          fc.constantFrom('tools', 'name', 'id', 'temperature', 'prompt'),
          fc.string({ maxLength: 300 }),
        ),
        tie('any'),
        { maxKeys: 5 },
      ),
    }))
    const tree = value.tree as fc.Arbitrary<any>
    const turned = (part: any): any =>
      Array.isArray(part)
        ? part.map(turned)
        : typeof part === 'object' && part !== null
          ? Object.fromEntries(
              Object.entries(part)
                .reverse()
                .map(([key, each]) => [key, turned(each)]),
            )
          : part
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        const keys = changeKeys(before, after)
        expect(changeKeys(turned(before), turned(after))).toEqual(keys)
        expect(changeKeys(before, turned(before))).toEqual([])
        expect(new Set(keys.map(({ path }) => path)).size).toBe(keys.length)
        for (const { path, valueBefore, valueAfter } of keys)
          for (const text of [path, valueBefore ?? '', valueAfter ?? ''])
            expect([text.length <= 500, text.isWellFormed()]).toEqual([true, true])
      }),
    )
  })

  withSharedData('of real histories', (folder) => {
    const historyOf = (name: string) => {
      const of = new URL(`configs/${name}/`, folder)
      const files = readdirSync(of).sort()
      const texts = files.map((file) => readFileSync(new URL(file, of), 'utf8'))
      // SWE-agent's name no model.
      return texts.map((text) =>
        /^ *model:/m.test(text) && name.includes('mdma') ? text : text.replace(/^/, 'model_name: m\n'),
      )
    }
    it('of SWE-agent', () => {
      const versions = historyOf('SWE-agent__config__default')
      const steps = versions.slice(1).map((yaml, at) => keysOf(versions[at]!, yaml))
      expect(steps.map(({ length }) => length)).toEqual([1, 1, 1, 1, 2, 1, 1, 39, 27, 1, 2, 2])
      expect(steps[0]).toEqual(['replace /system_template#COMMANDS'])
      expect([steps[1], steps[2]]).toEqual([
        ['replace /instance_template#IMPORTANT TIPS'],
        ['replace /instance_template#IMPORTANT TIPS'],
      ])
      expect(steps[3]).toEqual(['replace /history_processor DefaultHistoryProcessor → Last5Observations'])
      expect(steps[6]).toEqual(['add /command_files/config~1commands~1submit.sh'])
      expect(steps[8]).toContain('add /agent/tools/bundles/tools~1edit_anthropic')
      expect(steps[10]).toEqual(['add /agent/model/completion_kwargs/reasoning_effort', 'add /temperature'])
      expect(steps[11]).toEqual([
        'remove /agent/model/completion_kwargs/reasoning_effort',
        'remove /temperature',
      ])
    })

    it('of promptfoo suites', () => {
      const [first, second] = historyOf('mdma__evals__promptfooconfig')
      expect(keysOf(first!, second!)).toEqual([])
    })
  })
})
