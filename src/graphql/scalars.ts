import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql'
import { DateTimeISOResolver, JSONObjectResolver, JSONResolver, UUIDResolver } from 'graphql-scalars'
import { isInCalendar } from '../calendar.ts'
import { exactNumber } from '../exactNumbers.ts'
import { builder } from './builder/builder.ts'

function described(scalar: GraphQLScalarType, description: string): GraphQLScalarType {
  return new GraphQLScalarType({ ...scalar.toConfig(), description })
}

const iso = DateTimeISOResolver.toConfig()

function withinCalendar(time: Date): Date {
  if (isInCalendar(time)) return time
  throw new GraphQLError('DateTime takes times in the years 1 to 9999.')
}

builder.addScalarType(
  'DateTime',
  new GraphQLScalarType({
    ...iso,
    name: 'DateTime',
    description:
      'A point in time as ISO 8601 with a zone, e.g. `2026-11-22T09:30:00.000Z`, in the years 1 to 9999; stored to the millisecond.',
    parseValue: (value) => withinCalendar(iso.parseValue!(value)),
    parseLiteral: (node, variables) => withinCalendar(iso.parseLiteral!(node, variables)),
  }),
)
/** A value in the document itself, its numbers with all digits. */
function jsonLiteral(
  node: ValueNode,
  variables: Readonly<Record<string, unknown>> | null | undefined,
): unknown {
  switch (node.kind) {
    case Kind.NULL:
      return null
    case Kind.INT:
    case Kind.FLOAT:
      return exactNumber(node.value)
    case Kind.LIST:
      return node.values.map((value) => jsonLiteral(value, variables))
    case Kind.OBJECT:
      return Object.fromEntries(
        node.fields.map(({ name, value }) => [name.value, jsonLiteral(value, variables)]),
      )
    case Kind.VARIABLE:
      return variables?.[node.name.value]
    default:
      return node.value
  }
}

const NUMBERS =
  'Numbers keep all their digits; one with an exponent beyond ±400 or of more than 15,000 characters is stored as the text that it is written as.'

builder.addScalarType(
  'JSON',
  new GraphQLScalarType({
    ...described(JSONResolver, `Any JSON value. ${NUMBERS}`).toConfig(),
    parseLiteral: jsonLiteral,
  }),
)
builder.addScalarType(
  'JSONObject',
  new GraphQLScalarType({
    ...described(JSONObjectResolver, `A JSON object. ${NUMBERS}`).toConfig(),
    parseLiteral: (node, variables) => {
      if (node.kind === Kind.OBJECT) return jsonLiteral(node, variables)
      throw new GraphQLError('JSONObject takes an object.', { nodes: node })
    },
  }),
)
builder.addScalarType('UUID', described(UUIDResolver, 'A UUID in its usual 36-character form.'))

function safeInteger(value: unknown): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number))
    throw new GraphQLError(
      `SafeInt cannot represent ${String(value)}: it is not an integer within ±(2^53 - 1).`,
    )
  return number
}

builder.addScalarType(
  'SafeInt',
  new GraphQLScalarType<number, number>({
    name: 'SafeInt',
    description: 'An integer within ±(2^53 - 1), for counts that outgrow Int.',
    serialize: safeInteger,
    parseValue(value) {
      // Of an empty text or list JavaScript makes 0.
      if (typeof value !== 'number') throw new GraphQLError('SafeInt takes an integer.')
      return safeInteger(value)
    },
    parseLiteral(node) {
      if (node.kind !== Kind.INT) throw new GraphQLError('SafeInt takes an integer.', { nodes: node })
      return safeInteger(node.value)
    },
  }),
)

function amount(value: unknown): number {
  const number = typeof value === 'number' ? value : Number(String(value))
  if (!Number.isFinite(number)) throw new GraphQLError(`Usd cannot represent ${String(value)}.`)
  return number
}

builder.addScalarType(
  'Usd',
  new GraphQLScalarType<number, number | string>({
    name: 'Usd',
    description:
      'An amount in US dollars: a decimal number with up to twelve places, stored and summed up exactly.',
    // A sum may have more digits than JavaScript's numbers.
    serialize: (value) => (typeof value === 'number' ? amount(value) : exactNumber(String(value))),
    parseValue(value) {
      if (typeof value !== 'number') throw new GraphQLError('Usd takes a number.')
      return amount(value)
    },
    parseLiteral(node) {
      if (node.kind !== Kind.INT && node.kind !== Kind.FLOAT)
        throw new GraphQLError('Usd takes a number.', { nodes: node })
      return amount(node.value)
    },
  }),
)
