import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { JsonObject, JsonValue } from '../../src/json.ts'
import { startCounting } from '../support/countedSteps.ts'

// Work that grows faster than its input is how a request of some KB keeps everybody waiting. Whatever a client sends is
// made twice as long here, and the steps that it takes are counted.

const counting = await startCounting()
afterAll(() => counting.stop())

const { storableJson } = await import('../../src/json.ts')
const { redactTree, redactYaml, countSecrets } = await import('../../src/evaluation/redaction/redaction.ts')
const { parseConfigDocument } = await import('../../src/evaluation/configurations/configDocument.ts')
const { changedPaths, unifiedDiff } = await import('../../src/evaluation/configurations/configDiff.ts')
const { decodeCursor } = await import('../../src/reads/keyset.ts')
const { decodeGlobalId } = await import('../../src/graphql/builder/globalId.ts')
const { schema } = await import('../../src/graphql/schema.ts')
const { QueryCompiler } = await import('../../src/graphql/compiled/compiledQuery.ts')
const { estimateCost } = await import('../../src/http/limits/operationCost.ts')
const { checkShape } = await import('../../src/http/limits/documentShape.ts')
const { outlineOf } = await import('../../src/http/limits/jsonOutline.ts')
const { jsonConditions } = await import('../../src/graphql/lists/filters.ts')
const { deriveToolUsage } = await import('../../src/evaluation/outcomes/trajectory.ts')
const { all } = await import('../../src/reads/condition.ts')
const { conditionSql } = await import('../../src/reads/conditionSql.ts')
const { failureSignature, classifyFailure } = await import('../../src/evaluation/failures/failurePattern.ts')
const { readConfig } = await import('../../src/config.ts')
const { parse, getOperationAST } = await import('graphql')

const { limits } = readConfig({ ARC_JWT_SECRET: 'x'.repeat(32) }).exposure

/** What texts are made of that cost a reader most: what begins something and never ends it, what is nearly something else. */
const PIECES = [
  'a', '1', '0', ' ', '\n', '"', '\\', '\\"', "'", '/', '~', '.', '-', '_', ':', ',', '@', '=', '{', '}', '[', ']', '#', '&a ',
  '*a', '<<', '😀', '\ud800', '\0', '\ufffd', ' 2', 'key', 'token', 'sk-', 'eyJ', 'http://', 'a.b', '--api-key ', 'Bearer ',
  '-----BEGIN PRIVATE KEY-----', '-----BEGIN ', '-----END ', 'sk-abcdefghijklmnop1', 'x'.repeat(40), '  File "', 'Error',
] // biome-ignore format: a list of pieces

const piece = fc.constantFrom(...PIECES)
const text = fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join(''))

/** One kind of text, said again and again. */
const repeated = fc.record({
  before: fc.oneof(fc.constant(''), text),
  unit: text,
  after: fc.oneof(fc.constant(''), text),
})
type Repeated = { before: string; unit: string; after: string }
const written = ({ before, unit, after }: Repeated, times: number) => before + unit.repeat(times) + after

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

/** `name: value` for each number. */
const keyed = (
  count: number,
  name: (index: number) => string,
  value: (index: number) => JsonValue,
): JsonObject => Object.fromEntries(numbers(count).map((index) => [name(index), value(index)]))

const METADATA = { field: 'metadata', kind: 'json' } as const

const yamlOf = (tree: object) => JSON.stringify({ model: 'm', ...tree })

/** So long that V8 tells it from others of its length by comparing them. */
const alike = (index: number) => `${'k'.repeat(16_400)}${String(index).padStart(9, '0')}`

const CURSOR = [
  { field: 'n', kind: 'bigint' as const },
  { field: 't', kind: 'text' as const },
]

