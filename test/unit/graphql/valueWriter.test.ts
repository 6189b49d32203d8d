import fc from 'fast-check'
import {
  buildSchema,
  execute,
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  parse,
} from 'graphql'
import { describe, expect, it } from 'vitest'
import { fragmentsOf } from '../../../src/graphql/compiled/compiledQuery.ts'
import { valueWriter } from '../../../src/graphql/compiled/valueWriter.ts'
import { SEED } from '../../support/seed.ts'

const schema = buildSchema(`
  type Query { value: Value other(id: UUID): Value }
  scalar UUID
  enum Kind { LOW HIGH }
  type Value { text: String number: Float count: Int! flag: Boolean kind: Kind inner: Value items: [Value!]! grid: [[Float]] times(by: Float = 2): Float }
`)
const { times, kind } = (schema.getType('Value') as GraphQLObjectType).getFields()
times!.resolve = ({ count }, { by }) => count * by
kind!.resolve = ({ kind: low }) => (low ? 'LOW' : 'HIGH')

const value = (depth: number): fc.Arbitrary<unknown> =>
  fc.record({
    text: fc.option(fc.string({ unit: 'binary' })),
    number: fc.option(fc.double({ noNaN: true, noDefaultInfinity: true })),
    count: fc.integer({ min: -1_000, max: 1_000 }),
    flag: fc.option(fc.boolean()),
    kind: fc.boolean(),
    inner: depth === 0 ? fc.constant(null) : fc.option(value(depth - 1)),
    items: depth === 0 ? fc.constant([]) : fc.array(value(depth - 1), { maxLength: 2 }),
    grid: fc.option(
      fc.array(fc.option(fc.array(fc.option(fc.integer()), { maxLength: 2 })), { maxLength: 2 }),
    ),
  })

const QUERY = `query ($by: Float, $shown: Boolean!) {
  value { __typename again: text text number count flag kind grid ...More inner { kind items { count inner { text } } } }
}
fragment More on Value { times twice: times(by: $by) items { ... @include(if: $shown) { text } grid count @skip(if: $shown) } inner { text } }`

function written(
  of: GraphQLSchema,
  query: string,
  variables: Record<string, unknown>,
  shown: unknown,
): string {
  const document = parse(query)
  const [operation] = document.definitions as unknown as [{ selectionSet: { selections: FieldNode[] } }]
  const asked = { schema: of, fragments: fragmentsOf(document), variables, now: () => new Date() }
  const [node] = operation.selectionSet.selections as [FieldNode]
  const { type } = of.getQueryType()!.getFields()[node.name.value]!
  return valueWriter(asked, type, [node])(shown)
}

describe('a computed value', () => {
  it('is written as graphql-js would', async () => {
    await fc.assert(
      fc.property(
        fc.option(value(3)),
        fc.boolean(),
        fc.double({ noNaN: true, min: -9, max: 9 }),
        (shown, isShown, by) => {
          const variables = { by, shown: isShown }
          const { data, errors } = execute({
            schema,
            document: parse(QUERY),
            rootValue: { value: shown },
            variableValues: variables,
          }) as { data: { value: unknown }; errors: unknown }
          expect(errors).toBeUndefined()
          expect(written(schema, QUERY, variables, shown)).toBe(JSON.stringify(data.value))
        },
      ),
      { seed: SEED },
    )
  })

  it.each([
    ['a null where none may be', '{ value { count } }', { count: null }],
    ['a number that is none', '{ value { number } }', { number: Number.NaN }],
    ['what is not there at once', '{ value { text } }', { text: async () => 'late' }],
    [
      'what its resolver refuses',
      '{ value { text } }',
      {
        text: () => {
          throw new Error('no')
        },
      },
    ],
  ])('is left to resolvers for %s', (_, query, shown) => {
    expect(() => written(schema, query, {}, shown)).toThrow()
  })

  it('has no ids among its arguments: they may stand for those of variables', () => {
    const nested = buildSchema('scalar UUID type Query { value: Value } type Value { by(id: UUID): Int }')
    expect(() => written(nested, '{ value { by } }', {}, { by: 1 })).toThrow('Value.by')
  })
})
