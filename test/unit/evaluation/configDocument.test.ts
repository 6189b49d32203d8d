import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ConfigDocument,
  parseConfigDocument,
} from '../../../src/evaluation/configurations/configDocument.ts'
import { Refusal } from '../../../src/refusal.ts'
import { withSharedData } from '../../support/sharedData.ts'

const NO_TEMPERATURE = 'The temperature is not set: the default of the provider applies.'
const MiB = 1_048_576

function refusal(yaml: string): Refusal {
  try {
    parseConfigDocument(yaml)
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error(`not refused: ${yaml.slice(0, 200)}`)
}

/** The tree without the keys that every configuration gets. */
function treeOf(yaml: string): ConfigDocument['parsedConfig'] {
  const { model: _, temperature: __, ...tree } = parseConfigDocument(`model: m\n${yaml}`).parsedConfig
  return tree
}

/** Of processor time, which other programs on the machine don't lengthen. */
function seconds(work: () => unknown): number {
  const start = process.cpuUsage()
  work()
  return process.cpuUsage(start).user / 1e6
}

/** `unit` as often as it fits into 1 MiB, less some room for what stands around it. */
function filled(unit: string): string {
  return unit.repeat(Math.floor((MiB - 100) / unit.length))
}

describe('a configuration', () => {
  const yaml = 'name: Bücher\nmodel: gpt-4.1-mini\ntemperature: 0.2\ntools: [search, {id: 1}]\n'

  it('becomes a tree with its model and temperature', () => {
    expect(parseConfigDocument(yaml)).toEqual({
      parsedConfig: { name: 'Bücher', model: 'gpt-4.1-mini', temperature: 0.2, tools: ['search', { id: 1 }] },
      configHash: createHash('sha256').update(Buffer.from(yaml, 'utf8')).digest('hex'),
      model: 'gpt-4.1-mini',
      temperature: 0.2,
      warnings: [],
    })
  })

  it('is hashed byte by byte', () => {
    expect(parseConfigDocument('model: a').configHash).toBe(
      'dde6a988b812d2b2661bcdfb0f563dfa7ff52cc1551261f57f0d51778490ab10',
    )
    const hashes = [yaml, `${yaml}\n`, yaml.replaceAll('\n', '\r\n'), `\uFEFF${yaml}`].map(
      (text) => parseConfigDocument(text).configHash,
    )
    expect(new Set(hashes).size).toBe(4)
  })

  it('may be 1 MiB, counted in bytes', () => {
    const padded = (letter: string, count: number) => `model: m\n# ${letter.repeat(count)}`
    const room = MiB - Buffer.byteLength(padded('', 0))
    expect(parseConfigDocument(padded('x', room)).model).toBe('m')
    expect(refusal(padded('x', room + 1))).toMatchObject({ code: 'TOO_LARGE', inputPath: ['yaml'] })
    expect(refusal(padded('ü', room / 2 + 1)).message).toBe(
      `yaml has ${MiB + 1} bytes, but must have at most 1048576`,
    )
    // Size comes first: this isn't YAML either.
    expect(refusal('['.repeat(MiB + 1)).code).toBe('TOO_LARGE')
  })
})

describe('the model', () => {
  it.each([
    ['model: gpt-4.1', 'gpt-4.1'],
    ['model: {name: a, id: b}', 'a'],
    ['model: {id: b}', 'b'],
    ['model: {model_name: c, model_kwargs: {drop_params: true}}', 'c'],
    ['model: {model: d}', 'd'],
    ['model_name: e', 'e'],
    ['llm: f', 'f'],
    ['llm: {model: g}', 'g'],
    ['agent: {model: h}', 'h'],
    ['agent: {model: {name: i}}', 'i'],
    ['agent: {llm: j}', 'j'],
    ['agent_info: {implementation: llm_agent, llm: gpt-4.1}', 'gpt-4.1'],
    ['provider: openai:gpt-4.1-mini', 'openai:gpt-4.1-mini'],
    ['provider: {name: openai, model: gpt-4}', 'gpt-4'],
    ['providers: openai:gpt-4', 'openai:gpt-4'],
    ['providers: [anthropic/claude-sonnet-4]', 'anthropic/claude-sonnet-4'],
    ['providers: [{id: openai:gpt-4o, label: mine}]', 'openai:gpt-4o'],
    ['config: {model: k}', 'k'],
    ['config: {model: {name: l}}', 'l'],
    // Before all others, whatever stands first in the text.
    ['agent: {model: {name: other}}\nllm: another\nmodel: mine', 'mine'],
    ['config: {model: other}\nagent: {model: mine}', 'mine'],
    // Null and '' are no model, and a mapping without a name leaves the search open.
    ['model: null\nagent: {model: a}', 'a'],
    ['model: ""\nagent: {model: a}', 'a'],
    ['model: {model_kwargs: {}}\nagent: {model: a}', 'a'],
  ])('%s', (yaml, model) => {
    const document = parseConfigDocument(yaml)
    expect(document.model).toBe(model)
    expect(document.parsedConfig.model).toBe(model)
  })

  it('that is a mapping is kept as it was written', () => {
    const { parsedConfig } = parseConfigDocument(
      'model: {name: a, api_base: "http://localhost", temperature: 1}',
    )
    expect(parsedConfig).toEqual({
      model: 'a',
      temperature: 1,
      model_as_written: { name: 'a', api_base: 'http://localhost', temperature: 1 },
    })
    expect(refusal('model: {name: a}\nmodel_as_written: b')).toMatchObject({
      code: 'INVALID_VALUE',
      inputPath: ['yaml', 'model_as_written'],
    })
  })

  it('leaves the original beside it', () => {
    const { parsedConfig } = parseConfigDocument('agent: {model: {name: a, temperature: 0.5}}')
    expect(parsedConfig).toEqual({
      model: 'a',
      temperature: 0.5,
      agent: { model: { name: 'a', temperature: 0.5 } },
    })
  })

  it('is the first of several providers, with a warning', () => {
    const { model, warnings } = parseConfigDocument('providers: [openai:gpt-4, openai:gpt-5]\ntemperature: 0')
    expect(model).toBe('openai:gpt-4')
    expect(warnings).toEqual(['Of 2 providers the first one, "openai:gpt-4", is used as the model.'])
  })

  it.each(['name: x', 'model: null', 'model: {temperature: 1}', 'agent: [model]', 'agent: {model: 4}'])(
    'is missing in %s',
    (yaml) => {
      expect(refusal(yaml)).toMatchObject({ code: 'MODEL_MISSING', inputPath: ['yaml'] })
    },
  )

  it.each([
    ['model: ', 'model'],
    ['agent: {model: {name: ', 'agent.model.name'],
  ])('has at most 200 characters: %s…', (start, place) => {
    const yaml = (length: number) => `${start}${'m'.repeat(length)}${'}'.repeat(start.split('{').length - 1)}`
    expect(parseConfigDocument(yaml(200)).model).toHaveLength(200)
    expect(refusal(yaml(201))).toMatchObject({
      code: 'INVALID_VALUE',
      message: `${place} has 201 characters; the name of a model has at most 200.`,
      inputPath: ['yaml', ...place.split('.')],
    })
    expect(parseConfigDocument(`model: ${'😀'.repeat(200)}`).model).toBe('😀'.repeat(200))
  })

  it('is not who serves it', () => {
    for (const provider of ['openai', 'file://providers.yaml', 'https://example.com/chat', './provider.js']) {
      expect(refusal(`providers: ["${provider}"]`).code).toBe('MODEL_MISSING')
      expect(refusal(`provider: {id: "${provider}"}`).code).toBe('MODEL_MISSING')
    }
  })

  it('that is missing was looked for in these places', () => {
    expect(refusal('name: x').message).toBe(
      'The configuration names no model: add one as model at the top level. Looked in model, model_name, llm, ' +
        'agent.model, agent.model_name, agent.llm, agent_info.llm, provider, providers, providers[0], ' +
        'config.model: each a string, or a mapping with one of model, model_name, model_id, name, id.',
    )
  })

  it.each(['model: 42', 'model: true', 'model: [a, b]'])('cannot be %s', (yaml) => {
    expect(refusal(`${yaml}\nagent: {model: a}`)).toMatchObject({
      code: 'INVALID_VALUE',
      inputPath: ['yaml', 'model'],
    })
  })
})

describe('the temperature', () => {
  it.each([
    ['model: m\ntemperature: 0', 0],
    ['model: m\ntemperature: 2.0', 2],
    ['model: m\ntemperature: 1e-1', 0.1],
    ['model: {name: m, temperature: 1}', 1],
    ['model: {model_name: m, model_kwargs: {temperature: 0.0}}', 0],
    ['agent: {model: {name: m, temperature: 1.}}', 1],
    ['agent: {model: m, temperature: 0.3}', 0.3],
    ['llm: m\nllm_args: {temperature: 0.4}', 0.4],
    ['llm: {model: m, llm_args: {temperature: 0.4}}', 0.4],
    ['agent_info: {llm: m, llm_args: {temperature: 0.0}}\nuser_info: {llm_args: {temperature: 1}}', 0],
    ['providers: [{id: "a:b", config: {temperature: 0.6}}]', 0.6],
    ['provider: a:b\nconfig: {temperature: 0.7}', 0.7],
    ['model: m\nmodel_settings: {temperature: 0.8}', 0.8],
    ['model: m\nagent: {model: {temperature: 0.9}}', 0.9],
    // The top level before all, then the nearest.
    ['agent: {model: {name: m, temperature: 1}}\ntemperature: 0.5', 0.5],
    ['agent: {model: {name: m, temperature: 1}, temperature: 0.5}', 1],
    ['temperature: null\nmodel: {name: m, temperature: 1}', 1],
  ])('%s', (yaml, temperature) => {
    const document = parseConfigDocument(yaml)
    expect(document).toMatchObject({ temperature, warnings: [] })
    expect(document.parsedConfig.temperature).toBe(temperature)
  })

  it('that is not set is null, with a warning', () => {
    const document = parseConfigDocument('model: m')
    expect(document).toMatchObject({ temperature: null, warnings: [NO_TEMPERATURE] })
    expect(document.parsedConfig).toEqual({ model: 'm', temperature: null })
  })

  it('belongs to the agent and not to the user it talks to', () => {
    expect(
      parseConfigDocument('agent_info: {llm: m}\nuser_info: {llm_args: {temperature: 1}}').temperature,
    ).toBeNull()
  })

  it.each([
    [
      'model: m\ntemperature: hot',
      ['temperature'],
      'temperature must be a number between 0 and 2, but is "hot".',
    ],
    [
      'model: m\ntemperature: "0.7"',
      ['temperature'],
      'temperature must be a number between 0 and 2, but is "0.7".',
    ],
    [
      'model: m\ntemperature: 2.1',
      ['temperature'],
      'temperature must be a number between 0 and 2, but is 2.1.',
    ],
    [
      'model: m\ntemperature: -0.1',
      ['temperature'],
      'temperature must be a number between 0 and 2, but is -0.1.',
    ],
    [
      'model: m\ntemperature: [1]',
      ['temperature'],
      'temperature must be a number between 0 and 2, but is [1].',
    ],
    [
      'agent: {model: {name: m, temperature: true}}',
      ['agent', 'model', 'temperature'],
      'agent.model.temperature must be a number between 0 and 2, but is true.',
    ],
    [
      'providers: [{id: "a:b", config: {temperature: 7}}]',
      ['providers', 0, 'config', 'temperature'],
      'providers[0].config.temperature must be a number between 0 and 2, but is 7.',
    ],
  ])('cannot be as in %s', (yaml, path, message) => {
    expect(refusal(yaml)).toMatchObject({ code: 'INVALID_VALUE', inputPath: ['yaml', ...path], message })
  })
})

describe('YAML', () => {
  it.each([
    ['', 'The YAML is empty.'],
    ['# only a comment\n', 'The YAML is empty.'],
    ['---\n', 'Line 1, column 4: The top level must be a mapping of keys to values, but is empty.'],
    ['- a', 'Line 1, column 1: The top level must be a mapping of keys to values, but is a list.'],
    ['\ngpt-4', 'Line 2, column 1: The top level must be a mapping of keys to values, but is a string.'],
    ['42', 'Line 1, column 1: The top level must be a mapping of keys to values, but is a number.'],
    [
      'model: m\n---\nmodel: n',
      'Line 2, column 1: A second document begins; a configuration is one document.',
    ],
    ['a: 1\nb:\n\tc: 2', 'Line 3, column 1: Tabs are not allowed as indentation.'],
    ['a: "x\nb: 1', 'Line 2, column 5: Missing closing "quote.'],
    ['a: 1\nb: @x', 'Line 2, column 4: Plain value cannot start with reserved character @.'],
    ['a: [1]]', 'Line 1, column 7: Unexpected flow-seq-end token in YAML stream.'],
    [
      'note: see: below',
      'Line 1, column 7: A mapping or list begins inside a value: check the indentation, or quote a string with a colon.',
    ],
    ['model gpt-4\ntemperature: 0', 'Line 1, column 1: A key without its colon on the same line.'],
    [
      'model: m\ntemperature: {{ temperature }}',
      'Line 2, column 15: A key must be a plain string: quote a value that begins with { or [, such as a template.',
    ],
    [
      '? [a, b]\n: c',
      'Line 1, column 3: A key must be a plain string: quote a value that begins with { or [, such as a template.',
    ],
    [': a', 'Line 1, column 1: A key is missing before the colon.'],
    ['model: m\na: 1\nmodel: n', 'Line 3, column 1: The key "model" occurs twice in one mapping.'],
    ['a:\n  1: x\n  "1": y', 'Line 3, column 3: The key "1" occurs twice in one mapping.'],
    ['a: *b', 'Line 1, column 4: The alias *b has no anchor &b before it.'],
    ['a: {<<: 1}', 'Line 1, column 5: << needs a mapping or a list of mappings.'],
    ['model: a\0b', 'Line 1, column 9: A string with the character U+0000 cannot be stored.'],
    ['model: "a\\0b"', 'Line 1, column 8: A string with the character U+0000 cannot be stored.'],
    ['"a\\u0000": b', 'Line 1, column 1: A string with the character U+0000 cannot be stored.'],
    ['model: a\uD83D', 'Line 1, column 9: A string with the character U+D83D cannot be stored.'],
    ['model: "\\ude00"', 'Line 1, column 8: A string with the character U+DE00 cannot be stored.'],
  ])('%j is refused', (yaml, message) => {
    expect(refusal(yaml)).toMatchObject({ code: 'YAML_INVALID', inputPath: ['yaml'], message })
  })

  it('has the types of YAML 1.2', () => {
    const plain =
      'a: [1, 0x1F, 0o17, 017, 1.50, 1e3, -0.0, yes, No, on, 2024-05-01, 12:30, ~, true, "", !!str 5]'
    expect(treeOf(plain).a).toStrictEqual([
      1,
      31,
      15,
      17,
      1.5,
      1000,
      0,
      'yes',
      'No',
      'on',
      '2024-05-01',
      '12:30',
      null,
      true,
      '',
      '5',
    ])
  })

  it('has texts for keys, as they are written', () => {
    expect(treeOf('1: a\n1.50: b\ntrue: c\n~: d\n"": e\n2024-05-01: f')).toEqual({
      1: 'a',
      '1.50': 'b',
      true: 'c',
      '~': 'd',
      '': 'e',
      '2024-05-01': 'f',
    })
  })

  it('says which decimals have more digits than it keeps', () => {
    const yaml =
      'model: m\ntemperature: 0.70000000000000001\nkept: [0.1, .5, -.5, +1.50, 5., 1e3, -0.0, 1.0e-7]\nlong: 0.12345678901234567'
    const { parsedConfig, warnings } = parseConfigDocument(yaml)
    expect(parsedConfig).toMatchObject({
      temperature: 0.7,
      kept: [0.1, 0.5, -0.5, 1.5, 5, 1000, 0, 1e-7],
      long: 0.12345678901234566,
    })
    expect(warnings).toEqual([
      'Line 2, column 14: A number with more digits than are kept is stored as 0.7.',
      'Line 4, column 7: A number with more digits than are kept is stored as 0.12345678901234566.',
    ])
  })

  it('keeps what JSON has no number for, with a warning', () => {
    const yaml =
      'model: m\ntemperature: 0\nbig: 12345678901234567890\nhex: 0xFFFFFFFFFFFFFFFF\nodd: [.nan, -.inf, 1e999]'
    const { parsedConfig, warnings } = parseConfigDocument(yaml)
    expect(parsedConfig).toMatchObject({
      big: '12345678901234567890',
      hex: '0xFFFFFFFFFFFFFFFF',
      odd: [null, null, null],
    })
    expect(warnings).toEqual([
      'Line 3, column 6: An integer beyond ±2^53 is stored as a string.',
      'Line 4, column 6: An integer beyond ±2^53 is stored as a string.',
      'Line 5, column 7: A number that is not finite is stored as null.',
      'Line 5, column 13: A number that is not finite is stored as null.',
      'Line 5, column 20: A number that is not finite is stored as null.',
    ])
    expect(treeOf('a: [9007199254740991, -9007199254740991]').a).toEqual([
      9007199254740991, -9007199254740991,
    ])
  })

  it('drops tags that it does not know, with a warning', () => {
    const yaml =
      'model: m\ntemperature: 0\na: !!python/object/apply:os.system [ls]\nb: !ENV 12\nc: !!timestamp 2024-05-01'
    const { parsedConfig, warnings } = parseConfigDocument(yaml)
    expect(parsedConfig).toMatchObject({ a: ['ls'], b: '12', c: '2024-05-01' })
    expect(warnings).toEqual([
      'Line 3, column 4: Unresolved tag: tag:yaml.org,2002:python/object/apply:os.system; its value is stored without it.',
      'Line 4, column 4: Unresolved tag: !ENV; its value is stored without it.',
      'Line 5, column 4: Unresolved tag: tag:yaml.org,2002:timestamp; its value is stored without it.',
    ])
  })

  it('of version 1.1 is read as 1.2', () => {
    const { parsedConfig, warnings } = parseConfigDocument(
      '%YAML 1.1\n---\nmodel: m\ntemperature: 0\non: yes\n',
    )
    expect(parsedConfig.on).toBe('yes')
    expect(warnings).toEqual(['Line 1, column 1: YAML 1.1 is read as YAML 1.2.'])
  })

  it('says no more than 20 warnings, and each once', () => {
    const { warnings } = parseConfigDocument(`model: m\ntemperature: 0\na: [${'!x y, '.repeat(30)}]`)
    expect(warnings).toHaveLength(21)
    expect(warnings.at(-1)).toBe('10 more warnings are left out.')
    const repeated = `model: m\ntemperature: 0\na: &a [${'.inf, '.repeat(20)}]\nb: [*a, *a]`
    expect(parseConfigDocument(repeated).warnings).toHaveLength(20)
  })

  it('has anchors, aliases and merge keys', () => {
    const yaml = [
      'base: &base {retries: 1, timeout: 5}',
      'slow: &slow {timeout: 60, region: eu}',
      'a: {<<: *base, retries: 3}',
      'b: {<<: [*base, *slow]}',
      'c: [*base, &x 1, *x, &x 2, *x]',
      'd: {"<<": a text}',
      'e: &e {inner: &x 3, again: *x}',
      'f: [&x 4, *e, *x]',
    ].join('\n')
    expect(treeOf(yaml)).toMatchObject({
      a: { retries: 3, timeout: 5 },
      b: { retries: 1, timeout: 5, region: 'eu' },
      c: [{ retries: 1, timeout: 5 }, 1, 1, 2, 2],
      d: { '<<': 'a text' },
      // Expanding *e, whose inner &x is 3, does not change what *x means after it.
      f: [4, { inner: 3, again: 3 }, 4],
    })
  })

  it('cannot pollute prototypes', () => {
    const yaml =
      'model: m\n__proto__: {polluted: 1}\na: {<<: {__proto__: {polluted: 2}}}\nconstructor: {prototype: 3}'
    const { parsedConfig } = parseConfigDocument(yaml)
    expect(Object.getPrototypeOf(parsedConfig)).toBe(Object.prototype)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(parsedConfig.polluted).toBeUndefined()
    expect(JSON.stringify(parsedConfig)).toBe(
      '{"model":"m","__proto__":{"polluted":1},"a":{"__proto__":{"polluted":2}},"constructor":{"prototype":3},' +
        '"temperature":null}',
    )
  })
})

describe('a tree', () => {
  const laughs = (levels: number, width: number) =>
    [
      'model: m\na0: &a0 lol',
      ...Array.from({ length: levels }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(width)}]`),
    ].join('\n')

  it('has at most 200,000 values', () => {
    // m, the list and its elements, and the mapping.
    expect(treeOf(`a: [${'1,'.repeat(199_997)}]`).a).toHaveLength(199_997)
    expect(refusal(`model: m\na: [${'1,'.repeat(199_998)}]`)).toMatchObject({
      code: 'TOO_LARGE',
      message: 'The YAML has more than 200000 values, each use of an alias counted.',
    })
  })

  it('has at most 100 levels', () => {
    const nested = (levels: number) => `model: m\na: ${'['.repeat(levels)}${']'.repeat(levels)}`
    expect(parseConfigDocument(nested(99)).model).toBe('m')
    for (const levels of [100, 150, 500_000]) {
      expect(refusal(nested(levels))).toMatchObject({
        code: 'TOO_LARGE',
        message: 'The YAML is nested more than 100 levels deep, or an alias lies within its own anchor.',
      })
    }
  })

  it.each([
    ['a billion laughs', laughs(9, 10)],
    ['deep laughs', laughs(95, 2)],
    ['an alias within its anchor', 'a: &a [*a, *a]'],
    ['a long text, often', `a: &a ${'x'.repeat(500_000)}\nb: [${'*a, '.repeat(100_000)}]`],
    ['a long number, often', `a: &a ${'9'.repeat(500_000)}\nb: [${'*a, '.repeat(100_000)}]`],
    ['a long key, often', `a: &a {? ${'x'.repeat(10_000)} : 1}\nb: [${'*a, '.repeat(90_000)}]`],
    ['far numbers', `a: [${'1e300, '.repeat(15_000)}]`],
    ['opened lists', filled('[')],
    ['opened mappings', filled('{')],
    ['lists in lists', filled('- ')],
    ['keys in keys', filled('? ')],
    ['commas', `a: [${filled(',')}]`],
    ['blank lines', filled('\n')],
    ['elements', `a: [${filled('1,')}]`],
  ])('of %s is refused quickly', (_name, yaml) => {
    expect(seconds(() => expect(refusal(yaml).code).toBe('TOO_LARGE'))).toBeLessThan(5)
  })

  it.each([
    ['keys', Array.from({ length: 80_000 }, (_, i) => `k${i}: 1\n`).join('')],
    ['texts', `a: "${filled('x\n ')}"`],
    ['faults', `a: "${filled('\\q')}"`],
    ['closed lists', filled(']')],
    ['unknown tags', Array.from({ length: 50_000 }, (_, i) => `- !t${i} x\n`).join('')],
    ['aliases', `a: &a x\nb: [${'*a, '.repeat(150_000)}]`],
    ['merges', `a: &a {x: 1}\n${Array.from({ length: 40_000 }, (_, i) => `b${i}: {<<: *a}\n`).join('')}`],
  ])('of 1 MiB of %s is read or refused quickly', (_name, yaml) => {
    expect(
      seconds(() => expect(['YAML_INVALID', 'MODEL_MISSING']).toContain(refusal(yaml).code)),
    ).toBeLessThan(5)
  })
})

describe('any text', () => {
  const number = fc.oneof(fc.integer(), fc.double({ min: -1e15, max: 1e15, noNaN: true }))
  const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'))
  const { tree } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constant(null),
      fc.boolean(),
      number,
      text,
      tie('list'),
      tie('tree'),
    ),
    list: fc.array(tie('value')),
    tree: fc.dictionary(
      fc.oneof(text, fc.constantFrom('__proto__', '<<', 'model', 'temperature', '1')),
      tie('value'),
    ),
  }))

  it('that is JSON is the same tree in YAML', () => {
    fc.assert(
      fc.property(tree, (original) => {
        const json = JSON.stringify({ settings: original, model: 'm', temperature: 0 })
        expect(parseConfigDocument(json).parsedConfig).toEqual(JSON.parse(json))
      }),
      { numRuns: 500 },
    )
  })

  const pieces = [
    ...[
      'model',
      'temperature',
      'a',
      '1',
      '.nan',
      '99999999999999999999',
      'text',
      '"x"',
      "'y'",
      '"',
      "'",
      '"\\0"',
    ],
    ...[
      ': ',
      ':',
      '- ',
      '? ',
      ', ',
      ' ',
      '  ',
      '\n',
      '\n  ',
      '\r\n',
      '\t',
      '[',
      ']',
      '{',
      '}',
      '|\n',
      '>-\n',
      '#',
      ' # c\n',
    ],
    ...[
      '&a ',
      '*a',
      '<<: ',
      '!x ',
      '!!str ',
      '!!int ',
      '!<',
      '%YAML 1.1\n',
      '---\n',
      '...\n',
      '\0',
      '\uD800',
      '\uFEFF',
      '__proto__',
    ],
  ]

  it('gives a document or a refusal', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 40 }), (parts) => {
        try {
          const { parsedConfig } = parseConfigDocument(`model: m\n${parts.join('')}`)
          expect(JSON.parse(JSON.stringify(parsedConfig))).toStrictEqual(parsedConfig)
        } catch (error) {
          if (!(error instanceof Refusal)) throw error
        }
      }),
      { numRuns: 3_000 },
    )
  })
})

withSharedData('real configurations', (data) => {
  const configs = new URL('configs/', data)
  const files = readdirSync(configs, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.yaml'),
  )
  const read = (file: string) => readFileSync(new URL(file, configs), 'utf8')
  const withModel: Record<string, string> = {
    mdma__evals__promptfooconfig: 'openai:gpt-4.1-mini',
    'mdma__evals__promptfooconfig.custom': 'openai:gpt-4.1-mini',
  }

  it.each(files)('%s', (file) => {
    const yaml = read(file)
    const model = withModel[file.slice(0, file.indexOf('/'))]
    // SWE-agent and mini-swe-agent take the model from the command line; their files name none.
    if (model)
      expect(parseConfigDocument(yaml)).toMatchObject({
        model,
        temperature: null,
        warnings: [NO_TEMPERATURE],
      })
    else expect(refusal(yaml).code).toBe('MODEL_MISSING')
  })

  it('have a temperature beside the model that is added to them', () => {
    const temperatureOf = (file: string, from: RegExp | string, to: string) =>
      parseConfigDocument(read(file).replace(from, to)).temperature
    const sweAgent = 'SWE-agent__config__default/v12_2025-08-04_d6aedd14.yaml'
    expect(temperatureOf(sweAgent, /^/, 'model: claude-sonnet-4\n')).toBe(1)
    expect(temperatureOf(sweAgent, '\n  model:\n', '\n  model:\n    name: claude-sonnet-4\n')).toBe(1)
    const miniSweAgent = 'mini-swe-agent__src__minisweagent__config__default/v01_2025-07-23_3afab092.yaml'
    expect(temperatureOf(miniSweAgent, '\nmodel:\n', '\nmodel:\n  model_name: claude-sonnet-4\n')).toBe(0)
  })
})

it('a configuration with secrets is kept as it is, with a warning', () => {
  const warnings = (yaml: string) =>
    parseConfigDocument(`model: m\ntemperature: 0\n${yaml}`).warnings.map(
      (text) => /seems to hold (.*?) \(/.exec(text)?.[1],
    )
  expect(warnings('api_key: $OPENAI_API_KEY\nmax_tokens: 100\n')).toEqual([])
  expect(warnings('api_key: hunter2hunter2\n')).toEqual(['a secret'])
  const key = `sk-proj-${'aB3dE5fG7h'.repeat(4)}`
  expect(warnings(`a: ${key}\nb: ${key}\n`)).toEqual(['a secret'])
  expect(warnings(`# ${key}\npassword: correct-horse-battery\n`)).toEqual(['2 secrets'])
})

describe('names that the YAML library keeps as keys', () => {
  const long = 'x'.repeat(200)

  it.each([
    ['tag', `model: m\nk: !${long} v`],
    ['tag', `model: m\nk: !<tag:${long}> v`],
    ['directive', `%TAG ! ${long}\n---\nmodel: m\nk: !a v`],
    ['directive', `%X ${long}\n---\nmodel: m`],
    ['anchor', `model: m\nk: &${long} v`],
    ['alias', `model: m\nk: *${long}`],
  ])('have at most 200 characters: %s', (name, yaml) => {
    expect(refusal(yaml)).toMatchObject({
      code: 'YAML_INVALID',
      message: expect.stringMatching(new RegExp(`^Line \\d+, column \\d+: The ${name} has \\d+ characters`)),
    })
  })

  it('are others than texts that begin like them', () => {
    for (const sign of ['!', '&', '*', '%']) {
      expect(
        parseConfigDocument(`model: m\nk: "${sign}${long}"\nl: |\n  ${sign}${long}\n`).parsedConfig,
      ).toMatchObject({
        k: `${sign}${long}`,
        l: `${sign}${long}\n`,
      })
    }
    expect(parseConfigDocument(`%TAG !e! tag:e,2000:\n---\nmodel: m\nk: !e!a v\n`).parsedConfig.k).toBe('v')
  })

  it('are told of in warnings that are as short', () => {
    const { warnings } = parseConfigDocument(
      `%TAG ! ${'x'.repeat(190)}\n---\nmodel: m\nk: !${'y'.repeat(199)} v`,
    )
    expect(warnings.find((text) => text.includes('xxx'))!.length).toBeLessThan(250)
  })
})

it('a key has at most 10,000 characters', () => {
  const key = 'k'.repeat(10_000)
  expect(parseConfigDocument(`model: m\n? ${key}\n: 1\n`).parsedConfig).toMatchObject({ [key]: 1 })
  expect(refusal(`model: m\n? ${key}k\n: 1\n`)).toMatchObject({
    code: 'YAML_INVALID',
    message: 'Line 2, column 3: A key has 10001 characters, but must have at most 10000.',
  })
})