/** What is done with a text of this kind that is `times` long. */
const SUBJECTS: [name: string, work: (kind: Repeated, times: number) => unknown][] = [
  ['JSON with a long text', (kind, times) => storableJson({ a: written(kind, times) })],
  ['JSON with a long key', (kind, times) => storableJson({ [written(kind, times)]: '\0' })],
  [
    'JSON with keys that become one',
    ({ unit }, times) =>
      storableJson(
        keyed(
          times,
          (index) =>
            `${unit}${'\ud800'.repeat(index % 7)}${index % 3 ? '\0' : '\ud801'}`.padEnd(index % 40, '\ud802'),
          () => 1,
        ),
      ),
  ],
  [
    'JSON with keys of lone surrogates, each another',
    (_, times) =>
      storableJson(
        Object.fromEntries(
          numbers(times).map((index) => [
            [...index.toString(2).padStart(12, '0')]
              .map((bit) => (bit === '1' ? '\ud801' : '\ud800'))
              .join(''),
            index,
          ]),
        ),
      ),
  ],
  [
    'calls with long ids',
    (_, times) =>
      deriveToolUsage(
        numbers(times).map((index) => ({ role: 'assistant', tool_calls: [{ name: 'a', id: alike(index) }] })),
      ),
  ],
  ['the outline of JSON', (kind, times) => outlineOf(`{"query":"a","variables":${written(kind, times)}}`)],
  ['secrets in a long text', (kind, times) => redactTree({ a: written(kind, times) })],
  [
    'secrets under a long name',
    (kind, times) => redactTree({ [written(kind, times)]: 'abc123def456ghi789jkl' }),
  ],
  ['a long secret', (kind, times) => redactTree({ api_key: written(kind, times) })],
  [
    'secrets that are names',
    ({ unit }, times) =>
      redactTree(
        keyed(
          10 * times,
          (index) => `sk-abcdefghijklmnop${index}${unit}`,
          () => 1,
        ),
      ),
  ],
  [
    'secrets of a list in YAML',
    (_, times) =>
      redactYaml(yamlOf({ api_keys: numbers(times).map((index) => `value${index}of1234567890123`) })),
  ],
  [
    'secrets of a mapping in YAML',
    (_, times) =>
      redactYaml(
        yamlOf(
          keyed(
            times,
            (index) => `k${index}_password`,
            (index) => `v${index}x9`,
          ),
        ),
      ),
  ],
  ['the number of secrets', (kind, times) => countSecrets(written(kind, times), { a: written(kind, times) })],
  ['YAML', (kind, times) => parseConfigDocument(`model: m\n${written(kind, times)}`)],
  ['YAML with a long text', (kind, times) => parseConfigDocument(yamlOf({ a: written(kind, times) }))],
  ['YAML with a long key', (kind, times) => parseConfigDocument(yamlOf({ [written(kind, times)]: 1 }))],
  [
    'YAML with many keys',
    ({ unit }, times) =>
      parseConfigDocument(
        yamlOf(
          keyed(
            times,
            (index) => `${unit}${index}`,
            () => unit,
          ),
        ),
      ),
  ],
  [
    'YAML with many aliases',
    (_, times) =>
      parseConfigDocument(
        `model: m\na: &a [1]\nb: [${numbers(times)
          .map(() => '*a')
          .join()}]`,
      ),
  ],
  [
    'a cursor',
    (kind, times) =>
      decodeCursor(
        CURSOR,
        Buffer.from(JSON.stringify(['n', written(kind, times), 't'])).toString('base64url'),
        'after',
      ),
  ],
  [
    'a cursor with a number',
    (_, times) =>
      decodeCursor(
        CURSOR,
        Buffer.from(JSON.stringify(['n', '1'.repeat(times), 't'])).toString('base64url'),
        'after',
      ),
  ],
  ['a cursor that is none', (kind, times) => decodeCursor(CURSOR, written(kind, times), 'after')],
  [
    'a global id',
    (kind, times) => decodeGlobalId(Buffer.from(`Simulation:${written(kind, times)}`).toString('base64')),
  ],
  [
    'a path into JSON',
    ({ unit }, times) =>
      conditionSql(all(...jsonConditions(METADATA, [{ path: numbers(times).map(() => unit) }])), 'c').text,
  ],
  [
    'conditions on JSON',
    ({ unit }, times) =>
      conditionSql(
        all(
          ...jsonConditions(
            METADATA,
            numbers(times).map(() => ({ path: [unit], eq: { [unit]: 1 } })),
          ),
        ),
        'c',
      ).text,
  ],
  [
    'a filter',
    ({ unit }, times) =>
      estimateCost(
        schema,
        ...operationOf('query ($f: ScenarioFilter) { scenarios(filter: $f) { totalCount } }'),
        { f: { scenarioId: { in: numbers(times).map(() => unit) } } },
      ),
  ],
  [
    'the shape of a document',
    (_, times) =>
      checkShape(
        parse(
          `{ viewer { role } ${numbers(times)
            .map((index) => `...f${index}`)
            .join(' ')} } ${numbers(times)
            .map((index) => `fragment f${index} on Query { viewer { role } }`)
            .join(' ')}`,
        ),
        { ...limits, breadth: 1e9 },
      ),
  ],
  [
    'the statement of many fields',
    (_, times) =>
      compiled(
        `{ simulations { nodes { ${numbers(times)
          .map((index) => `f${index}: simulationName`)
          .join(' ')} } } }`,
      ),
  ],
  [
    'the statement of many fragments',
    (_, times) =>
      compiled(
        `{ simulations { nodes { ${numbers(times)
          .map((index) => `...f${index}`)
          .join(' ')} } } } ${numbers(times)
          .map(
            (index) =>
              `fragment f${index} on Simulation { status configVersion { model f${index}: rawYaml } }`,
          )
          .join(' ')}`,
      ),
  ],
  [
    'the statements of many fields of the root',
    (_, times) =>
      compiled(
        `{ ${numbers(times)
          .map((index) => `s${index}: simulations { totalCount nodes { outcomes { nodes { status } } } }`)
          .join(' ')} }`,
      ),
  ],
  [
    'the statement of a filter',
    ({ unit }, times) =>
      compiled('query ($f: ScenarioFilter) { scenarios(filter: $f) { totalCount } }', {
        f: {
          scenarioId: { in: numbers(times).map(() => unit) },
          tags: { hasSome: numbers(times).map(() => unit) },
        },
      }),
  ],
  [
    'a tree that changed below a long key',
    ({ unit }, times) =>
      changedPaths(
        {
          [unit.repeat(2_000 * times)]: keyed(
            times,
            (index) => `k${index}`,
            () => 1,
          ),
        },
        {
          [unit.repeat(2_000 * times)]: keyed(
            times,
            (index) => `k${index}`,
            () => 2,
          ),
        },
      ),
  ],
  [
    'a tree that changed far below',
    ({ unit }, times) => changedPaths(nested(unit, times, 1), nested(unit, times, 2)),
  ],
  [
    'a list that changed at its end',
    (_, times) => changedPaths({ a: numbers(times) }, { a: [...numbers(times), -1] }),
  ],
  [
    'lines that changed at one place',
    (kind, times) => unifiedDiff(`${written(kind, times)}\na`, `${written(kind, times)}\nb`, 'a', 'b'),
  ],
  ['what tells failures apart', (kind, times) => failureSignature('a', written(kind, times))],
  ['what kind a failure is of', (kind, times) => classifyFailure(written(kind, times), null, 'error')],
]

function nested(unit: string, depth: number, leaf: number): any {
  let tree: unknown = leaf
  for (let level = 0; level < depth; level++) tree = { [unit]: tree }
  return { a: tree }
}

function compiled(query: string, variableValues = {}): unknown {
  const [document, operation] = operationOf(query)
  return new QueryCompiler(limits.readBytes).compile({ schema, document, variableValues }, operation)
}

function operationOf(query: string): [ReturnType<typeof parse>, any] {
  const document = parse(query)
  return [document, getOperationAST(document)]
}

describe('twice the input takes no more than twice the steps:', () => {
  it.each(SUBJECTS)('%s', async (name, work) => {
    await fc.assert(
      fc.asyncProperty(repeated, async (kind) => {
        // What is made once and kept is none of the input's.
        await counting.stepsOf(() => work(kind, 60))
        const [one, two, four] = [
          await counting.stepsOf(() => work(kind, 60)),
          await counting.stepsOf(() => work(kind, 120)),
          await counting.stepsOf(() => work(kind, 240)),
        ]
        // What is done once, whatever the size, is not in the differences; a step here and there is a logarithm's.
        expect(four - two).toBeLessThanOrEqual(2.2 * Math.max(0, two - one) + 2_000)
      }),
      // Names take so many steps each that only very many of them tell.
      { numRuns: name === 'secrets that are names' ? 4 : 12 },
    )
  })
})
